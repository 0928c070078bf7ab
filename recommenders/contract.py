"""The values and protocols every stage of the engine and every plugin speaks in.

A batch has ``n`` customers and ``m`` products, products in catalogue order (sorted by product code);
every score or mask over a batch is an array of shape ``(n, m)``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from graph.errors import NotLearnt
from graph.records import Product
from graph.words import Language

if TYPE_CHECKING:
    from recommenders.batch import Batch
    from recommenders.portfolio import Portfolio
    from recommenders.view import CustomerView

Scores: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]
Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]
Text: TypeAlias = Mapping[Language, str]
GateGroup: TypeAlias = Literal["eligibility", "suitability", "credit", "consent", "contact"]

KEPT_KINDS: Final = "biufcmMSU"
"""Kinds of arrays that can be kept, as numpy names them."""
UNKEPT_KINDS: Final = {"O": "objects", "V": "records", "T": "texts without a length"}

FALLBACK: Final = "fallback"
"""Stands for a model's id while there is none."""
ARM: Final = "default"
"""Stands for the arms of experiments that a customer is in while there are none."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recommender's raw wish for one customer.

    Attributes:
        product_code: the product wished for; one the catalogue does not know is counted against the plugin.
        score: how strongly, 0 to 1.
        reason: one sentence the customer may read, in English or as a text per language.
        path: the graph path the reason rests on, such as ``("customer", "MEMBER_OF", "CAMPUS-1")``;
            by default the plugin's own name is the path.
        facts: what the reason says, for front ends: of a type that the plugin registers as ``Facts``.
    """

    product_code: str
    score: float
    reason: str | Text | None = None
    path: tuple[str, ...] = ()
    facts: object | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a product is offered: a path that existed in the graph at decision time, and its sentence.

    Attributes:
        recommender: who gives the reason.
        path: customer, relation, node, …, product, as business keys and relation names.
        text: the sentence in each language, made only from what the customer already knows of himself.
        facts: what the sentence says, as a dataclass that a plugin has registered; None where it has none.
    """

    recommender: str
    path: tuple[str, ...]
    text: Text
    facts: object | None = None


class Omitted(Exception):
    """A recommender that has no say in this answer; the engine goes on without it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Candidates:
    """What one recommender proposes for a batch.

    Attributes:
        scores: ``(n, m)``, ``nan`` where nothing is proposed.
        reason: gives the reason for one (row, column) that was proposed, or None; called for shown offers only.
    """

    scores: Scores
    reason: Callable[[int, int], Reason | None]


@runtime_checkable
class Recommender(Protocol):
    """Anything that proposes products, with scores from 0 to 1."""

    @property
    def name(self) -> str:
        """Unique among a bank's recommenders."""
        ...

    @property
    def version(self) -> str:
        """Changes when what it learns, or how it scores, changes."""
        ...

    def propose(self, batch: "Batch") -> Candidates:
        """Score the batch's products; pure, and without input or output."""
        ...


@runtime_checkable
class Trainable(Recommender, Protocol):
    """A recommender that learns arrays from the portfolio and proposes from those arrays alone.

    One whose ``fit`` asks for ``portfolio.batch`` has an attribute ``learns_from_customers``, which is true.
    """

    def fit(self, portfolio: "Portfolio") -> Arrays:
        """Learn; the arrays are stored in the model artefact under the recommender's name."""
        ...

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> "Recommender":
        """Return a recommender that answers from learnt arrays; columns are ``product_codes`` of the training time."""
        ...


def text_from(told: Mapping[str, str]) -> Text:
    """Return a text as it comes back from JSON; raises ValueError where a language is none."""
    return {Language(language): words for language, words in told.items()}


def check_arrays(arrays: object) -> None:
    """Return if they can be kept: arrays by name, of numbers, truths, dates or texts.

    Raises:
        NotLearnt: they cannot; names, which may be a customer's, are not quoted.
    """
    if not isinstance(arrays, Mapping):
        raise NotLearnt(f"fit gave {type(arrays).__name__}, not arrays by name")
    for place, (name, array) in enumerate(arrays.items(), 1):
        if wrong := _wrong(name, array):
            raise NotLearnt(f"of what fit gave, number {place} of {len(arrays)} {wrong}")


def check_trained(trained: object) -> None:
    """Return if it can propose; raises NotLearnt."""
    if not callable(getattr(trained, "propose", None)):
        raise NotLearnt(f"with_arrays gave {type(trained).__name__}, which cannot propose")


