"""JSON Web Key Sets of a file or a URL: read seldom, by one at a time, and kept through an outage of their server.

PyJWT's own client holds a lock while it reads: with a server that does not answer, twelve requests waited twelve
timeouts, tokens of known keys too, one that drips its answer held them for ever, and once its cache had lapsed no key
was known any more. So PyJWT parses here, and what is read when is decided here.
"""

import asyncio
import json
import logging
import math
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import jwt

logger = logging.getLogger("guanxi.api")

READ_SECONDS: Final = 5.0
MOST_BYTES: Final = 262_144
LEAST_RSA_BITS: Final = 2_048


class KeySetUnreadable(jwt.PyJWKClientError):
    """No key of the set is known, for it could not be read in time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a set is read, in seconds.

    Attributes:
        fresh: how old a set may be before it is read anew, beside the requests; at twice that they wait for it.
        again: the least between two tries: a new key is found, and a server that failed asked again, after so long.
        kept: how long known keys hold where reading fails.
    """

    fresh: float = 145
    again: float = 10
    kept: float = 3_600


class KeySet:
    """The keys of one place that may sign with one algorithm."""

    def __init__(self, place: str, algorithm: str, pace: Pace) -> None:
        self._place = place
        self._algorithm = algorithm
        self._is_remote = place.startswith(("http://", "https://"))
        self._pace = pace if self._is_remote else Pace(0, 0, pace.kept)  # a file is read for every token
        self._keys: list[jwt.PyJWK] = []
        self._text = b""
        self._read_at = self._tried_at = -math.inf
        self._reading: asyncio.Task[None] | None = None

    async def key(self, key_id: str | None) -> Any:
        """Return the public key of an id, or the only one where a token names none.

        Raises:
            KeySetUnreadable: nothing was read in time.
            jwt.PyJWKClientError: the set has no such key.
        """
        now = time.monotonic()
        if now - self._tried_at > 2 * self._pace.fresh:
            await self._read_once()
        elif now - self._read_at > self._pace.fresh and now - self._tried_at > self._pace.again:
            self._start()
        found = self._named(key_id)
        if found is None and (self._reading is not None or now - self._tried_at > self._pace.again):
            await self._read_once()
            found = self._named(key_id)
        if found is not None:
            return found.key
        if self._is_known():
            raise jwt.PyJWKClientError("The key set has no such key.")
        raise KeySetUnreadable("The key set cannot be read.")

    def _is_known(self) -> bool:
        return time.monotonic() - self._read_at <= self._pace.kept

    def _named(self, key_id: str | None) -> jwt.PyJWK | None:
        if not self._is_known():
            return None
        if not key_id:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == key_id), None)

    async def _read_once(self) -> None:
        await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                text = await (self._fetched() if self._is_remote else asyncio.to_thread(Path(self._place).read_bytes))
            if text != self._text:
                self._keys, self._text = _usable(text, self._algorithm), text
            self._read_at = time.monotonic()
        except Exception as error:  # noqa: BLE001 - whatever that server says, known keys hold
            logger.error("the key set cannot be read: %s", str(error) or type(error).__name__)  # noqa: TRY400 - no bug
        finally:
            self._tried_at = time.monotonic()
            self._reading = None

    async def _fetched(self) -> bytes:
        text = b""
        async with (
            httpx.AsyncClient(verify=ssl.create_default_context(), timeout=READ_SECONDS) as client,
            client.stream("GET", self._place, headers={"Accept-Encoding": "identity"}) as response,
        ):
            response.raise_for_status()
            async for part in response.aiter_raw():
                text += part
                if len(text) > MOST_BYTES:
                    raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
        return text


def _usable(text: bytes, algorithm: str) -> list[jwt.PyJWK]:
    """The keys of a set that may sign with an algorithm; raises ValueError where there are none."""
    keys = jwt.PyJWKSet.from_dict(json.loads(text)).keys
    usable = [key for key in keys if key.public_key_use in {None, "sig"} and key.algorithm_name == algorithm]
    strong = [key for key in usable if key.key_type != "RSA" or key.key.key_size >= LEAST_RSA_BITS]
    if not strong:
        raise ValueError(f"it has no key for {algorithm}")
    return strong
