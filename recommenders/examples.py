"""Draws training examples from the past, reads their customers, and computes their features as they were then.

Every customer who opened something in a period is an example of what is opened; of the others enough are drawn to tell
who opens at all, each weighing for those left out. A customer is read once for all his moments; nothing of him is kept
but his features.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graph.records import Customer
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, Mask, Omitted, Recommender, Scores, Trainable
from recommenders.features import Features, FeatureSchema, extract, learn_schema
from recommenders.insight import Tell
from recommenders.passes import Passes
from recommenders.portfolio import Ledger
from recommenders.purposes import is_attribute, kinds_in
from recommenders.view import CustomerView

Load: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Customer]]]
"""Reads customers by their numbers."""

logger = logging.getLogger("guanxi.training")

MOST_OPENERS: Final = 60_000
MOST_OTHERS: Final = 20_000
SCHEMA_SAMPLE: Final = 4_000
PAGE: Final = 1_000
SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Draw:
    """Examples before their features are known, one a position, in the order of their customers.

    Attributes:
        rows: the customer's row in the ledger.
        moments: position of the moment.
        weights: how many customers each stands for.
        opened: ``(n, m)``.
        hidden: column of the product that is treated as not held, and is what was opened; -1 for none.
    """

    rows: NDArray[np.int32]
    moments: NDArray[np.int32]
    weights: NDArray[np.float32]
    opened: Mask
    hidden: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What a recommender scored: ``(k,)`` pairs of customer and product, with their weights."""

    scores: NDArray[np.float32]
    opened: Mask
    weights: NDArray[np.float32]

    @staticmethod
    def joined(parts: Sequence["Pairs"]) -> "Pairs":
        """Put parts together."""
        return Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pairs.__slots__))


@dataclass(frozen=True, slots=True)
class Examples:
    """``n`` customers at moments of the past: what was known, and what each opened next.

    Attributes:
        features: without confined data.
        served: by the recommender's name, what it scored by confined data, of products that the data may serve.
        unranked: by the recommender's name, what those scored whose scores are no features.

    Both are of all that were read, and of none that are taken from them.
    """

    features: Features
    draw: Draw
    served: Mapping[str, Pairs] = field(default_factory=dict)
    unranked: Mapping[str, Pairs] = field(default_factory=dict)

    def take(self, those: Mask) -> "Examples":
        """Return some of them."""
        rows = np.flatnonzero(those)
        drawn = Draw(*(getattr(self.draw, name)[rows] for name in Draw.__slots__))
        return Examples(self.features.take(rows), drawn)


