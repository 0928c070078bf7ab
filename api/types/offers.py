"""Offers, bundles, and why a product is, or is not, offered."""

from typing import Annotated, Any, TypeAlias

import strawberry

from api import access, decisions
from api.costs import assumed
from api.global_ids import global_id
from api.plugin_types import PluginFacts
from api.requests import Asked
from api.session import Session
from api.types.products import Product
from api.types.relay import Node
from graph.words import Language
from recommenders import contract

Spoken: TypeAlias = Annotated[
    Language | None, strawberry.argument(description="Of the text; by default the customer's, or else English.")
]


@strawberry.type(description="One line of why: a stage of the decision, and what it did.")
class TraceStep:
    """A trace line."""

    stage: str = strawberry.field(description="candidates, gates, rank, arbitrate, bundle or reasons.")
    text: str = strawberry.field(description="What the stage did, in English.")


def trace_of(session: Session, steps: tuple[contract.TraceStep, ...]) -> list[TraceStep]:
    """Return trace lines, to those who may see how a decision came about."""
    shown = steps if access.sees_workings(session.viewer) else ()
    return [TraceStep(stage=step.stage, text=step.text) for step in shown]


@strawberry.type(description="Why a product is offered: one reason, as a sentence and as facts.")
class OfferReason:
    """A reason."""

    reason: strawberry.Private[contract.Reason]
    spoken: strawberry.Private[Language]
    recommender: str = strawberry.field(description="Who gives it.")

    @strawberry.field(description="The sentence for the customer.")
    def text(self, language: Spoken = None) -> str:
        """The sentence in a language."""
        return self.reason.text[language or self.spoken]

    @strawberry.field(description="What the sentence says, in a type of the plugin's own; null where it has no facts.")
    async def facts(self, info: Asked) -> PluginFacts | None:
        """The facts, as the plugin made them."""
        schema: Any = info.schema
        return await schema.additions.facts(self.reason)  # type: ignore[no-any-return]  # an interface is whatever implements it


@strawberry.type(description="A product that passed every gate for a customer.")
class Offer(Node):
    """An offer."""

    session: strawberry.Private[Session]
    offer: strawberry.Private[contract.Offer]
    context: strawberry.Private[contract.Context]
    spoken: strawberry.Private[Language]
    token: strawberry.Private[str | None]
    rank: int = strawberry.field(description="1 is best.")
    propensity: float = strawberry.field(description="Probability, 0 to 1, of taking the product within a year.")
    recommenders: list[str] = strawberry.field(description="Who proposed it, the strongest first.")

    @classmethod
    def of(
        cls,
        session: Session,
        offer: contract.Offer,
        context: contract.Context,
        spoken: Language | None,
        token: str | None = None,
    ) -> "Offer":
        """Make the type of an offer; ``token`` is the decision it was asked for by."""
        return cls(
            session=session,
            offer=offer,
            context=context,
            spoken=spoken or Language.EN,
            token=token,
            rank=offer.rank,
            propensity=offer.propensity,
            recommenders=list(offer.recommenders),
        )

    @strawberry.field(description="Global id: the signed decision. Give it back with an outcome.")
    def id(self) -> strawberry.ID:
        """Sign the decision."""
        secret = self.session.services.offer_secret
        token = self.token or decisions.sign(self.offer, self.context, self.offer.model, self.session.now, secret)
        return global_id("Offer", token)

    @strawberry.field(
        description="What the order is by: propensity × context × value × lever; to all but the bank's staff, 1 / rank."
    )
    def priority(self) -> float:
        """The priority, which tells what the product earns the bank."""
        return self.offer.priority if access.sees_workings(self.session.viewer) else 1 / self.rank

    @strawberry.field(description="What is offered.")
    def product(self) -> Product:
        """The offer's product."""
        return Product.of(self.session, self.offer.product)

    @strawberry.field(description="Why, in sentences for the customer, from what he knows of himself.")
    def reasons(self, language: Spoken = None) -> list[str]:
        """Sentences of the reasons."""
        return [reason.text[language or self.spoken] for reason in self.offer.reasons]

    @strawberry.field(
        description="Why, as `reasons` tells it, with who says so and with what plugins give as types of their own.",
        directives=[assumed(5)],
    )
    def typed_reasons(self) -> list[OfferReason]:
        """The reasons, whole."""
        return [
            OfferReason(reason=reason, spoken=self.spoken, recommender=reason.recommender)
            for reason in self.offer.reasons
        ]

    @strawberry.field(
        description="How the offer came about, stage by stage; empty but for the bank's staff.",
        directives=[assumed(50)],
    )
    def trace(self) -> list[TraceStep]:
        """The trace."""
        return trace_of(self.session, self.offer.trace)


