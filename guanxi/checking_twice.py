"""Checks of what a recommender leaves as it was: what it is shown, and, where it learns, what it says after again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from guanxi.bank import Bank
from guanxi.findings import Finding, not_learnt
from plugins.narrowing import NarrowedRecommender
from recommenders.batch import Batch
from recommenders.contract import Omitted, Recommender, Scores, Trainable
from recommenders.frames import SCHEMAS, Frames

ARRAYS: Final = ("held", "ages", "are_persons")
CLOSE: Final = 1e-6
"""By how much scores may differ that are learnt of the same, as sums in several threads do."""


def check_twice(bank: Bank, recommender: Recommender, batch: Batch, path: Path) -> Iterator[Finding]:
    """Yield what is found of a recommender that was learnt over a batch; that it cannot answer, others tell."""
    name, seen = recommender.name, _seen(recommender, batch)
    before = _shown(seen)
    bank.host.wait()
    try:
        scores = _scores(bank, recommender, batch)
        altered = [part for part, told in _shown(seen).items() if told != before[part]]
        repeats = np.array_equal(_scores(bank, recommender, batch), scores, equal_nan=True)
    except Omitted:
        return
    if altered:
        yield Finding(
            f"{name} alters nothing", passed=False, told=f"it changed what it was shown: {', '.join(altered)}"
        )
    if not repeats or not any(own.name == name and isinstance(own, Trainable) for own in bank.host.recommenders()):
        return
    try:
        again = _scores(bank, bank.learnt(name), batch)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        yield from not_learnt(f"{name} learns the same again", error, path)
        return
    others = np.count_nonzero(~np.isclose(again, scores, rtol=0, atol=CLOSE, equal_nan=True))
    told = f"{others:,} of {scores.size:,} scores are others"
    yield Finding(
        f"{name} learns the same again",
        passed=not others,
        told=f"{told}, learnt of the same: is there chance in it, without a seed?" if others else told,
    )


def _scores(bank: Bank, recommender: Recommender, batch: Batch) -> Scores:
    return bank.host.recommending.guard(recommender).propose(batch).scores


def _seen(recommender: Recommender, batch: Batch) -> Batch:
    """The batch as a recommender is shown it, each time the same."""
    return recommender.sight.batch(batch) if isinstance(recommender, NarrowedRecommender) else batch


def _shown(batch: Batch) -> dict[str, object]:
    """All that is in a batch, by what a plugin asks for it by."""
    frames = Frames(batch.customers)
    told: dict[str, object] = {name: getattr(frames, name).write_json() for name in SCHEMAS}
    arrays = {name: getattr(batch, name).tobytes() for name in ARRAYS}
    catalogue = {"catalogue": (batch.catalogue.codes, dict(batch.catalogue.index)), "context": batch.context}
    return told | arrays | catalogue
