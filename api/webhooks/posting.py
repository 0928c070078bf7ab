"""Posts a body once, and tells how it was answered; of the answer nothing but its status is read."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import httpx

from api.webhooks.addresses import Refused, permitted
from api.webhooks.rules import WebhookRules

LONGEST_ERROR: Final = 200
STANDARD: Final = {
    "Content-Type": "application/json",
    "User-Agent": "guanxi-webhooks",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status or, where none came, what went wrong."""

    status: int | None
    error: str | None
    milliseconds: float


class Poster:
    """Connects anew for every post, to an address that was looked at, with the certificate of the name.

    No proxy of the environment is used: it would look names up by itself.
    """

    def __init__(self, rules: WebhookRules) -> None:
        self._rules = rules
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            timeout=None,  # noqa: S113 - there is one for the whole post
            limits=httpx.Limits(max_connections=None),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body, exactly, within the time that an answer may take."""
        started, status, error = time.perf_counter(), None, None
        try:
            async with asyncio.timeout(self._rules.seconds):
                status = await self._status(httpx.URL(url), body, {**STANDARD, **headers})
        except TimeoutError:
            error = f"no answer within {self._rules.seconds:g} seconds"
        except Refused as refused:
            error = str(refused)
        except (httpx.HTTPError, OSError, UnicodeError) as failure:
            error = f"{type(failure).__name__}: {failure}"[:LONGEST_ERROR]
        return Answer(status, error, round((time.perf_counter() - started) * 1000, 1))

    async def _status(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> int:
        addresses = await permitted(url, self._rules.networks)
        for address in addresses[:-1]:
            try:
                return await self._status_at(address, url, body, headers)
            except httpx.ConnectError:
                continue
        return await self._status_at(addresses[-1], url, body, headers)

    async def _status_at(self, address: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> int:
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers={"Host": url.netloc.decode(), **headers},
            extensions={"sni_hostname": url.raw_host.decode()},
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return response.status_code
