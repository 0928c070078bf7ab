"""Whom the offers reach by protected attribute, and what stands in for the attribute where it is shut out.

A proxy is found by prediction: how well one feature, one path of the graph, or all features together tell the attribute
(area under the ROC curve on customers not learnt from; 0.5 is chance, 1 is the attribute itself). Every feature is cut
into bins, and each bin's share among other customers is the prediction, so that gaps and humps count too. Groups of
fewer than ``LEAST_GROUP`` people are not described.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.records import Scalar
from recommenders.contract import Mask
from recommenders.evaluation import LEAST_GROUP, Report, Scored, interval, resampled
from recommenders.features import FEATURES_OF, Features, FeatureSchema
from recommenders.portfolio import Portfolio

MOST_GROUPS: Final = 8
BINS: Final = 16
FOLDS: Final = 3
SMOOTHING: Final = 5.0
MOST_TOLD: Final = 20
ALL_FEATURES: Final = "all features together"
WHOM: Final = ("engine", "ranker")
"""Whose lists are looked at: what customers are offered, and what they would be if no gate refused."""


@dataclass(frozen=True, slots=True)
class Column:
    """One feature or path of ``n`` customers, nan where not known; a category where its numbers are but names."""

    name: str
    values: NDArray[np.float32]
    category: bool = False


def labels(values: NDArray[np.object_]) -> NDArray[np.object_]:
    """Name each customer's group: the value, or of a number with many values the quarter that it is in."""
    known = [value for value in values if value is not None]
    if len(set(known)) <= MOST_GROUPS or not all(isinstance(value, int | float) for value in known):
        return np.array([None if value is None else str(value) for value in values], np.object_)
    edges = np.unique(np.quantile(np.array(known, np.float64), [0.25, 0.5, 0.75]))
    names = [f"below {edges[0]:g}", *(f"{low:g} to {high:g}" for low, high in pairwise(edges)),
             f"{edges[-1]:g} and above"]  # fmt: skip
    return np.array(
        [None if value is None else names[int(np.searchsorted(edges, value, side="right"))] for value in values],
        np.object_,
    )


def groups_of(scored: Scored, codes: Sequence[str], k: int) -> Report:
    """Return, by attribute and group, the share of customers with each product in their list, and the hit rate."""
    counts = resampled(int(scored.openers.sum()))
    return {attribute: _groups(scored, labels(values), codes, k, counts) for attribute, values in scored.groups.items()}


def proxies_of(
    attribute: str,
    values: Sequence[Scalar | None] | NDArray[np.object_],
    columns: Sequence[Column],
) -> Report:
    """Return how well features and paths tell an attribute, the best first; each by the group it tells best."""
    named = labels(np.asarray(values, np.object_))
    known = np.array([name is not None for name in named])
    groups = _large(named)
    own = {attribute, FEATURES_OF.get(attribute, attribute)}
    used = [column for column in columns if column.name.removeprefix("own:") not in own]
    report: Report = {
        "customers": int(known.sum()),
        "is_feature": len(used) < len(columns),
        "found": [],
        "together": None,
    }
    if len(groups) < 2:
        return report
    told = [named[known] == group for group in (groups if len(groups) > 2 else groups[:1])]
    binned = {column.name: _codes(column, known) for column in used}
    binned = {name: codes for name, codes in binned.items() if codes.max() > codes.min()}
    found: list[Report] = []
    for name, codes in binned.items():
        best = max((_tells(codes, label), group) for label, group in zip(told, groups, strict=False))
        found.append({"name": name, "auc": best[0], "group": best[1]})
    report["found"] = sorted(found, key=lambda each: -each["auc"])[:MOST_TOLD]
    report["together"] = _together(list(binned.values()), told)
    return report


def columns_of(features: Features, schema: FeatureSchema) -> Iterator[Column]:
    """Yield every feature, those of customer and product once for each product."""
    words = set(schema.words)
    for place, name in enumerate(schema.names):
        yield Column(name, features.customers[:, place], name in words)
    for name, values in features.pairs.items():
        for place, code in enumerate(schema.product_codes):
            yield Column(f"{name} {code}" if name != "kin" else f"customer → relative → {code}", values[:, place])


def paths_of(portfolio: Portfolio, rows: NDArray[np.int32]) -> Iterator[Column]:
    """Yield the paths of customers (rows of the ledger): to a group, and by it to what its other members hold."""
    places = np.searchsorted(portfolio.rows, rows)
    belongs = portfolio.cohorts[places]
    sizes = np.asarray(portfolio.cohorts.sum(axis=0)).ravel()
    for kind in sorted({kind for kind, _ in portfolio.cohort_keys}):
        those = [
            place for place, (own, _) in enumerate(portfolio.cohort_keys) if own == kind and sizes[place] >= LEAST_GROUP
        ]
        if not those:
            continue
        mine = belongs[:, those]
        for number, place in enumerate(those):
            yield Column(f"customer → {kind} {portfolio.cohort_keys[place][1]}", _dense(mine[:, [number]]).ravel())
        rates = _dense(portfolio.cohorts[:, those].T @ portfolio.held) / sizes[those][:, None]
        several = np.asarray(mine.sum(axis=1)).ravel()
        means = np.where(several[:, None] > 0, (mine @ rates) / np.maximum(several, 1)[:, None], np.nan)
        for column, code in enumerate(portfolio.catalogue.codes):
            yield Column(f"customer → {kind} → {code}", means[:, column].astype(np.float32))


def failures(fairness: Report, most_gap: float | None, most_proxy: float | None) -> list[str]:
    """Return a sentence for each gap and each proxy that is above what is allowed."""
    if most_gap is most_proxy is None:
        return []
    return [
        sentence
        for attribute, each in fairness.items()
        for sentence in (
            *_unchecked(attribute, each),
            *_wide(attribute, each, most_gap),
            *_telling(attribute, each, most_proxy),
        )
    ]


