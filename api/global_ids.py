"""Relay's global ids: a type's name and its business key, opaque to clients."""

import base64
import binascii
from typing import Any

import strawberry

from api.errors import ApiError, Code


def global_id(type_name: str, key: str) -> strawberry.ID:
    """Return the id of a node."""
    return strawberry.ID(encoded(f"{type_name}:{key}"))


def parsed(node_id: str) -> tuple[str, str] | None:
    """Return a node's type name and key; None for what is no id of ours."""
    text = decoded(node_id)
    if text is None or ":" not in text:
        return None
    type_name, _, key = text.partition(":")
    return type_name, key


def key_of(node_id: str, type_name: str) -> str:
    """Return the key of an id of one type.

    Raises:
        ApiError: BAD_INPUT.
    """
    found = parsed(node_id)
    if found is None or found[0] != type_name:
        raise ApiError(Code.BAD_INPUT, f"This is no id of {type_name}.")
    return found[1]


def encoded(text: str) -> str:
    """Return a text as an opaque one."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded(opaque: Any) -> str | None:
    """Return the text of an opaque one; None where it is none, or another spelling of one."""
    try:
        text = base64.urlsafe_b64decode(opaque + "=" * (-len(opaque) % 4)).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return text if encoded(text) == opaque else None
