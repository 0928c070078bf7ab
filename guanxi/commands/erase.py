"""``guanxi erase``: a customer's data go for good, and a proof stays."""

import asyncio
import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from graph.audit_entries import AuditAction
from graph.erasures import LONGEST_REASON, Erasure, Order
from graph.errors import SettingsError
from guanxi.auditing import record
from guanxi.opening import open_store
from guanxi.removing import Yes, ask, told_counts
from guanxi.secret_files import erasure_secret
from guanxi.settings import Settings
from recommenders.erasing import erase as erase_everywhere


def erase(
    customer_no: Annotated[str, typer.Argument(help="The customer's number.")],
    reason: Annotated[
        str, typer.Option(help=f"Why, {LONGEST_REASON} characters at most; kept with the proof, so name nobody.")
    ],
    yes: Yes = False,
    despite_open_holdings: Annotated[
        bool,
        typer.Option(
            "--despite-open-holdings", help="Even with credit, an account or a guarantee open; else it is refused."
        ),
    ] = False,
) -> None:
    """Erase a customer for good and keep a proof; run again, it answers with that proof."""
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise SettingsError(f"A reason has 1 to {LONGEST_REASON} characters.")
    if not yes:
        ask(f"Erase {customer_no} for good?")
    order = Order(customer_no, getpass.getuser(), reason, datetime.now(UTC), despite_open_holdings)
    erased = asyncio.run(_erase(Settings(), order))
    removed = told_counts(erased.counts) or "nothing but the customer"
    typer.echo(f"Erased on {erased.at:%Y-%m-%d}; removed: {removed}.")
    typer.echo(f"Proof: {erased.erasure_id}")


async def _erase(settings: Settings, order: Order) -> Erasure:
    async with open_store(settings) as store:
        proof = await erase_everywhere(store, settings.models_dir, order, erasure_secret(settings))
        details = {"erasure": proof.erasure_id}
        await record(settings, store, AuditAction.WRITE, "erase", [order.customer_no], details)
        return proof
