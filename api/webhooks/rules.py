"""How webhooks are sent."""

import random
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Final, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

GROWTH: Final = 4
JITTER: Final = 0.2


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """How webhooks are sent.

    Attributes:
        secret: what each webhook's own secret is derived of.
        plain: whether plain HTTP may be used.
        networks: where receivers may be, beside the public Internet.
        attempts: how often a delivery is tried.
        backoff: seconds from the first try to the second; each next wait is four times as long.
        seconds: how long an answer is waited for, from looking up the name to the status.
        concurrent: how many deliveries one server sends to a webhook at once.
        poll: seconds between two looks for what is due.
    """

    secret: str
    plain: bool = False
    networks: tuple[Network, ...] = ()
    attempts: int = 8
    backoff: float = 15.0
    seconds: float = 15.0
    concurrent: int = 4
    poll: float = 1.0

    @property
    def lease(self) -> timedelta:
        """How long a claimed delivery is left to who claimed it."""
        return timedelta(seconds=2 * self.seconds + 5)

    def wait(self, tries: int) -> timedelta:
        """Return how long to wait after so many tries, up to a fifth more or less so that not all come at once."""
        spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        return timedelta(seconds=self.backoff * GROWTH ** (tries - 1) * spread)