def _wrong(name: object, array: object) -> str | None:
    if not isinstance(name, str):
        return f"is named by {type(name).__name__}, no text"
    if not name.isprintable():
        return "has a name that cannot be printed"
    if not isinstance(array, np.ndarray):
        return f"is {type(array).__name__}, no array"
    if name.endswith(".npy"):
        return "has a name that ends in .npy, which numpy would take for another's"
    if isinstance(array, np.ma.MaskedArray):
        return "is a masked array, whose mask would be lost"
    if array.dtype.kind in KEPT_KINDS:
        return None
    has = UNKEPT_KINDS.get(array.dtype.kind, "what numpy does not know")
    return f"is an array of {has}; numbers, truths, dates or texts can be kept"


def learns_from_customers(recommender: Recommender) -> bool:
    """Whether a recommender says that its ``fit`` asks for ``Portfolio.batch``."""
    return bool(getattr(recommender, "learns_from_customers", False))


def is_told(recommender: Recommender) -> bool:
    """Whether a recommender is told what a model says of customers beside products."""
    return bool(getattr(recommender, "is_told", False))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a gate refused one product for one customer.

    Attributes:
        gate: the group: eligibility, suitability, credit, consent, contact.
        code: stable, upper case, such as ``RISK_TOO_HIGH``.
        text: a sentence per language.
        saw: the value the gate saw, as text; ``"unknown"`` where it saw none.
        unlock: the smallest change on the customer's side that would pass, or None where there is none.
    """

    gate: str
    code: str
    text: Text
    saw: str
    unlock: Text | None = None


@runtime_checkable
class Gate(Protocol):
    """A rule that can refuse. ``refuses`` decides for a batch; ``explain`` says why for one refused pair."""

    @property
    def gate(self) -> GateGroup:
        """The group it belongs to."""
        ...

    @property
    def code(self) -> str:
        """Its stable name, upper case."""
        ...

    def refuses(self, batch: "Batch") -> Mask:
        """True at ``(i, j)`` where product ``j`` may not be offered to customer ``i``."""
        ...

    def explain(self, customer: "CustomerView", product: Product) -> Refusal:
        """Say why; called only for a pair that ``refuses`` refused."""
        ...


@dataclass(frozen=True, slots=True)
class BundleRule:
    """Products that belong together; offered only when every one of them is.

    Attributes:
        code: stable, upper case; unlike any other's.
        products: their codes, the most important first.
        title: what the bundle is called, in each language.
        benefit: what a customer gains by it, in each language.
    """

    code: str
    products: tuple[str, ...]
    title: Text
    benefit: Text


@dataclass(frozen=True, slots=True)
class Lever:
    """Factors by which the business weighs products; those of all levers multiply.

    Attributes:
        name: what the trace calls it.
        factors: by product code; 1 changes nothing, and 0 puts a product last.
    """

    name: str
    factors: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """Something that happens in customers' lives, such as a graduation.

    Attributes:
        code: stable, upper case, such as ``CAMPUS_GRADUATION``.
        text: what has happened, in each language.
        on: the day on which it happens, or happened, to a customer; None where it does not.
    """

    code: str
    text: Text
    on: "Callable[[CustomerView], date | None]"


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One line of "why": which stage, what it did, in words."""

    stage: Literal["candidates", "gates", "rank", "arbitrate", "bundle", "reasons"]
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposal that passed every gate.

    Attributes:
        rank: 1 is best.
        score: the highest raw score any of its recommenders gave; the propensity where none spoke but the ranker.
        propensity: probability, 0 to 1, of taking the product in the next period.
        value: yearly value to the bank, in its currency.
        priority: propensity × context weight × value × lever; the order of offers.
        recommenders: names, strongest first.
        model: id of the model that it was ranked with.
        arm: the experiments that were run on the customer, and on which side of each he is.
    """

    customer_no: str
    product: Product
    rank: int
    score: float
    propensity: float
    value: float
    priority: float
    recommenders: tuple[str, ...]
    reasons: tuple[Reason, ...]
    trace: tuple[TraceStep, ...]
    model: str = FALLBACK
    arm: str = ARM


@dataclass(frozen=True, slots=True)
class Bundle:
    """Offers that belong together, under one declared rule."""

    rule: BundleRule
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one customer is offered; ``omitted`` names recommenders that ran out of time or failed."""

    customer_no: str
    offers: tuple[Offer, ...]
    bundles: tuple[Bundle, ...]
    omitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Why one product is, or is not, offered to one customer.

    ``refusals`` is in gate order, so the first is the gate that stopped it; empty when none did.
    """

    customer_no: str
    product: Product
    offered: bool
    rank: int | None
    refusals: tuple[Refusal, ...]
    trace: tuple[TraceStep, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of a request.

    Attributes:
        today: bounds what may be known: later facts are not seen.
        channel: where the offers are to be shown; None for offers that no channel weighs, such as a list of all.
    """

    today: date
    channel: str | None = "mobile"
    top: int = 3
    exclude: tuple[str, ...] = ()
    budget_ms: int | None = None
