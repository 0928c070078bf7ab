"""``guanxi erasures``: who was erased, without saying who; and whether a number was."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from graph import erasures as stored
from graph.audit_entries import AuditAction
from guanxi.auditing import record
from guanxi.opening import open_store
from guanxi.secret_files import erasure_secret
from guanxi.settings import Settings


def erasures(
    customer: Annotated[str | None, typer.Option(help="The number that an erased customer had.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List the proofs of erasures, or those of one number. Exit code 1: that number was never erased."""
    found = asyncio.run(_found(Settings(), customer))
    if as_json:
        typer.echo(json.dumps([asdict(proof) for proof in found], default=str, indent=1))
    for proof in [] if as_json else found:
        typer.echo(f"{proof.at:%Y-%m-%d %H:%M} {proof.erasure_id} by {proof.by}: {proof.reason}")
    return 1 if customer is not None and not found else 0


async def _found(settings: Settings, customer_no: str | None) -> list[stored.Erasure]:
    async with open_store(settings) as store:
        if customer_no is None:
            return await stored.erasures(store)
        secret = erasure_secret(settings)
        await stored.check_secret(store, secret)
        await record(settings, store, AuditAction.READ, "erasures", [customer_no])
        return await stored.erasures(store, stored.digest(secret, customer_no))
