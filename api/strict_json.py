"""Reads JSON of strangers: only what means the same to every reader, and can be passed on."""

import json
import re
from typing import Any, Final, NoReturn

NULL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""The character U+0000 as JSON writes it, which no name, number or note of a bank has."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


READER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
WRITER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def read_json(text: str | bytes) -> Any:
    """Return what a JSON text in UTF-8 says.

    Raises:
        ValueError: it is none; it is nested too deep, has too long or no finite a number, a lone surrogate, U+0000, or
            an object with one key twice.
    """
    try:
        given = text.decode() if isinstance(text, bytes) else text
        if NULL.search(given):
            raise ValueError("a text has U+0000")
        value = READER.decode(given)
        WRITER.encode(value).encode()  # a lone surrogate is no text
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    return value
