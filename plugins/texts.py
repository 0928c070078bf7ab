"""Texts of plugins: what UTF-8 cannot say is none, as no answer, file or store can take it."""

import json
from typing import Any, Final

from pydantic_core import to_jsonable_python

NO_TEXT: Final = "a lone surrogate, which is no text"
"""What a text may have in it that UTF-8 cannot say."""


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can say a text."""
    return utf8(text) == text


def utf8(text: str) -> str:
    """Return a text as UTF-8 can say it."""
    return text.encode("utf-8", "replace").decode()


def is_utf8_within(value: object) -> bool:
    """Whether UTF-8 can say all texts in a value; what JSON cannot say has none."""
    try:
        return is_utf8(json.dumps(to_jsonable_python(value), ensure_ascii=False))
    except UnicodeEncodeError:  # a key
        return False
    except ValueError:
        return True


def utf8_within(value: Any) -> Any:
    """Return a value as JSON in UTF-8 can say it, with a text for a number that is infinite or none."""
    return json.loads(utf8(json.dumps(to_jsonable_python(value), ensure_ascii=False)), parse_constant=str)
