"""What a recommender fails at, or is warned of, in learning, and who is told."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final, TypeAlias

from recommenders.contract import Recommender
from recommenders.recording import recorded

logger = logging.getLogger("guanxi.training")

MOST_WARNED: Final = 1_000
"""How many warnings a training knows as told."""

Failed: TypeAlias = Callable[[Recommender, BaseException], str]
"""Told of a recommender that others go on without, and of its error; returns what may be told of it to anybody."""


def logged(recommender: Recommender, error: BaseException) -> str:
    """Log that a recommender has no say; what the error says is not told, as it may quote a customer."""
    logger.warning("%s learnt nothing that it can use: %s", recommender.name, type(error).__name__)
    return type(error).__name__


@contextmanager
def warned_once(name: str) -> Iterator[None]:
    """Have libraries' warnings meanwhile given once each, with a recommender's name: it learns many times."""
    with recorded() as caught:
        yield
    for one in caught:
        told = f"{name}, in learning: {one.message}"
        _warn(told, one.category, one.filename, one.lineno)  # type: ignore[arg-type]  # a type can be hashed


_warn = lru_cache(MOST_WARNED)(warnings.warn_explicit)


def warn_anew() -> None:
    """Have what was warned of given again: a training begins."""
    _warn.cache_clear()
