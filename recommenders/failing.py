"""Who is told that a recommender learnt nothing, or cannot answer from what it learnt."""

import logging
from collections.abc import Callable
from typing import TypeAlias

from recommenders.contract import Recommender

logger = logging.getLogger("guanxi.training")

Failed: TypeAlias = Callable[[Recommender, BaseException], None]
"""Told of a recommender that others go on without, and of its error."""


def logged(recommender: Recommender, error: BaseException) -> None:
    """Log that a recommender has no say; what the error says is not told, as it may quote a customer."""
    logger.warning("%s learnt nothing that it can use: %s", recommender.name, type(error).__name__)
