"""Where webhooks may be sent: the public Internet, and networks that the operator names; never into the server's own.

A name is looked up once, and what was looked at is what is connected to: a name that answers otherwise the next time
changes nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final, TypeAlias

import httpx

from api.webhooks.rules import Network, WebhookRules

Address: TypeAlias = IPv4Address | IPv6Address

LONGEST_URL: Final = 2_000
TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a gateway turns into the IPv4 address of their last 32 bits (RFC 6052)."""


class Refused(Exception):
    """An address that nothing is sent to; the text says why."""


def check_url(text: str, rules: WebhookRules) -> None:
    """Refuse an address that nothing would ever be sent to; where its name leads is looked at for every try.

    Raises:
        Refused: the text says what is wrong.
    """
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise Refused(f"An address is plain ASCII, {LONGEST_URL:,} characters at most.")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise Refused("This is no address.") from error
    if url.scheme != "https" and not (rules.plain and url.scheme == "http"):
        raise Refused("An address begins with https://.")
    if not url.host or url.userinfo or url.fragment or not 0 < (url.port or 443) < 65_536:
        raise Refused("An address has a host and, if any, a port; no user, password or fragment.")
    literal = _literal(url.host)
    if literal is not None and not is_permitted(literal, rules.networks):
        raise Refused("Nothing is sent to loopback, private, link-local and other addresses of no use in public.")


async def permitted(url: httpx.URL, networks: Sequence[Network]) -> list[str]:
    """Return those addresses of a host that may be connected to, in the order of its answer.

    Raises:
        Refused: there are none.
        OSError: the name cannot be looked up.
        UnicodeError: it is no name.
    """
    host, port = url.raw_host.decode(), url.port or {"https": 443, "http": 80}[url.scheme]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(told[0]) for *_, told in found)
    allowed = [address for address in addresses if is_permitted(ipaddress.ip_address(address), networks)]
    if not allowed:
        raise Refused("the name leads to addresses that nothing is sent to")
    return allowed


def is_permitted(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address is public, or in one of the networks; of one that stands for another, that one counts."""
    meant = _meant(address)
    if any(meant in network for network in networks):
        return True
    is_odd = meant.is_multicast or meant.is_reserved or (isinstance(meant, IPv6Address) and meant.is_site_local)
    return meant.is_global and not is_odd


def _meant(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    return inner or address


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
