"""How good a recommender is: scores and truth in, a report of plain values out. Pure.

The ranking metrics are a line each over a matrix of hits, in ``metrics``: scikit-learn's ``ndcg_score`` and average
precision give means without a cutoff or without the single customers that bootstrap intervals need (tests compare with
them); ranx brings numba and RecTools pandas, for the same five lines. Areas and classifiers are scikit-learn's
(``fairness``). Beyond accuracy: coverage is the share of products in anybody's list; novelty the mean information of
what is listed, -log2 of its share of holders (Zhou et al. 2010); diversity one less the mean cosine of the holders of
two products of a list (Ziegler et al. 2005). Intervals are the 2.5th and 97.5th percentile over resampled customers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommenders.contract import Mask, Scores
from recommenders.metrics import Reliability, ranking_metrics, reliability

RESAMPLES: Final = 400
LEAST_GROUP: Final = 20
"""Groups of fewer people are not described."""
LEAST_RELIABLE: Final = 100
"""Openings, foreseen or seen, from which on a product's reliability is told of it alone; the others' is pooled."""
GAIN_POINTS: Final = 20
LIFT_SHARE: Final = 0.1
"""Share of the customers, the likeliest first, that a product's lift is told of."""
SEED: Final = 5

T = TypeVar("T", bound=np.generic)
Report: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["recommender", "member", "whole"]


@dataclass(frozen=True, slots=True)
class System:
    """What one recommender, member of the ranker, or the whole says of ``n`` customers.

    Attributes:
        order: ``(n, m)`` columns, best first, -1 for what it does not propose.
        propensities: ``(n, m)``, nan where it says nothing; None where the order is not one of propensities.
    """

    name: str
    kind: Kind
    order: NDArray[np.int16]
    propensities: Scores | None


@dataclass(frozen=True, slots=True)
class Scored:
    """``n`` customers with the truth, and what each system says.

    Attributes:
        opened, held: ``(n, m)`` what each opened, and what each held before.
        weights: ``(n,)`` how many customers each stands for.
        passed: ``(n, m)`` no gate refuses.
        refusals: of each gate, how many of a customer's openings it refuses.
        segments: who belongs.
        groups: what the bank's file says, by its column; None where it says nothing.
    """

    opened: Mask
    held: Mask
    weights: NDArray[np.float32]
    passed: Mask
    refusals: Mapping[str, NDArray[np.int64]]
    segments: Mapping[str, Mask]
    groups: Mapping[str, NDArray[np.object_]]
    systems: Mapping[str, System]

    @property
    def openers(self) -> Mask:
        """``(n,)``: who opened something."""
        return np.asarray(self.opened.any(axis=1))

    @staticmethod
    def joined(pages: Sequence["Scored"]) -> "Scored":
        """Put pages together; a recommender that had no say on one proposed nothing there."""
        systems = {name: system for page in pages for name, system in page.systems.items()}
        return Scored(
            np.concatenate([page.opened for page in pages]),
            np.concatenate([page.held for page in pages]),
            np.concatenate([page.weights for page in pages]),
            np.concatenate([page.passed for page in pages]),
            _by_name([page.refusals for page in pages]),
            _by_name([page.segments for page in pages]),
            _by_name([page.groups for page in pages]),
            {name: _joined(system, pages) for name, system in systems.items()},
        )


def evaluate(scored: Scored, holders: csr_matrix, codes: Sequence[str], k: int) -> Report:
    """Return the report; ``holders`` is the ``(customers, m)`` portfolio that novelty and diversity are told by."""
    cutoffs = sorted({1, 3, k})
    openers = scored.openers
    values = {
        name: ranking_metrics(system.order[openers], scored.opened[openers], cutoffs)
        for name, system in scored.systems.items()
    }
    counts = resampled(int(openers.sum()))
    baseline = max(_popularities(values), key=lambda name: float(values[name][f"map@{k}"].mean()), default=None)
    share, likeness = _holders(holders)
    systems = {
        name: {
            "kind": system.kind,
            "metrics": _intervals(values[name], counts),
            "beside_popularity": None if baseline is None else _differences(values[name], values[baseline], counts),
            **_lists(system.order[:, :k], scored.weights, share, likeness),
            "calibration": _calibration(system, scored),
            "gain": _gain(system, scored),
        }
        for name, system in scored.systems.items()
    }
    return {
        "k": k,
        "customers": len(scored.weights),
        "openers": int(openers.sum()),
        "openings": int(scored.opened.sum()),
        "baseline": baseline,
        "systems": systems,
        "segments": _segments(scored, values, counts),
        "gates": _gates(scored),
        "products": _products(scored, codes),
        "reliability": _reliability(scored, codes),
    }