@dataclass(frozen=True, slots=True)
class Past:
    """A moment as its examples are scored: the day, the recommenders as they would have been, what they are told."""

    day: date
    recommenders: tuple[Recommender, ...]
    tell: Tell | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a moment, who was there (rows in the ledger) and ``(o, 2)`` what was opened next."""

    rows: NDArray[np.int32]
    openings: NDArray[np.int32]


def draw(
    customers: int,
    products: int,
    seen: Sequence[Seen],
    most_openers: int = MOST_OPENERS,
    most_others: int = MOST_OTHERS,
) -> Draw:
    """Draw examples of who opened what at the moments, and of who opened nothing.

    Who joined after the moment tells what newcomers open, but stands for nobody: he was not there to be counted.
    """
    generator = np.random.default_rng(SEED)
    keys, opened = _openers(customers, products, seen)
    keep, weight = _sample(generator, len(keys), most_openers)
    idle = np.concatenate([np.setdiff1d(moment.rows, moment.openings[:, 0]).astype(np.int64) + number * customers
                           for number, moment in enumerate(seen)])  # fmt: skip
    kept, weight_of_idle = _sample(generator, len(idle), most_others)
    keys = np.concatenate([keys[keep], idle[kept]])
    opened = np.concatenate([opened[keep], np.zeros((len(kept), products), np.bool_)])
    weights = np.repeat(np.array([weight, weight_of_idle], np.float32), [len(keep), len(kept)])
    there = np.concatenate([moment.rows + number * np.int64(customers) for number, moment in enumerate(seen)])
    weights[~np.isin(keys, there)] = 0
    rows, moments = (keys % customers).astype(np.int32), (keys // customers).astype(np.int32)
    order = np.lexsort([moments, rows])
    return Draw(rows[order], moments[order], weights[order], opened[order], np.full(len(order), -1, np.int32))


def draw_hidden(products: int, seen: Sequence[Seen]) -> Draw:
    """Draw examples of one hidden holding each; all of one customer together stand for one customer."""
    pairs = np.concatenate([moment.openings for moment in seen])
    numbers = np.repeat(np.arange(len(seen), dtype=np.int32), [len(moment.openings) for moment in seen])
    keep, weight = _sample(np.random.default_rng(SEED), len(pairs), MOST_OPENERS)
    order = keep[np.argsort(pairs[keep, 0], kind="stable")]
    rows, columns = pairs[order, 0], pairs[order, 1]
    of_each = np.bincount(pairs[:, 0])[rows] if len(pairs) else np.ones(0)
    opened = np.zeros((len(order), products), np.bool_)
    opened[np.arange(len(order)), columns] = True
    return Draw(rows, numbers[order], (weight / of_each).astype(np.float32), opened, columns)


async def read_examples(
    load: Load,
    ledger: Ledger,
    schema: FeatureSchema,
    drawn: Draw,
    past: Sequence[Past],
    progress: Callable[[int], None],
) -> Examples:
    """Read the drawn customers, a page at a time, and return their features."""
    parts: list[Features] = []
    served: dict[str, list[Pairs]] = {}
    unranked: dict[str, list[Pairs]] = {}
    order: list[NDArray[np.intp]] = []
    wanted = np.unique(drawn.rows)
    for start in range(0, len(wanted), PAGE):
        page = wanted[start : start + PAGE]
        numbers = [ledger.customer_nos[row] for row in page]
        records = {record.customer_no: record for record in await load(numbers)}
        first, last = np.searchsorted(drawn.rows, [page[0], page[-1] + 1])
        for number, moment in enumerate(past):
            places = first + np.flatnonzero(drawn.moments[first:last] == number)
            if len(places):
                known = [
                    without(records[ledger.customer_nos[drawn.rows[place]]], ledger.catalogue, drawn.hidden[place])
                    for place in places
                ]
                passes = Passes.of(known, ledger.catalogue, Context(today=moment.day), moment.tell)
                scores = proposals(moment.recommenders, passes.general)
                parts.append(extract(schema, passes.general, scores))
                order.append(places)
                others = {name: own for name, own in scores.items() if name not in schema.recommenders}
                _add(unranked, others, passes.general, drawn, places)
                for further in passes.further:
                    found = proposals(moment.recommenders, further.batch)
                    _add(served, found, further.batch, drawn, places[further.rows], further.columns)
        progress(start + len(page))
    back = np.argsort(np.concatenate(order))
    joined = [{name: Pairs.joined(own) for name, own in found.items()} for found in (served, unranked)]
    return Examples(Features.joined(parts).take(back), drawn, *joined)


async def sample_schema(
    load: Load,
    ledger: Ledger,
    recommenders: Sequence[Recommender],
    as_of: date,
    among: NDArray[np.int32] | None = None,
    **options: Any,
) -> FeatureSchema:
    """Learn the schema from a random sample of customers, or of those of rows; ``options``: of ``learn_schema``."""
    generator = np.random.default_rng(SEED)
    everybody = np.arange(len(ledger.customer_nos)) if among is None else among
    rows = np.sort(generator.choice(everybody, min(SCHEMA_SAMPLE, len(everybody)), replace=False))
    views: list[CustomerView] = []
    unseen = {kind for kind in ledger.catalogue.limits.kinds if is_attribute(kind)}
    for start in range(0, len(rows), PAGE):
        records = await load([ledger.customer_nos[row] for row in rows[start : start + PAGE]])
        views += Batch.of(records, ledger.catalogue, Context(today=as_of)).customers
        for record in records:
            unseen -= kinds_in(record, unseen)
    if unseen:
        logger.warning(
            "purpose limits confine %s, which no customer has of %d looked at", ", ".join(sorted(unseen)), len(rows)
        )
    relearnt = tuple(recommender.name for recommender in recommenders if isinstance(recommender, Trainable))
    names = [recommender.name for recommender in recommenders]
    return learn_schema(views, ledger.catalogue.codes, names, relearnt=relearnt, **options)


def proposals(recommenders: Sequence[Recommender], batch: Batch) -> dict[str, Scores]:
    """Return the scores of those recommenders that answer."""
    scores = {}
    for recommender in recommenders:
        try:
            scores[recommender.name] = recommender.propose(batch).scores
        except Omitted:
            continue
    return scores


def _openers(customers: int, products: int, seen: Sequence[Seen]) -> tuple[NDArray[np.int64], Mask]:
    """Return moment × customers + row of each who opened something, and ``(…, m)`` what."""
    keys = np.concatenate([moment.openings[:, 0] + number * np.int64(customers) for number, moment in enumerate(seen)])
    columns = np.concatenate([moment.openings[:, 1] for moment in seen])
    found, places = np.unique(keys, return_inverse=True)
    opened = np.zeros((len(found), products), np.bool_)
    opened[places, columns] = True
    return found, opened


def _sample(generator: np.random.Generator, count: int, most: int) -> tuple[NDArray[np.intp], float]:
    if count <= most:
        return np.arange(count), 1.0
    return np.sort(generator.choice(count, most, replace=False)), count / most


def without(record: Customer, catalogue: Catalogue, hidden: int) -> Customer:
    """Return the customer without the product of a column; -1 hides none."""
    if hidden < 0:
        return record
    code = catalogue.codes[hidden]
    return replace(record, holdings=tuple(held for held in record.holdings if held.product_code != code))


def _add(
    pairs: dict[str, list[Pairs]],
    found: Mapping[str, Scores],
    batch: Batch,
    drawn: Draw,
    places: NDArray[np.intp],
    columns: NDArray[np.intp] | slice = slice(None),
) -> None:
    """Add what was scored of a batch of examples, of products in some columns that were not held."""
    opened, held = drawn.opened[places][:, columns], batch.held[:, columns]
    weights = np.broadcast_to(drawn.weights[places, None], opened.shape)
    for name, whole in found.items():
        scores = whole[:, columns]
        those = ~np.isnan(scores) & ~held
        if those.any():
            pairs.setdefault(name, []).append(Pairs(scores[those], opened[those], weights[those]))
