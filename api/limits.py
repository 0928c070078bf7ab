"""What one request, and one client, may ask of a server process."""

import math
from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits; ``GUANXI_LIMIT_<NAME>`` sets each, and what goes beyond is refused with the code ``LIMIT_<NAME>``.

    A client is the subject of a token, or the peer's address where there is none.

    Raises:
        ValueError: one is not above 0, or not finite.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - pydantic's: a name that is misspelt is no limit

    query_bytes: int = 30_000
    """Bytes of the document; a URL has 32,768 at most."""
    variables_bytes: int = 50_000
    """Bytes of the variables, as JSON."""
    list_length: int = 100
    """Items of a list, in the document or in the variables."""
    tokens: int = 2_000
    """Tokens of the document, comments included."""
    depth: int = 15
    """Levels of fields with fields below them; those of introspection don't count."""
    root_fields: int = 20
    """Different fields of an operation's root."""
    aliases: int = 30
    """Aliases of an operation; those of a fragment count as often as it is spread."""
    repeats: int = 50
    """How often one field may be in a selection."""
    directives: int = 50
    """Directives in the document."""
    cost: int = 20_000
    """The operation's cost, estimated before it runs."""
    seconds: float = 10
    """How long a query or mutation may take, waiting included, in seconds."""
    concurrent: int = 20
    """Queries and mutations that one client may have under way."""
    client_rate: float = 100
    """Requests a second of one client; twice as many may come at once."""
    token_rate: float = 50
    """Requests a second with one token; twice as many may come at once."""
    sockets: int = 10
    """WebSockets that one client may have open."""
    subscriptions: int = 50
    """Subscriptions that one client may have, on all its sockets."""
    running: int = 32
    """Queries and mutations that run at once; more of them wait."""
    waiting: int = 256
    """Queries and mutations that wait for their turn."""
    waiting_seconds: float = 2
    """How long one waits for its turn, in seconds; what is sure to wait for longer is refused at once."""
    persisted: int = 1_000
    """Automatically persisted documents that are kept; the least used make room."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            most = getattr(self, limit.name)
            if not most > 0:
                raise ValueError(f"limit_{limit.name} is above 0, not {most}")
            if most == math.inf:
                raise ValueError(f"limit_{limit.name} is finite, not {most}")


DEFAULT_LIMITS: Final = Limits()