@strawberry.type(description="Offers that belong together, with a common benefit.")
class Bundle:
    """A bundle."""

    rule: strawberry.Private[contract.BundleRule]
    spoken: strawberry.Private[Language]
    id: strawberry.ID = strawberry.field(
        description="Global id of the rule's bundle for this customer on this channel; clients keep it apart by that."
    )
    code: str = strawberry.field(description="The code of the rule that made the bundle.")
    offers: list[Offer] = strawberry.field(description="Its parts, the most important first.", directives=[assumed(10)])

    @classmethod
    def of(
        cls, session: Session, bundle: contract.Bundle, context: contract.Context, spoken: Language | None
    ) -> "Bundle":
        """Make the type of a bundle."""
        offers = [Offer.of(session, offer, context, spoken) for offer in bundle.offers]
        whose = f"{bundle.offers[0].customer_no}/{context.channel}/{bundle.rule.code}"
        return cls(
            rule=bundle.rule,
            spoken=spoken or Language.EN,
            id=global_id("Bundle", whose),
            code=bundle.rule.code,
            offers=offers,
        )

    @strawberry.field(description="What it is called.")
    def title(self, language: Spoken = None) -> str:
        """The title in a language."""
        return self.rule.title[language or self.spoken]

    @strawberry.field(description="What the customer gains by taking all of it.")
    def benefit(self, language: Spoken = None) -> str | None:
        """The benefit in a language."""
        return self.rule.benefit[language or self.spoken]


@strawberry.type(description="A gate that stopped a product.")
class Refusal:
    """A refusal."""

    refusal: strawberry.Private[contract.Refusal]
    gate: str = strawberry.field(description="Its group: eligibility, suitability, credit, consent or contact.")
    code: str = strawberry.field(description="Its stable name, such as RISK_TOO_HIGH.")
    saw: str = strawberry.field(description="The value the gate saw; `unknown` where it saw none.")

    @classmethod
    def of(cls, refusal: contract.Refusal) -> "Refusal":
        """Make the type of a refusal."""
        return cls(refusal=refusal, gate=refusal.gate, code=refusal.code, saw=refusal.saw)

    @strawberry.field(description="Why, in a sentence.")
    def text(self, language: Spoken = None) -> str:
        """The sentence in a language."""
        return self.refusal.text[language or Language.EN]

    @strawberry.field(description="The smallest change on the customer's side that would pass; null where none would.")
    def unlock(self, language: Spoken = None) -> str | None:
        """The change in a language."""
        return self.refusal.unlock[language or Language.EN] if self.refusal.unlock else None


@strawberry.type(description="Why one product is, or is not, offered to one customer.")
class Decision:
    """A decision."""

    session: strawberry.Private[Session]
    decision: strawberry.Private[contract.Decision]
    customer_no: str = strawberry.field(description="The customer.")
    offered: bool = strawberry.field(description="Whether it is offered.")
    rank: int | None = strawberry.field(description="Its rank among the customer's offers; null where not offered.")
    refusals: list[Refusal] = strawberry.field(
        description="Every gate that stops it, in their order.", directives=[assumed(20)]
    )

    @classmethod
    def of(cls, session: Session, decision: contract.Decision) -> "Decision":
        """Make the type of a decision."""
        return cls(
            session=session,
            decision=decision,
            customer_no=decision.customer_no,
            offered=decision.offered,
            rank=decision.rank,
            refusals=[Refusal.of(refusal) for refusal in decision.refusals],
        )

    @strawberry.field(description="The product.")
    def product(self) -> Product:
        """The decision's product."""
        return Product.of(self.session, self.decision.product)

    @strawberry.field(description="The first gate that stopped it; null where none did.")
    def stopped_by(self) -> Refusal | None:
        """The first refusal."""
        return self.refusals[0] if self.refusals else None

    @strawberry.field(description="How the decision came about, stage by stage.", directives=[assumed(50)])
    def trace(self) -> list[TraceStep]:
        """The trace."""
        return trace_of(self.session, self.decision.trace)
