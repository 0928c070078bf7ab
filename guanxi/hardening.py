"""What of the settings must not be in production, which is wherever ``GUANXI_DEVELOPMENT`` is not set."""

import ipaddress
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from graph.errors import SettingsError
from guanxi.settings import Settings
from guanxi.strength import weakness

NEW_SECRET: Final = "set one of python -c 'import secrets; print(secrets.token_urlsafe(32))'"  # noqa: S105 - how to make one
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
OTHERS_USE: Final = stat.S_IRWXG | stat.S_IRWXO
OWN_NETWORKS: Final = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")))
"""Loopback, and link-local, where clouds tell a machine its credentials."""
NEO4J_DEFAULTS: Final = {"", "neo4j"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be in production, and the next step."""

    setting: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.setting} {self.what}: {self.cure}."


def findings(settings: Settings) -> list[Finding]:
    """Return what keeps the settings from production, in the order of the settings."""
    return [
        *_development(settings),
        *_secrets(settings),
        *_key_set(settings.jwt_jwks),
        *(finding for origin in settings.origins for finding in _origin(origin)),
        *_proxies(settings),
        *_webhooks(settings),
        *_federation(settings),
        *_store(settings),
    ]


def refuse_in_production(settings: Settings) -> None:
    """Stop what would serve a bank with settings that must not be in production.

    Raises:
        SettingsError: names every finding.
    """
    found = [] if settings.development else findings(settings)
    if found:
        head = "Not served, for this is production (GUANXI_DEVELOPMENT is not set):"
        raise SettingsError("\n".join([head, *map(str, found)]))


def _development(settings: Settings) -> Iterator[Finding]:
    if settings.development:
        yield Finding(
            "GUANXI_DEVELOPMENT", "serves GraphiQL and introspection and issues tokens", "unset it in production"
        )
    if sys.flags.dev_mode or os.environ.get("PYTHONASYNCIODEBUG"):
        yield Finding(
            "Python", "runs in its debug mode", "unset PYTHONDEVMODE and PYTHONASYNCIODEBUG, leave out -X dev"
        )


def _secrets(settings: Settings) -> Iterator[Finding]:
    given = {
        "GUANXI_JWT_SECRET": settings.jwt_secret,
        "GUANXI_DECISION_SECRET": settings.decision_secret,
        "GUANXI_WEBHOOK_SECRET": settings.webhook_secret,
        "GUANXI_ERASURE_SECRET": settings.erasure_secret,
        "GUANXI_AUDIT_SECRET": settings.audit_secret,
    }
    plain = {name: secret.get_secret_value() for name, secret in given.items() if isinstance(secret, SecretStr)}
    for name, secret in plain.items():
        weak = weakness(secret)
        if weak:
            yield Finding(name, weak, NEW_SECRET)
    for one, other in combinations(plain, 2):
        if plain[one] == plain[other]:
            yield Finding(other, f"is {one} as well", NEW_SECRET)
    made = settings.home / "jwt.secret"
    if os.access(made, os.R_OK) and made.read_text() == plain.get("GUANXI_JWT_SECRET"):
        what = f"is the one that development made in {made}, whose tokens would hold"
        yield Finding("GUANXI_JWT_SECRET", what, NEW_SECRET)
    for path in sorted(settings.home.glob("*.secret")):
        if path.stat().st_mode & OTHERS_USE:
            yield Finding(str(path), "can be read by other users", f"chmod 600 {path}")


def _key_set(place: str | None) -> Iterator[Finding]:
    if place is None:
        return
    url = urlsplit(place)
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        yield Finding("GUANXI_JWT_JWKS", "is plain HTTP, which whoever is on the way can answer", "use https://")
    elif url.scheme not in {"http", "https"}:
        yield from _key_file(Path(place))


def _key_file(path: Path) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding("GUANXI_JWT_JWKS", f"names no file, {path}", "name the file or the URL of the key set")
    elif path.stat().st_mode & OTHERS_WRITE:
        yield Finding("GUANXI_JWT_JWKS", f"can be written by other users in {path}", f"chmod go-w {path}")


def _origin(origin: str) -> Iterator[Finding]:
    url = urlsplit(origin)
    if origin in {"*", "null"}:
        yield Finding("GUANXI_ORIGINS", f"is open to every page ({origin})", "name the origins of your own pages")
    elif "*" in origin or url.scheme not in {"http", "https"} or origin != f"{url.scheme}://{url.netloc}":
        yield Finding("GUANXI_ORIGINS", f"has {origin!r}, which is no origin", "write it as https://host[:port]")
    elif url.scheme == "http" and not _is_loopback(url.hostname or ""):
        yield Finding("GUANXI_ORIGINS", f"has {origin}, whose pages whoever is on the way can change", "use https://")


def _proxies(settings: Settings) -> Iterator[Finding]:
    if any(proxy.prefixlen == 0 for proxy in settings.trusted_proxies):
        yield Finding("GUANXI_TRUSTED_PROXIES", "believes everybody", "name your proxies' addresses")


def _webhooks(settings: Settings) -> Iterator[Finding]:
    for network in settings.webhook_networks:
        if any(network.version == own.version and network.overlaps(own) for own in OWN_NETWORKS):
            what = f"has {network}, in which the server's own machine answers"
            yield Finding("GUANXI_WEBHOOK_NETWORKS", what, "name the networks that receivers are in, and no wider")


def _federation(settings: Settings) -> Iterator[Finding]:
    if settings.federation and settings.trusted_documents is not None:
        yield Finding(
            "GUANXI_TRUSTED_DOCUMENTS",
            "shuts out the supergraph's router, which makes what it asks anew for each operation",
            "unset it and let the router hold the documents, or unset GUANXI_FEDERATION",
        )


def _store(settings: Settings) -> Iterator[Finding]:
    if settings.neo4j_uri is not None and settings.neo4j_password.get_secret_value() in NEO4J_DEFAULTS:
        yield Finding("NEO4J_PASSWORD", "is empty, or the one that Neo4j comes with", "set one of your own")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
