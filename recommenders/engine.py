"""The decision: candidates, gates, rank, arbitrate, bundle, reasons. Pure, and for a batch at a time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.records import Customer
from graph.words import Language
from recommenders.arbitration import Arbitration
from recommenders.asking import Ask, one_by_one
from recommenders.batch import Batch
from recommenders.bundling import bundles
from recommenders.calibration import PRIOR_PROPENSITY, Calibration
from recommenders.catalogue import Catalogue
from recommenders.contract import (
    ARM,
    FALLBACK,
    Answer,
    BundleRule,
    Candidates,
    Context,
    Decision,
    Gate,
    Lever,
    Mask,
    Offer,
    Reason,
    Recommender,
    Refusal,
    Scores,
    TraceStep,
)
from recommenders.gates import sees_whole
from recommenders.insight import Tell, nothing
from recommenders.passes import Passes
from recommenders.ranker import Ranker

MOST_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class Ranking:
    """A batch decided, as arrays.

    Attributes:
        passes: the customers, as they were seen.
        proposed: what each recommender proposes, by its name.
        general_scores: ``(n, m)`` of each recommender in the general pass, by its name: what learnt models go by.
        strengths: ``(n, m)`` propensities by each recommender, by its name; nan where it does not propose.
        propensities: ``(n, m)``, by the ranker, or else of the strongest recommender; nan where none proposes.
        ranked: ``(n, m)``: the propensity is the ranker's.
        weights: ``(m,)``: context weight of each product.
        refused: ``(n, m)`` by each gate, in their order.
        passed: ``(n, m)``: no gate refuses, nor does the request.
        priorities: ``(n, m)``, minus infinity where not offered.
        omitted: recommenders that had no say.
    """

    passes: Passes
    proposed: Mapping[str, Candidates]
    general_scores: Mapping[str, Scores]
    strengths: Mapping[str, Scores]
    propensities: Scores
    ranked: Mask
    weights: NDArray[np.float64]
    refused: tuple[Mask, ...]
    passed: Mask
    priorities: NDArray[np.float64]
    omitted: tuple[str, ...]

    @property
    def batch(self) -> Batch:
        """The customers with everything that is known of them."""
        return self.passes.whole

    def top(self, count: int) -> NDArray[np.intp]:
        """``(n, count)`` columns, best first, ties by product code; check ``priorities`` for those not offered."""
        return np.argsort(-self.priorities, axis=1, kind="stable")[:, :count]


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found in one pass: plugins' refusals by their gate's place, and candidates by the recommender's name."""

    refused: Mapping[int, Mask]
    proposed: Mapping[str, Candidates]