def _unchecked(attribute: str, each: Report) -> Iterator[str]:
    if len(each["groups"]) < 2:
        yield f"{attribute} could not be checked: no two groups of {LEAST_GROUP} people are known of it."


def _wide(attribute: str, each: Report, most: float | None) -> Iterator[str]:
    for gap in each["gaps"]:
        if most is not None and gap["gap"] > most:
            yield (
                f"{gap['of']} ({gap['list']}) differs by {gap['gap']:.3f} between {attribute} {gap['lowest']} and "
                f"{gap['highest']}; at most {most:g} is allowed."
            )


def _telling(attribute: str, each: Report, most: float | None) -> Iterator[str]:
    told = [*each["proxies"]["found"]]
    if each["proxies"]["together"] is not None:
        told.append({"name": ALL_FEATURES, "auc": each["proxies"]["together"]})
    for proxy in told:
        if most is not None and proxy["auc"] > most:
            yield (
                f"{proxy['name']} can stand in for {attribute}: an AUC of {proxy['auc']:.3f}; at most {most:g} is "
                "allowed."
            )


def _groups(
    scored: Scored, named: NDArray[np.object_], codes: Sequence[str], k: int, counts: NDArray[np.float32]
) -> dict[str, Any]:
    found = []
    for group in _large(named):
        those = named == group
        of_openers = those[scored.openers]
        told: Report = {"group": group, "customers": int(those.sum()), "openers": int(of_openers.sum())}
        for name in WHOM:
            order = scored.systems[name].order[:, :k]
            told[name] = {
                "offer_rate": _rate(order[those] >= 0, scored.weights[those]),
                "products": {
                    code: _rate(order[those] == column, scored.weights[those]) for column, code in enumerate(codes)
                },
                "hit_rate": None,
            }
            if of_openers.sum() >= LEAST_GROUP:
                openers = scored.openers
                mine = np.maximum(order[openers], 0).astype(np.intp)
                hits = (np.take_along_axis(scored.opened[openers], mine, axis=1) & (order[openers] >= 0)).any(axis=1)
                told[name]["hit_rate"] = interval(np.asarray(hits, np.float64), counts, of_openers)
        found.append(told)
    return {"groups": found, "gaps": [gap for name in WHOM for gap in _gaps(found, name, codes)]}


def _gaps(groups: Sequence[Report], name: str, codes: Sequence[str]) -> list[Report]:
    """Largest less smallest rate over the groups, the widest first."""
    rates = {f"The offer rate of {code}": {g["group"]: g[name]["products"][code] for g in groups} for code in codes}
    rates["The hit rate"] = {g["group"]: g[name]["hit_rate"]["mean"] for g in groups if g[name]["hit_rate"]}
    found = []
    for of, each in rates.items():
        if len(each) > 1:
            lowest, highest = min(each, key=each.__getitem__), max(each, key=each.__getitem__)
            gap = each[highest] - each[lowest]
            found.append({"of": of, "list": name, "gap": gap, "lowest": lowest, "highest": highest})
    return sorted(found, key=lambda gap: -gap["gap"])


def _rate(listed: Mask, weights: NDArray[np.float32]) -> float:
    return float((listed.any(axis=1) * weights).sum() / weights.sum())


def _large(named: NDArray[np.object_]) -> list[str]:
    names, sizes = np.unique([name for name in named if name is not None], return_counts=True)
    large = [(int(size), str(name)) for name, size in zip(names, sizes, strict=True) if size >= LEAST_GROUP]
    return sorted(name for _, name in sorted(large, reverse=True)[:MOST_GROUPS])


def _codes(column: Column, known: Mask) -> NDArray[np.intp]:
    """Bin numbers; what is not known is a bin of its own."""
    values = column.values[known]
    there = ~np.isnan(values)
    if not there.any():
        return np.zeros(len(values), np.intp)
    if column.category:
        edges = np.unique(values[there])[1:]
    else:
        edges = np.unique(np.quantile(values[there], np.linspace(0, 1, BINS + 1)[1:], method="higher"))
        edges = edges[edges > values[there].min()]
    return np.where(there, np.searchsorted(edges, values, side="right") + 1, 0).astype(np.intp)


def _tells(codes: NDArray[np.intp], label: Mask) -> float:
    """Return the area under the ROC curve, on customers not learnt from; a mean over the folds."""
    from sklearn.metrics import roc_auc_score  # its libraries take long to import
    from sklearn.model_selection import StratifiedKFold

    areas = []
    for learnt, judged in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(codes, label):
        size = int(codes.max()) + 1
        there = np.bincount(codes[learnt], minlength=size)
        of_group = np.bincount(codes[learnt], label[learnt], size)
        rates = (of_group + SMOOTHING * label[learnt].mean()) / (there + SMOOTHING)
        areas.append(roc_auc_score(label[judged], rates[codes[judged]]))
    return float(np.mean(areas))


def _together(columns: Sequence[NDArray[np.intp]], told: Sequence[Mask]) -> float | None:
    if not columns:
        return None
    from sklearn.ensemble import HistGradientBoostingClassifier  # its libraries take long to import
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    table = np.stack(columns, axis=1)  # binned: the classifier takes no column that is nowhere known
    model = HistGradientBoostingClassifier(max_iter=50, max_depth=3, random_state=0)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    chances = [cross_val_predict(model, table, label, cv=folds, method="predict_proba")[:, 1] for label in told]
    return float(max(roc_auc_score(label, chance) for label, chance in zip(told, chances, strict=True)))


def _dense(matrix: Any) -> NDArray[np.float32]:
    return np.asarray(matrix.todense(), np.float32)