def interval(values: NDArray[np.float64], counts: NDArray[np.float32], those: Mask | None = None) -> Report:
    """Return mean, and low and high over resamples, of some or all customers."""
    return _intervals({"": values}, counts, those)[""]


def resampled(count: int) -> NDArray[np.float32]:
    """``(RESAMPLES, count)``: how often each customer is in each resample; the same for all systems."""
    generator = np.random.default_rng(SEED)
    counts = np.empty((RESAMPLES, count), np.float32)
    for row in counts:
        row[:] = np.bincount(generator.integers(0, count, count), minlength=count)
    return counts


def _intervals(
    values: Mapping[str, NDArray[np.float64]], counts: NDArray[np.float32], those: Mask | None = None
) -> dict[str, Report]:
    table = np.stack(list(values.values()), axis=1)
    if those is not None:
        table, counts = table[those], counts[:, those]
    total = counts.sum(axis=1, keepdims=True)
    some = total[:, 0] > 0
    means = (counts[some] @ table.astype(np.float32)) / total[some]  # its product with float64 would copy them
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    found = zip(values, table.mean(axis=0), low, high, strict=True)
    return {name: {"mean": float(mean), "low": float(least), "high": float(most)} for name, mean, least, most in found}


def _differences(
    values: Mapping[str, NDArray[np.float64]], others: Mapping[str, NDArray[np.float64]], counts: NDArray[np.float32]
) -> Report:
    return _intervals({name: found - others[name] for name, found in values.items()}, counts)


def _popularities(names: Mapping[str, Any]) -> list[str]:
    """The baselines: what most hold, and what most opened; the better one is what a system is compared with."""
    return [name for name in names if name in {"popularity", "popularity of openings"}]


