"""Groups of customers alike: k-means over standardised features, with as many groups as hold on other samples too.

``k`` from 2 to ``MOST_SEGMENTS`` maximises silhouette × stability: the mean silhouette (Rousseeuw 1987), and the mean
adjusted Rand index between the groups of the whole sample and those found from ``RESAMPLES`` shares of it (Ben-Hur et
al. 2002). A ``k`` less stable than ``LEAST_STABLE``, or with a group under 20 customers, is none; where none is left,
there are no segments. Codes (S1, S2, …) go by size the first time; later ones keep the code and name of the nearest
segment of the model before, one to one, and what is new takes a number that was not in use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.words import CustomerKind, Language, LifecycleStage
from recommenders.batch import Batch
from recommenders.boosting import count_names, count_table
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, Text
from recommenders.examples import PAGE, Load
from recommenders.features import Features, FeatureSchema, extract
from recommenders.insight import Segment
from recommenders.portfolio import Ledger
from recommenders.view import CustomerView
from recommenders.wording import group, noun, number, product_name

SAMPLE: Final = 4_000
JUDGED: Final = 1_500
"""Customers that silhouettes are computed of: it takes every pair."""
MOST_SEGMENTS: Final = 8
RESAMPLES: Final = 5
SHARE: Final = 0.7
LEAST_STABLE: Final = 0.6
LEAST_GROUP: Final = 20
LEAST_KNOWN: Final = 0.2
"""Share of the sample of which a feature must be known."""
STARTS: Final = 4
SEED: Final = 7
CLIP: Final = 3.0
MOST_TOLD: Final = 4
LEAST_TOLD: Final = 0.4
"""Standard deviations from the bank's mean below which nothing is told."""
NEAR: Final = 0.5
"""A segment is that of the model before if it lies within so many standard deviations a feature of it."""
OF_PROFILE: Final = (
    "age", "tenure", "income", "credit_limit", "salary_months", "held", "opened_12", "closed_12", "since_opening",
    "since_activity", "inflow_12", "outflow_12", "salary_12", "transactions_12", "closing_balance_12", "contacts_12",
    "relations",
)  # fmt: skip
"""One feature of each family, so that none counts several times; the bank's own numbers and holdings join them."""
KIND: Final = "kind:"


