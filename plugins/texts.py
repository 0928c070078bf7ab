"""Texts of plugins: what UTF-8 cannot say is none, as no answer, file or store can take it."""

from typing import Final

NO_TEXT: Final = "a lone surrogate, which is no text"
"""What a text may have in it that UTF-8 cannot say."""


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can say a text."""
    return utf8(text) == text


def utf8(text: str) -> str:
    """Return a text as UTF-8 can say it."""
    return text.encode("utf-8", "replace").decode()