def _holders(holders: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(m,)`` each product's share of holders, and ``(m, m)`` how alike the holders of two are (cosine)."""
    counts = np.asarray(holders.sum(axis=0), np.float64).ravel()
    both = np.asarray((holders.T @ holders).todense(), np.float64)
    norms = np.sqrt(np.maximum(counts, 1))
    return (counts + 1) / (holders.shape[0] + 1), both / np.outer(norms, norms)


def _lists(
    top: NDArray[np.int16], weights: NDArray[np.float32], share: NDArray[np.float64], likeness: NDArray[np.float64]
) -> Report:
    listed = top >= 0
    each = np.broadcast_to(weights[:, None], top.shape)[listed].astype(np.float64)
    if not len(each):
        return {"coverage": 0.0, "novelty": None, "diversity": None}
    columns = top[listed]
    apart, both = 0.0, 0.0
    for one, other in combinations(range(top.shape[1]), 2):
        pair = listed[:, one] & listed[:, other]
        apart += float(((1 - likeness[top[pair, one], top[pair, other]]) * weights[pair]).sum())
        both += float(weights[pair].sum())
    return {
        "coverage": len(np.unique(columns)) / len(share),
        "novelty": float((-np.log2(share[columns]) * each).sum() / each.sum()),
        "diversity": apart / both if both else None,
    }


def _calibration(system: System, scored: Scored, columns: slice | list[int] = slice(None)) -> Report | None:
    if system.propensities is None:
        return None
    chances, opened = system.propensities[:, columns], scored.opened[:, columns]
    those = ~scored.held[:, columns] & ~np.isnan(chances)
    if not those.any():
        return None
    pairs = chances, opened, those, scored.weights
    found = reliability(*pairs)
    weights = _weights(scored)[:, columns][those]
    return {
        "error": found.error,
        "foreseen": float((chances[those] * weights).sum()),
        "seen": float((opened[those] * weights).sum()),
        "bins": _bins(found),
        "likeliest": _bins(reliability(*pairs, by_foreseen=True)),
    }


def _bins(found: Reliability) -> list[Report]:
    bins = zip(found.predicted, found.observed, found.share, strict=True)
    return [dict(zip(("predicted", "observed", "share"), map(float, each), strict=True)) for each in bins]


def _gain(system: System, scored: Scored) -> list[Report] | None:
    """Share of all openings among the likeliest pairs of customer and product, and of those the share that is asked."""
    if system.propensities is None:
        return None
    those = ~scored.held
    asked, caught = _captured(system.propensities[those], scored.opened[those], _weights(scored)[those])
    shares = np.linspace(0, 1, GAIN_POINTS + 1)
    return [
        {"asked": float(share), "openings": float(found)}
        for share, found in zip(shares, np.interp(shares, asked, caught), strict=True)
    ]


def _captured(
    propensities: Scores, opened: Mask, weights: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cumulative shares of weight and of what was opened, likeliest first; equal chances share what they catch."""
    chances, place = np.unique(np.nan_to_num(propensities, nan=-1.0), return_inverse=True)
    asked = np.bincount(place, weights, len(chances))[::-1].cumsum()
    caught = np.bincount(place, weights * opened, len(chances))[::-1].cumsum()
    return np.r_[0, asked / asked[-1]], np.r_[0, caught / max(float(caught[-1]), 1e-12)]


def _weights(scored: Scored) -> NDArray[np.float32]:
    return np.broadcast_to(scored.weights[:, None], scored.opened.shape)


def _segments(
    scored: Scored, values: Mapping[str, Mapping[str, NDArray[np.float64]]], counts: NDArray[np.float32]
) -> Report:
    found = {}
    for segment, belongs in scored.segments.items():
        those = belongs[scored.openers]
        if those.sum() >= LEAST_GROUP:
            found[segment] = {
                "customers": int(belongs.sum()),
                "openers": int(those.sum()),
                "systems": {name: _intervals(each, counts, those) for name, each in values.items()},
            }
    return found


def _gates(scored: Scored) -> Report:
    openings = int(scored.opened.sum())
    refused = int((scored.opened & ~scored.passed).sum())
    by_gate = {code: int(found.sum()) / openings for code, found in scored.refusals.items() if found.any()}
    return {
        "openings": openings,
        "refused": refused / openings,
        "by_gate": dict(sorted(by_gate.items(), key=lambda item: -item[1])),
    }


def _products(scored: Scored, codes: Sequence[str]) -> list[Report]:
    """Of each product that was opened by enough: the ranker's calibration, and its lift among the likeliest."""
    found, whole = [], scored.systems["ranker"].propensities
    for column, code in enumerate(codes):
        those = ~scored.held[:, column]
        opened, weights = scored.opened[those, column], scored.weights[those]
        if opened.sum() < LEAST_GROUP or whole is None:
            continue
        chances = np.nan_to_num(whole[those, column])
        asked, caught = _captured(chances, opened, weights)
        share = float(np.interp(LIFT_SHARE, asked, caught))
        found.append({
            "product": code,
            "openings": int(opened.sum()),
            "rate": float((opened * weights).sum() / weights.sum()),
            "foreseen": float((chances * weights).sum() / weights.sum()),
            "captured": share,
            "lift": share / LIFT_SHARE,
        })  # fmt: skip
    return sorted(found, key=lambda each: -each["lift"])


def _reliability(scored: Scored, codes: Sequence[str]) -> Report:
    """The ranker's calibration: of each product with enough openings, most seen first, and of the others together."""
    ranker, alone, pooled = scored.systems["ranker"], list[Report](), list[int]()
    for column, code in enumerate(codes):
        found = _calibration(ranker, scored, [column])
        if found is not None and max(found["foreseen"], found["seen"]) >= LEAST_RELIABLE:
            alone.append({"product": code, **found})
        else:
            pooled.append(column)
    return {
        "least": LEAST_RELIABLE,
        "products": sorted(alone, key=lambda each: -each["seen"]),
        "pooled": {
            "products": [codes[column] for column in pooled],
            "calibration": _calibration(ranker, scored, pooled),
        },
    }


def _by_name(pages: Sequence[Mapping[str, NDArray[T]]]) -> dict[str, NDArray[T]]:
    return {name: np.concatenate([page[name] for page in pages]) for name in pages[0]}


def _joined(system: System, pages: Sequence[Scored]) -> System:
    owns = [page.systems.get(system.name) for page in pages]
    shapes = [page.opened.shape for page in pages]
    silent = [System(system.name, system.kind, np.full(shape, -1, np.int16), np.full(shape, np.nan, np.float32))
              for shape in shapes]  # fmt: skip
    said = [own or none for own, none in zip(owns, silent, strict=True)]
    known = [each.propensities for each in said if each.propensities is not None]
    order = np.concatenate([each.order for each in said])
    return System(system.name, system.kind, order, None if system.propensities is None else np.concatenate(known))