@dataclass(frozen=True)
class Segments:
    """Groups of a bank's customers.

    Attributes:
        names: the ``d`` features that count.
        typical, means, scales: ``(d,)`` what stands for an unknown value, and what standardises.
        centres: ``(k, d)``, of standardised features, in the order of ``described``.
    """

    schema: FeatureSchema
    names: tuple[str, ...]
    typical: NDArray[np.float64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    centres: NDArray[np.float64]
    described: tuple[Segment, ...]

    def assign(self, features: Features) -> NDArray[np.intp]:
        """``(n,)``: position in ``described`` of each customer's segment."""
        table = self.standardised(columns_of(self.schema, self.names, features))
        return np.asarray(_nearest(table, self.centres))

    def standardised(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(n, d)``: what distances are measured in."""
        known = squeezed(np.where(np.isnan(columns), self.typical, columns))
        return np.asarray(np.clip((known - self.means) / self.scales, -CLIP, CLIP), np.float64)


async def fit_segments(
    load: Load,
    ledger: Ledger,
    schema: FeatureSchema,
    as_of: date,
    before: Segments | None = None,
    among: NDArray[np.int32] | None = None,
) -> tuple[Segments | None, dict[str, Any]]:
    """Group a sample of the customers as they are on ``as_of``, or of those of some rows.

    ``before`` are the segments of the model before, which give their names.

    Returns None where no number of groups holds, and a card of how many were tried and how stable they were.
    """
    features, catalogue = await _sample(load, ledger, schema, as_of, among), ledger.catalogue
    if len(features) < 2 * LEAST_GROUP:
        return None, {"why_none": f"{len(features)} customers; {2 * LEAST_GROUP} are needed"}
    names = _telling(schema, features)
    if not names:
        return None, {"why_none": "no feature tells customers apart"}
    columns = columns_of(schema, names, features)
    typical = np.nanmedian(columns, axis=0)
    known = squeezed(np.where(np.isnan(columns), typical, columns))
    plain = Segments(schema, names, typical, known.mean(axis=0), _scales(names, known), np.zeros((0, len(names))), ())
    table = plain.standardised(columns)
    tried = {k: _quality(table, k) for k in range(2, MOST_SEGMENTS + 1) if k * LEAST_GROUP <= len(table)}
    card: dict[str, Any] = {
        "sample": len(table),
        "tried": {str(k): {"silhouette": round(s, 4), "stability": round(a, 4)} for k, (s, a) in tried.items()},
    }
    good = [k for k, (_, stability) in tried.items() if stability >= LEAST_STABLE]
    if not good:
        return None, card | {"why_none": "no number of groups is stable"}
    best = max(good, key=lambda k: tried[k][0] * tried[k][1])
    centres = _clusters(table, best)
    groups = _nearest(table, centres)
    order = np.argsort(-np.bincount(groups, minlength=best), kind="stable")
    fitted = _with(plain, centres[order], ())
    described = _described(fitted, columns, _nearest(table, centres[order]), catalogue, before)
    return _with(plain, centres[order], described), card | {"segments": best}


def columns_of(schema: FeatureSchema, names: Sequence[str], features: Features) -> NDArray[np.float64]:
    """``(n, d)``: the features that count, nan where unknown; a kind of customer is 0 or 1."""
    every = {name: place for place, name in enumerate(count_names(schema))}
    table = count_table(features)
    found = np.empty((len(features), len(names)), np.float64)
    for place, name in enumerate(names):
        if name.startswith(KIND):
            code = schema.words["kind"].index(name.removeprefix(KIND))
            found[:, place] = table[:, every["kind"]] == code
        else:
            found[:, place] = table[:, every[name]]
    return found


def squeezed(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw large values in, so that a few of the very rich are no group of their own."""
    return np.asarray(np.sign(columns) * np.log1p(np.abs(columns)), np.float64)


async def _sample(
    load: Load, ledger: Ledger, schema: FeatureSchema, as_of: date, among: NDArray[np.int32] | None
) -> Features:
    present = np.flatnonzero(ledger.present(as_of)) if among is None else among
    rows = np.sort(np.random.default_rng(SEED).choice(present, min(SAMPLE, len(present)), replace=False))
    parts = []
    for start in range(0, len(rows), PAGE):
        records = await load([ledger.customer_nos[row] for row in rows[start : start + PAGE]])
        batch = Batch.of(records, ledger.catalogue, Context(today=as_of))
        stay = np.flatnonzero([is_grouped(customer) for customer in batch.customers])
        parts.append(extract(schema, batch, {}).take(stay))
    return Features.joined(parts)


def is_grouped(customer: CustomerView) -> bool:
    """Whether a customer is of any segment: all but who have closed whatever they had."""
    return customer.stage is not LifecycleStage.LOST


def _telling(schema: FeatureSchema, features: Features) -> tuple[str, ...]:
    """Return the features that are known of enough customers, and differ."""
    own = [f"own:{name}" for name in schema.numbers]
    kinds = [f"{KIND}{word}" for word in schema.words.get("kind", ())[:-1]]
    held = [f"holds:{code}" for code in schema.product_codes]
    wanted = [*(name for name in OF_PROFILE if name in schema.names), *own, *kinds, *held]
    columns = columns_of(schema, wanted, features)
    known = (~np.isnan(columns)).mean(axis=0) >= LEAST_KNOWN
    return tuple(
        name
        for place, name in enumerate(wanted)
        if known[place] and np.nanmin(columns[:, place]) < np.nanmax(columns[:, place])
    )


def _scales(names: Sequence[str], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations; of a yes or no, at least a quarter, lest what few have outweighs all."""
    least = np.array([0.25 * np.log(2) if _is_mark(name) else 1e-6 for name in names])
    return np.asarray(np.maximum(known.std(axis=0), least), np.float64)


def _is_mark(name: str) -> bool:
    return name.startswith((KIND, "holds:"))


def _clusters(table: NDArray[np.float64], k: int, seed: int = SEED) -> NDArray[np.float64]:
    from sklearn.cluster import KMeans  # its libraries take long to import

    return np.asarray(KMeans(k, n_init=STARTS, random_state=seed).fit(table).cluster_centers_, np.float64)


def _nearest(table: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.intp]:
    squared = (centres**2).sum(axis=1) - 2 * table @ centres.T
    return np.asarray(squared.argmin(axis=1), np.intp)


def _quality(table: NDArray[np.float64], k: int) -> tuple[float, float]:
    """Return silhouette and stability of ``k`` groups; 0 where one is too small to be described."""
    from sklearn.metrics import adjusted_rand_score, silhouette_score  # its libraries take long to import

    if len(np.unique(table, axis=0)) < k:
        return 0.0, 0.0
    groups = _nearest(table, _clusters(table, k))
    if np.bincount(groups, minlength=k).min() < LEAST_GROUP:
        return 0.0, 0.0
    dice = np.random.default_rng(SEED)
    judged = dice.choice(len(table), min(JUDGED, len(table)), replace=False)
    if len(np.unique(groups[judged])) < k:
        return 0.0, 0.0
    silhouette = float(silhouette_score(table[judged], groups[judged]))
    alike = []
    for number_of in range(RESAMPLES):
        part = dice.choice(len(table), int(SHARE * len(table)), replace=False)
        if len(np.unique(table[part], axis=0)) < k:
            return silhouette, 0.0
        other = _nearest(table, _clusters(table[part], k, SEED + 1 + number_of))
        alike.append(adjusted_rand_score(groups, other))
    return silhouette, float(np.mean(alike))


def _kept(fitted: Segments, before: Segments | None) -> dict[int, Segment]:
    """Return, by position, the segment of the model before that each is."""
    if before is None:
        return {}
    from scipy.optimize import linear_sum_assignment  # its libraries take long to import

    shared = [(fitted.names.index(name), before.names.index(name)) for name in fitted.names if name in before.names]
    if not shared:
        return {}
    here, there = (np.array(places) for places in zip(*shared, strict=True))
    now = (fitted.centres * fitted.scales + fitted.means)[:, here]
    then = (before.centres * before.scales + before.means)[:, there]
    apart = np.sqrt((((now[:, None] - then[None]) / fitted.scales[here]) ** 2).mean(axis=2))
    pairs = zip(*linear_sum_assignment(apart), strict=True)
    return {int(row): before.described[column] for row, column in pairs if apart[row, column] <= NEAR}


def _described(
    fitted: Segments,
    columns: NDArray[np.float64],
    groups: NDArray[np.intp],
    catalogue: Catalogue,
    before: Segments | None,
) -> tuple[Segment, ...]:
    kept = _kept(fitted, before)
    taken = {segment.code for segment in before.described} if before else set()
    free = (code for n in range(1, 10_000) if (code := f"S{n}") not in taken)
    described: list[Segment] = []
    names = {segment.name[Language.EN] for segment in kept.values()}
    for place, centre in enumerate(fitted.centres):
        own = groups == place
        told = _told(fitted.names, centre, columns, own, catalogue)
        old = kept.get(place)
        code = old.code if old else next(free)
        name = old.name if old else _name(told, code, names)
        names.add(name[Language.EN])
        described.append(Segment(code, name, round(float(own.mean()), 4), tuple(text for _, text in told)))
    return tuple(described)


def _told(
    names: Sequence[str],
    centre: NDArray[np.float64],
    columns: NDArray[np.float64],
    own: NDArray[np.bool_],
    catalogue: Catalogue,
) -> list[tuple[Text, Text]]:
    """Return, of the most telling features, a short word and a sentence."""
    told: dict[str, tuple[Text, Text]] = {}
    for place in np.argsort(-np.abs(centre), kind="stable"):
        if abs(centre[place]) < LEAST_TOLD or len(told) == MOST_TOLD:
            break
        values = columns[own, place]
        values, every = values[~np.isnan(values)], columns[~np.isnan(columns[:, place]), place]
        if len(values) < LEAST_GROUP:
            continue
        text = _difference(names[place], float(values.mean()), float(every.mean()), catalogue)
        if text is not None:
            told.setdefault(group(names[place]), text)
    return list(told.values())


def _difference(name: str, here: float, everywhere: float, catalogue: Catalogue) -> tuple[Text, Text] | None:
    more = here > everywhere
    if name.startswith(KIND) and not more:
        return None
    if _is_mark(name):
        en, zh = _mark(name, catalogue)
        share, of_all = f"{100 * here:.0f}%", f"{100 * everywhere:.0f}%"
        return (
            _text(en if more else f"not {en}", zh if more else f"未{zh}"),
            _text(f"{en}: {share}, the bank's share is {of_all}", f"{zh}：{share}，全行{of_all}"),
        )
    of = noun(name, catalogue)
    if of is None:
        return None
    en, zh = of[Language.EN], of[Language.ZH]
    return (
        _text(f"{en}: {'high' if more else 'low'}", f"{zh}{'高' if more else '低'}"),
        _text(
            f"{en}: {number(here)} on average, the bank's is {number(everywhere)}",
            f"{zh}：平均{number(here)}，全行{number(everywhere)}",
        ),
    )


def _mark(name: str, catalogue: Catalogue) -> tuple[str, str]:
    what = name.partition(":")[2]
    if name.startswith(KIND):
        return KINDS.get(what, (what, what))
    en, zh = product_name(what, catalogue)
    return f"holding {en}", f"持有{zh}"


KINDS: Final = {
    CustomerKind.PERSON.value: ("persons", "个人客户"),
    CustomerKind.COMPANY.value: ("companies", "企业客户"),
    CustomerKind.INSTITUTION.value: ("institutions", "机构客户"),
}


def _name(told: Sequence[tuple[Text, Text]], code: str, others: set[str]) -> Text:
    """Name a segment by the two things that tell it most; with its code where another is named so."""
    words = [word for word, _ in told[:2]]
    en = ", ".join(word[Language.EN] for word in words) or "like the bank as a whole"
    zh = "，".join(word[Language.ZH] for word in words) or "与全行相近"
    return _text(f"{en} ({code})", f"{zh}（{code}）") if en in others else _text(en, zh)


def _with(plain: Segments, centres: NDArray[np.float64], described: tuple[Segment, ...]) -> Segments:
    return Segments(plain.schema, plain.names, plain.typical, plain.means, plain.scales, centres, described)


def _text(en: str, zh: str) -> Text:
    return {Language.EN: en, Language.ZH: zh}