class Engine:
    """Decides for the customers of one bank."""

    def __init__(
        self,
        catalogue: Catalogue,
        recommenders: Sequence[Recommender],
        gates: Sequence[Gate],
        bundle_rules: Sequence[BundleRule] = (),
        calibration: Calibration | None = None,
        ranker: Ranker | None = None,
        levers: Sequence[Lever] = (),
        model_id: str = FALLBACK,
        arm: str = ARM,
        ask: Ask = one_by_one,
        tell: Tell = nothing,
    ) -> None:
        self.catalogue = catalogue
        self.recommenders = tuple(recommenders)
        self.gates = tuple(gates)
        self.bundle_rules = tuple(bundle_rules)
        self.calibration = calibration or Calibration()
        self.ranker = ranker
        self.model_id = model_id
        self.arm = arm
        self.ask = ask
        self.tell = tell
        self.arbitration = Arbitration(catalogue, levers)

    @cached_property
    def _values(self) -> NDArray[np.float64]:
        return self.arbitration.values()

    @cached_property
    def _levers(self) -> NDArray[np.float64]:
        return self.arbitration.lever_factors()

    def factors(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(m,)``: what makes a priority of a propensity, by the context weight of each product."""
        return self._values * weights * self._levers

    def rank(self, customers: Sequence[Customer], context: Context) -> Ranking:
        """Run candidates, gates, rank and arbitrate over customers.

        The bank's own gates look first, with all that is known: they only refuse, and nothing can change what they see.
        Then plugins' gates and recommenders look at each pass. What the general pass and the ranker say stands before
        any other is looked at, so that nothing seen of confined data in this decision serves what it may not.
        """
        passes = Passes.of(customers, self.catalogue, context, self.tell)
        own = {place: np.array(gate.refuses(passes.whole)) for place, gate in enumerate(self.gates) if sees_whole(gate)}
        omitted = dict[str, None]()
        general = self._look(passes.general, omitted)
        general_scores = {name: found.scores for name, found in general.proposed.items()}
        learnt = self._learnt(passes.general, general_scores)
        looks = [general, *(self._look(further.batch, omitted) for further in passes.further)]
        refused = tuple(
            own[place] if place in own else passes.joined([look.refused[place] for look in looks])
            for place in range(len(self.gates))
        )
        proposed = {
            name: passes.candidates([look.proposed[name] for look in looks])
            for name in general.proposed
            if name not in omitted
        }
        passed = self._passed(passes.whole, refused)
        strengths = {
            name: passes.joined([
                self.calibration.propensities(name, look.proposed[name].scores, served=look is not general)
                for look in looks
            ])
            for name in proposed
        }  # fmt: skip
        propensities, ranked = self._propensities(learnt, general_scores, strengths)
        weights = self.arbitration.weights(context.channel)
        offered = passed & ~np.isnan(propensities)
        priorities = np.where(offered, propensities * self.factors(weights), -np.inf)
        return Ranking(passes, proposed, general_scores, strengths, propensities, ranked, weights, refused, passed,
                       priorities, tuple(omitted))  # fmt: skip

    def _look(self, batch: Batch, omitted: dict[str, None]) -> _Look:
        """Ask plugins' gates and every recommender; who fails is omitted, and asked of no later pass.

        What they give is copied, lest it be changed after a later pass.
        """
        refused = {
            place: np.array(gate.refuses(batch)) for place, gate in enumerate(self.gates) if not sees_whole(gate)
        }
        proposed = dict[str, Candidates]()
        asked = [recommender for recommender in self.recommenders if recommender.name not in omitted]
        for recommender, found in zip(asked, self.ask(asked, batch), strict=True):
            if found is None:
                omitted[recommender.name] = None
            else:
                proposed[recommender.name] = Candidates(np.array(found.scores), found.reason)
        return _Look(refused, proposed)

    def _learnt(self, batch: Batch, scores: Mapping[str, Scores]) -> Scores:
        """``(n, m)``: the ranker's propensities; nan where it has none."""
        if self.ranker is None:
            return np.full(batch.shape, np.nan, np.float32)
        return self.ranker.propensities(batch, scores)

    def _propensities(
        self, learnt: Scores, scores: Mapping[str, Scores], strengths: Mapping[str, Scores]
    ) -> tuple[Scores, Mask]:
        """The ranker's word counts where it has one, or a recommender's that it could not know of, if that is higher.

        Those are of recommenders that it was not trained with, and what was proposed by confined data alone.
        """
        unranked, propensities = np.isnan(learnt), learnt
        for name, strength in strengths.items():
            is_new = self.ranker is None or name not in self.ranker.schema.recommenders
            is_heard = unranked | is_new | np.isnan(scores[name])
            propensities = np.fmax(propensities, np.where(is_heard, strength, np.nan))
        return propensities, ~unranked & (propensities == learnt)

    def answer(self, customers: Sequence[Customer], context: Context) -> list[Answer]:
        """Return each customer's offers, at most ``context.top``, and the bundles they are part of."""
        return self.answers(self.rank(customers, context)) if customers else []

    def answers(self, ranking: Ranking) -> list[Answer]:
        """Return the offers and bundles of each customer of a ranking."""
        return [self._answer(ranking, row, columns) for row, columns in enumerate(ranking.top(len(self.catalogue)))]

    def decide(self, customer: Customer, product_code: str, context: Context) -> Decision:
        """Say why one product is, or is not, offered to one customer.

        Raises:
            NotFound: the catalogue has no such product.
        """
        product = self.catalogue[product_code]
        column = self.catalogue.index[product_code]
        ranking = self.rank([customer], context)
        refusals = tuple(
            gate.explain(ranking.batch.told[0] if sees_whole(gate) else ranking.passes.view(0, column), product)
            for gate, refused in zip(self.gates, ranking.refused, strict=True)
            if refused[0, column]
        )
        offered = bool(ranking.priorities[0, column] > -np.inf) and product_code not in context.exclude
        order = [int(c) for c in ranking.top(len(self.catalogue))[0]]
        rank = order.index(column) + 1 if offered else None
        reasons = self._reasons(ranking, self._supporters(ranking, 0, column), 0, column)
        trace = self._trace(ranking, 0, column, rank, refusals, reasons)
        return Decision(customer.customer_no, product, offered, rank, refusals, trace)

    def _passed(self, batch: Batch, refused: Sequence[Mask]) -> Mask:
        passed = np.ones(batch.shape, np.bool_)
        for mask in refused:
            passed &= ~mask
        passed[:, [self.catalogue.index[code] for code in batch.context.exclude if code in self.catalogue]] = False
        return passed

    def _answer(self, ranking: Ranking, row: int, columns: NDArray[np.intp]) -> Answer:
        offered = [int(column) for column in columns if ranking.priorities[row, column] > -np.inf]
        codes = {self.catalogue.codes[column]: column for column in offered}
        shown = offered[: ranking.batch.context.top]
        rules = [rule for rule in self.bundle_rules if all(code in codes for code in rule.products)]
        wanted = {*shown, *(codes[code] for rule in rules for code in rule.products)}
        offers = {
            column: self._offer(ranking, row, column, rank)
            for rank, column in enumerate(offered, 1)
            if column in wanted
        }
        by_code = {offer.product.product_code: offer for offer in offers.values()}
        return Answer(
            ranking.batch.customers[row].customer_no,
            tuple(offers[column] for column in shown),
            bundles(rules, by_code)[: ranking.batch.context.top],
            ranking.omitted,
        )

    def _offer(self, ranking: Ranking, row: int, column: int, rank: int) -> Offer:
        names = self._supporters(ranking, row, column)
        reasons = self._reasons(ranking, names, row, column)
        propensity = float(ranking.propensities[row, column])
        return Offer(
            customer_no=ranking.batch.customers[row].customer_no,
            product=self.catalogue.products[column],
            rank=rank,
            score=max((float(ranking.proposed[name].scores[row, column]) for name in names), default=propensity),
            propensity=propensity,
            value=float(self._values[column]),
            priority=float(ranking.priorities[row, column]),
            recommenders=names,
            reasons=reasons[:MOST_REASONS],
            trace=self._trace(ranking, row, column, rank, (), reasons),
            model=self.model_id,
            arm=self.arm,
        )

    @staticmethod
    def _supporters(ranking: Ranking, row: int, column: int) -> tuple[str, ...]:
        """Names of those who propose a pair, the highest propensity first."""
        found = {name: float(strength[row, column]) for name, strength in ranking.strengths.items()}
        supporting = [name for name, propensity in found.items() if not math.isnan(propensity)]
        return tuple(sorted(supporting, key=lambda name: (-found[name], name)))

    def _trace(
        self,
        ranking: Ranking,
        row: int,
        column: int,
        rank: int | None,
        refusals: Sequence[Refusal],
        reasons: Sequence[Reason],
    ) -> tuple[TraceStep, ...]:
        names = self._supporters(ranking, row, column)
        scores = ", ".join(f"{name} {ranking.proposed[name].scores[row, column]:.3f}" for name in names)
        steps = [TraceStep("candidates", f"proposed by {scores}" if names else "proposed by no recommender")]
        if held_back := sorted(ranking.passes.held_back(row, column)):
            steps.append(
                TraceStep("candidates", f"held back, as it may not serve this product: {', '.join(held_back)}")
            )
        if ranking.omitted:
            steps.append(
                TraceStep("candidates", f"without {', '.join(ranking.omitted)}: too slow, failing or switched off")
            )
        if refusals:
            steps += [
                TraceStep("gates", f"{r.gate} refuses ({r.code}): {r.text[Language.EN]} Saw: {r.saw}.")
                for r in refusals
            ]
        elif ranking.passed[row, column]:
            steps.append(TraceStep("gates", f"passed all {len(self.gates)} gates"))
        else:
            steps.append(TraceStep("gates", "excluded by the request"))
        is_known = not math.isnan(ranking.propensities[row, column])
        return (*steps, *(self._ranking_steps(ranking, row, column, rank, names, reasons) if is_known else ()))

    def _ranking_steps(
        self,
        ranking: Ranking,
        row: int,
        column: int,
        rank: int | None,
        names: Sequence[str],
        reasons: Sequence[Reason],
    ) -> list[TraceStep]:
        propensity = ranking.propensities[row, column]
        product = self.catalogue.products[column]
        priced = "" if product.margin is not None else " (no margin known: the median of its category)"
        if ranking.ranked[row, column] and self.ranker is not None:
            by = f"the ranker ({self.ranker.horizon})"
        else:
            served = ranking.passes.is_served(row, column)
            is_learnt = self.calibration.is_learnt(names[0], served=served)
            by = f"{names[0]} ({'learnt from openings' if is_learnt else f'prior: score × {PRIOR_PROPENSITY}'})"
        steps = [TraceStep("rank", f"propensity {propensity:.4f} by {by}")]
        if rank is not None:
            pulled = self.arbitration.pulled(product.product_code)
            factors = (
                f"{propensity:.4f} × {ranking.weights[column]:g} context × {self._values[column]:g} value{priced} "
                f"× {self._levers[column]:g} lever{f' ({pulled})' if pulled else ''}"
            )
            steps.append(TraceStep("arbitrate", f"{factors} = {ranking.priorities[row, column]:.3f}, rank {rank}"))
            rules = [rule.code for rule in self.bundle_rules if product.product_code in rule.products]
            steps.append(TraceStep("bundle", f"part of {', '.join(rules)}" if rules else "part of no bundle rule"))
            paths = [" → ".join(reason.path) for reason in reasons]
            steps.append(TraceStep("reasons", "; ".join(paths) or "none of the recommenders gives a path"))
        return steps

    @staticmethod
    def _reasons(ranking: Ranking, names: Sequence[str], row: int, column: int) -> tuple[Reason, ...]:
        """What each recommender says; a reason is not shown without a path, nor by one through data held back."""
        reasons = (ranking.proposed[name].reason(row, column) for name in names)
        return tuple(
            reason
            for reason in reasons
            if reason is not None and reason.path and not ranking.passes.crosses(row, column, reason)
        )
