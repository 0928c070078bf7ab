"""What is being opened now, by region, kind and value tier: openings of the last 180 days, decayed by half every 30.

``trend = Σ 2^(−days / 30)`` over the customers who opened a product, each by his last opening of it. The lift of a
product in a segment is its share of all the segment's decayed openings over its share of the whole bank's. Counted at
training, since it is a walk over every holding; a product that fewer than 20 customers of the segment opened is not
told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from graph.words import CustomerKind, ValueTier
from recommenders import lifecycle
from recommenders.contract import Arrays
from recommenders.portfolio import EVER, KINDS, Ledger

HALF_LIFE_DAYS: Final = 30
WINDOW_DAYS: Final = 180
LEAST_GROUP: Final = 20
TIERS: Final = tuple(ValueTier)


@dataclass(frozen=True, slots=True)
class Trend:
    """How a product fares in a segment.

    Attributes:
        openings: customers who opened it within the window.
        decayed: the same, each weighed by how long ago.
        lift: its share of decayed openings over its share in the whole bank.
    """

    product_code: str
    openings: int
    decayed: float
    lift: float


def fit_trends(ledger: Ledger, today: date) -> Arrays:
    """Count by cell: ``(c,)`` region, kind and tier, and ``(c, m)`` openings, plain and decayed.

    The tier is the bank's own, or else by the rules of ``recommenders.lifecycle``.
    """
    spans, width, then = ledger.holdings, len(ledger.catalogue), today.toordinal()
    recent = (spans.since > max(EVER, then - WINDOW_DAYS)) & (spans.since <= then)
    order = np.argsort(-spans.since[recent], kind="stable")
    keys = (spans.rows[recent].astype(np.int64) * width + spans.columns[recent])[order]
    pairs, last = np.unique(keys, return_index=True)
    rows, columns = pairs // width, pairs % width
    ages = then - spans.since[recent][order][last]
    held = np.bincount(spans.rows[spans.on(then)], minlength=len(ledger.customer_nos))
    tiers = [
        TIERS.index(lifecycle.tier(None if np.isnan(income) else income, int(number)))
        if stated is None
        else TIERS.index(stated)
        for stated, income, number in zip(ledger.tiers, ledger.incomes, held, strict=True)
    ]
    cell_keys = np.stack([np.array(ledger.regions), np.array(ledger.kinds), np.array(tiers, np.int32)], axis=1)
    found, cells = np.unique(cell_keys.reshape(-1, 3)[rows], axis=0, return_inverse=True)
    openings = np.zeros((len(found), width), np.int32)
    decayed = np.zeros((len(found), width), np.float32)
    np.add.at(openings, (cells.ravel(), columns), 1)
    np.add.at(decayed, (cells.ravel(), columns), (0.5 ** (ages / HALF_LIFE_DAYS)).astype(np.float32))
    regions = np.array(["", *ledger.region_names], np.str_)[found[:, 0]]
    return {"regions": regions, "segments": found[:, 1:].astype(np.int32), "openings": openings, "decayed": decayed}


def trending(
    arrays: Arrays,
    product_codes: Sequence[str],
    region: str | None = None,
    kind: CustomerKind | None = None,
    tier: ValueTier | None = None,
) -> list[Trend]:
    """Return what is opened in a segment, the most first; what is None does not restrict."""
    if not arrays:
        return []
    segments = np.asarray(arrays["segments"])
    wanted = np.ones(len(segments), np.bool_)
    if region is not None:
        wanted &= np.asarray(arrays["regions"]) == region
    if kind is not None:
        wanted &= segments[:, 0] == KINDS.index(kind)
    if tier is not None:
        wanted &= segments[:, 1] == TIERS.index(tier)
    decayed = np.asarray(arrays["decayed"], np.float64)
    whole, own = decayed.sum(axis=0), decayed[wanted].sum(axis=0)
    openings = np.asarray(arrays["openings"])[wanted].sum(axis=0)
    columns = [int(c) for c in np.argsort(-own, kind="stable") if openings[c] >= LEAST_GROUP]
    return [
        Trend(
            product_codes[column],
            int(openings[column]),
            float(own[column]),
            float(own[column] / own.sum() / (whole[column] / whole.sum())),
        )
        for column in columns
    ]
