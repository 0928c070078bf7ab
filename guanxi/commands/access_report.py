"""``guanxi access-report``: everything that is held on one customer."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api import access_reports
from graph import customers, products
from graph.audit_entries import AuditAction
from graph.errors import NotFound
from guanxi.auditing import record
from guanxi.opening import open_store
from guanxi.settings import Settings
from guanxi.writing import write_private
from recommenders.artefact import load_current
from recommenders.catalogue import Catalogue
from recommenders.insight import insights


def access_report(
    customer_no: Annotated[str, typer.Argument(help="The customer's number.")],
    output: Annotated[
        Path | None, typer.Option(help="File to write, for this user's eyes only; without it, the report is printed.")
    ] = None,
) -> None:
    """Tell everything that is held on a customer and derived of him, as JSON."""
    report = json.dumps(asyncio.run(_report(Settings(), customer_no)), ensure_ascii=False, indent=1)
    if output is None:
        typer.echo(report)
    else:
        write_private(output, f"{report}\n")


async def _report(settings: Settings, customer_no: str) -> Mapping[str, Any]:
    now, models = datetime.now(UTC), settings.models_dir
    async with open_store(settings) as store:
        found = await customers.load(store, [customer_no])
        if not found:
            raise NotFound("customer", customer_no)
        await record(settings, store, AuditAction.READ, "access-report", [customer_no])
        limits = settings.purpose_limits
        model = load_current(models, confined=limits.kinds)
        catalogue = Catalogue(await products.catalogue(store), limits)
        insight = insights(model, catalogue, found, now.date())[0]
        return await access_reports.access_report(
            store, found[0], insight, models, model.model_id if model else None, now
        )
