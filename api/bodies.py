"""Reads a GraphQL request off HTTP, strictly: what is not one is refused with a status and a sentence."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request

from api.errors import Code
from api.strict_json import read_json

MOST_BYTES: Final = 100_000
BODY_SECONDS: Final = 10.0
PARAMETERS: Final = ("query", "operationName", "variables", "extensions")
NO_REQUEST: Final = "Send a JSON object with a text `query`, or with the `documentId` of a registered one."


class Refused(Exception):
    """A request that is no GraphQL request."""

    def __init__(
        self, status: int, message: str, code: Code = Code.BAD_REQUEST, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What is to be executed; the text may be empty where an id or hash stands for it."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = field(default=None)
    document_id: str | None = None

    @property
    def sha256(self) -> str | None:
        """The hash by which Apollo's clients ask for a text."""
        persisted = (self.extensions or {}).get("persistedQuery")
        found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        return found if isinstance(found, str) else None


async def graphql_request(request: Request) -> GraphQLRequest:
    """Return what a GET or POST asks for.

    Raises:
        Refused: 400 for what is no GraphQL request, 408 for a body that does not come, 413 for one that is too large,
            415 for one of another kind.
    """
    try:
        given = _parameters(request.query_params) if request.method == "GET" else read_json(await _body(request))
    except ValueError as error:
        raise Refused(400, "The request is no JSON that can be read.") from error
    return checked(given)


def _parameters(given: QueryParams) -> dict[str, Any]:
    if any(len(given.getlist(name)) > 1 for name in PARAMETERS):
        raise Refused(400, "Send each parameter once.")
    found: dict[str, Any] = dict(given)
    for name in ("variables", "extensions"):
        if name in found:
            found[name] = read_json(found[name]) if found[name] else None
    return found


async def _body(request: Request) -> bytes:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "Send the body without Content-Encoding.", headers={"Accept-Encoding": "identity"})
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.translate({ord(" "): None, ord('"'): None}).lower()
    if media_type.strip().lower() != "application/json" or charset not in {"", "charset=utf-8"}:
        raise Refused(415, "Send Content-Type: application/json, in UTF-8.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _received(request)
    except TimeoutError as error:
        late = f"The body took longer than {BODY_SECONDS:g} seconds to come."
        raise Refused(408, late, Code.TIMEOUT, {"Connection": "close"}) from error


async def _received(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Refused(413, f"A request has {MOST_BYTES:,} bytes at most.", Code.LIMIT_EXCEEDED)
    return body


def checked(given: Any) -> GraphQLRequest:
    """Return what a JSON value asks for.

    Raises:
        Refused: 400.
    """
    if isinstance(given, list):
        raise Refused(400, "Send one request at a time; batching is off.")
    if not isinstance(given, Mapping) or not all(
        isinstance(given.get(name, ""), str) for name in ("query", "documentId")
    ):
        raise Refused(400, NO_REQUEST)
    name, variables, extensions = given.get("operationName"), given.get("variables"), given.get("extensions")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "`operationName` is a text.")
    if not all(part is None or isinstance(part, dict) for part in (variables, extensions)):
        raise Refused(400, "`variables` and `extensions` are objects.")
    asked = GraphQLRequest(given.get("query", ""), name or None, variables, extensions, given.get("documentId") or None)
    if not (asked.query or asked.document_id or asked.sha256):
        raise Refused(400, NO_REQUEST)
    return asked
