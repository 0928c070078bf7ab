"""``guanxi access-report``: everything that is held on one customer."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api import access_reports
from graph import customers
from graph.audit_entries import AuditAction
from guanxi.auditing import record
from guanxi.deciding import model_in_force
from guanxi.opening import open_store
from guanxi.reading import read_catalogue
from guanxi.settings import Settings
from guanxi.writing import write_private
from recommenders.telling import insights


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
        found = await customers.one(store, customer_no)
        await record(settings, store, AuditAction.READ, "access-report", [customer_no])
        model = model_in_force(settings)
        insight = insights(model, await read_catalogue(store, settings), [found], now.date())[0]
        return await access_reports.access_report(store, found, insight, models, model.model_id if model else None, now)
