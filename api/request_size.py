"""How large a request may be beside its document's shape: the texts' bytes, and the lists in the variables."""

import json
from typing import Any

from api.bodies import GraphQLRequest
from api.errors import Code, Exceeded
from api.limits import Limits


def check_size(asked: GraphQLRequest, limits: Limits) -> None:
    """Check a request before its document is parsed.

    Raises:
        Exceeded: LIMIT_QUERY_BYTES, LIMIT_VARIABLES_BYTES, LIMIT_LIST_LENGTH.
    """
    _within(Code.LIMIT_QUERY_BYTES, "The document has {:,} bytes", len(asked.query.encode()), limits.query_bytes)
    if asked.variables:
        size = len(json.dumps(asked.variables, ensure_ascii=False, separators=(",", ":")).encode())
        _within(Code.LIMIT_VARIABLES_BYTES, "The variables have {:,} bytes", size, limits.variables_bytes)
        longest = _longest(asked.variables)
        _within(Code.LIMIT_LIST_LENGTH, "The variables have a list of {:,} items", longest, limits.list_length)


def _within(code: Code, what: str, found: int, most: int) -> None:
    if found > most:
        raise Exceeded(code, f"{what.format(found)}; {most:,} is the most.", found, most)


def _longest(variables: dict[str, Any]) -> int:
    longest, rest = 0, list[Any](variables.values())
    while rest:
        match rest.pop():
            case dict() as value:
                rest.extend(value.values())
            case list() as value:
                longest = max(longest, len(value))
                rest.extend(value)
    return longest
