"""Whose word is taken for who calls: that of the proxies that the operator names, and by default nobody's."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


def trusting(proxies: Sequence[Network]) -> dict[str, Any]:
    """Return how uvicorn is to treat ``X-Forwarded-For`` and ``X-Forwarded-Proto``, which it would believe of loopback.

    The client is then the last address of ``X-Forwarded-For`` that is none of the proxies'. ``Forwarded`` and client
    certificates' headers are never read.
    """
    return {"proxy_headers": bool(proxies), "forwarded_allow_ips": [str(proxy) for proxy in proxies]}
