"""``guanxi explain``: why this, and why not that."""

import asyncio
from typing import Annotated

import typer

from graph import customers
from graph.audit_entries import AuditAction
from graph.words import Channel, Language
from guanxi.auditing import record
from guanxi.days import AsOf, day
from guanxi.deciding import open_engine
from guanxi.opening import open_store
from guanxi.settings import Settings
from recommenders.contract import Answer, Context, Decision, Offer


def explain(
    customer_no: Annotated[str, typer.Argument(help="The customer's number.")],
    product_code: Annotated[str | None, typer.Argument(help="A product, to hear why it is offered or not.")] = None,
    channel: Annotated[Channel, typer.Option(help="The channel of the offers.")] = Channel.MOBILE,
    top: Annotated[int, typer.Option(min=1, help="How many offers to explain.")] = 3,
    as_of: AsOf = None,
) -> None:
    """Explain a customer's offers, or one product's decision, stage by stage."""
    context = Context(today=day(as_of), channel=channel, top=top)
    told = asyncio.run(_told(Settings(), customer_no, product_code, context))
    typer.echo(_decision(told) if isinstance(told, Decision) else _answer(told))


async def _told(settings: Settings, customer_no: str, product_code: str | None, context: Context) -> Answer | Decision:
    async with open_store(settings) as store:
        customer = await customers.one(store, customer_no)
        await record(settings, store, AuditAction.READ, "explain", [customer_no])
        engine = await open_engine(store, settings)
        if product_code is None:
            return engine.answer([customer], context)[0]
        return engine.decide(customer, product_code, context)


def _answer(answer: Answer) -> str:
    if not answer.offers:
        return (
            f"{answer.customer_no} is offered nothing. Ask about one product: guanxi explain {answer.customer_no} CODE"
        )
    lines = [line for offer in answer.offers for line in _offer(offer)]
    for bundle in answer.bundles:
        parts = " + ".join(offer.product.name for offer in bundle.offers)
        benefit = bundle.rule.benefit[Language.EN].removesuffix(".")
        lines.append(f"Bundle {bundle.rule.title[Language.EN]}: {parts}. {benefit}.")
    return "\n".join(lines)


def _offer(offer: Offer) -> list[str]:
    reasons = [f"   “{reason.text[Language.EN]}” / “{reason.text[Language.ZH]}”" for reason in offer.reasons]
    steps = [f"   {step.stage:>10}: {step.text}" for step in offer.trace]
    return [f"{offer.rank}. {offer.product.name} ({offer.product.product_code})", *reasons, *steps]


def _decision(decision: Decision) -> str:
    name = f"{decision.product.name} ({decision.product.product_code})"
    if decision.offered:
        head = f"{name} is offered to {decision.customer_no}, at rank {decision.rank}."
    elif decision.refusals:
        first = decision.refusals[0]
        head = f"{name} is not offered to {decision.customer_no}: {first.text[Language.EN]}"
        if first.unlock is not None:
            head += f" What would unlock it: {first.unlock[Language.EN]}."
    else:
        head = f"{name} is not offered to {decision.customer_no}: no recommender proposes it."
    return "\n".join([head, *(f"   {step.stage:>10}: {step.text}" for step in decision.trace)])
