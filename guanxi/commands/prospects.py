"""``guanxi prospects``: the customers most likely to take a product, or most like a list of customers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import polars as pl
import typer

from graph import browsing, customers
from graph.audit_entries import AuditAction
from graph.errors import GuanxiError, NotFound, SettingsError
from graph.filters import EVERYBODY, Column, Compared, Operator
from graph.records import Customer
from graph.store import Store
from guanxi.auditing import record
from guanxi.days import AsOf, day
from guanxi.deciding import open_engine
from guanxi.opening import open_store
from guanxi.reporting import customer_bar
from guanxi.settings import Settings
from loaders import csv_records
from recommenders import lookalikes, prospect_lists
from recommenders.artefact import current_id
from recommenders.contract import Context
from recommenders.engine import Engine
from recommenders.prospects import Campaign, Prospect, Tally, foreseen, look, swing_of

PAGE: Final = 1_000
NUMBERS: Final = 10_000


def prospects(
    product_code: Annotated[str | None, typer.Argument(metavar="PRODUCT", help="The product's code.")] = None,
    like: Annotated[
        Path | None, typer.Option(help="A CSV file with a column customer_no: find customers like these instead.")
    ] = None,
    store_all: Annotated[
        bool, typer.Option("--store", help="Keep every product's prospects, of the bank and of each book, for the API.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="How many customers to list.")] = 100,
    region: Annotated[str | None, typer.Option(help="Of this region only.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv or .parquet; without it, CSV is printed.")
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Find prospects: the likeliest first, with the takers and the value to expect; none whom a gate refuses."""
    if (product_code is not None) + (like is not None) + store_all != 1:
        raise SettingsError("Name a PRODUCT, or --like FILE, or --store.")
    if out is not None and out.suffix not in {".csv", ".parquet"}:
        raise SettingsError(f"{out} is neither .csv nor .parquet.")
    settings, context = Settings(), Context(today=day(as_of), channel=None)
    if product_code is not None:
        frame, told = asyncio.run(_of_product(settings, product_code, top, region, context))
    elif like is not None:
        frame, told = asyncio.run(_like(settings, _listed(like), top, region, context))
    else:
        typer.echo(asyncio.run(_store(settings, context)))
        return
    _write(frame, out)
    typer.echo("\n".join(told), err=out is None)


async def _of_product(
    settings: Settings, product_code: str, top: int, region: str | None, context: Context
) -> tuple[pl.DataFrame, list[str]]:
    async with open_store(settings) as store:
        engine = await open_engine(store, settings)
        column = foreseen(engine, product_code)
        tally = Tally.of_bank(top, swing_of(engine))
        async for records in _pages(store, region):
            tally.add(look(engine, records, context), column, np.arange(len(records)))
        _refuse_nobody(tally.customers, region)
        best = tally.best()
        await _record(settings, store, best, {"product": product_code})
    value = float(engine.arbitration.values()[column])
    chances = np.array([prospect.propensity for prospect in best], np.float64)
    frame = pl.DataFrame({
        "rank": np.arange(1, len(best) + 1, dtype=np.int32),
        "customer_no": pl.Series([prospect.customer_no for prospect in best], dtype=pl.String),
        "propensity": chances.astype(np.float32),
        "expected_takers": chances.cumsum(),
        "expected_value": chances.cumsum() * value,
    })  # fmt: skip
    return frame, _told(engine, product_code, tally, value)


def _told(engine: Engine, product_code: str, tally: Tally, value: float) -> list[str]:
    product, horizon = engine.catalogue[product_code], engine.ranker.horizon if engine.ranker else ""
    priced = (
        ""
        if product.margin is not None
        else " (no margin known: the median of its category, else of the catalogue, else 1)"
    )
    refused = ", ".join(f"{code} {count:,}" for code, count in tally.refused.most_common())
    return [
        f"{product.name} ({product_code}): {tally.eligible:,} of {tally.customers:,} customers may be offered it"
        + (f"; refused by {refused}." if refused else "."),
        f"Propensity is the chance {horizon}; a taker is worth {value:,.2f} a year{priced}.",
        *(_line(campaign, value) for campaign in tally.campaigns()),
    ]


def _line(campaign: Campaign, value: float) -> str:
    low, high = campaign.interval
    return (
        f"Best {campaign.customers:>9,}: {campaign.takers:,.1f} takers ({low:,.1f} to {high:,.1f}), "
        f"worth {campaign.takers * value:,.0f} ({low * value:,.0f} to {high * value:,.0f})"
    )


async def _like(
    settings: Settings, listed: list[str], top: int, region: str | None, context: Context
) -> tuple[pl.DataFrame, list[str]]:
    async with open_store(settings) as store:
        engine = await open_engine(store, settings)
        everybody = [number async for numbers in customers.pages(store, NUMBERS) for number in numbers]
        others = lookalikes.draw_others(listed, everybody)
        learnt = await lookalikes.learn(partial(customers.load, store), engine, listed, others, context)
        tally = Tally(top)
        ours = set(listed)
        async for records in _pages(store, region):
            rest = [record for record in records if record.customer_no not in ours]
            if rest:
                tally.add(learnt.look(engine, rest, context), 0, np.arange(len(rest)))
        _refuse_nobody(tally.customers, region)
        best = tally.best()
        await _record(settings, store, best, {"like": len(listed)})
    frame = pl.DataFrame({
        "rank": np.arange(1, len(best) + 1, dtype=np.int32),
        "customer_no": pl.Series([prospect.customer_no for prospect in best], dtype=pl.String),
        "likeness": np.array([prospect.propensity for prospect in best], np.float32),
    })  # fmt: skip
    refused = ", ".join(f"{code} {count:,}" for code, count in tally.refused.most_common())
    told = f"{tally.eligible:,} of {tally.customers:,} other customers may be approached"
    return frame, [told + (f"; refused by {refused}." if refused else "."), *learnt.told()]


def _listed(path: Path) -> list[str]:
    if "customer_no" not in csv_records.header(path):
        raise SettingsError(f"{path} has no column customer_no.")
    columns = (frame["customer_no"].drop_nulls() for frame in csv_records.frames(path))
    return list(dict.fromkeys(number for column in columns for number in column))


async def _store(settings: Settings, context: Context) -> str:
    async with open_store(settings) as store:
        engine = await open_engine(store, settings)
        tallies = await prospect_lists.search(engine, _pages(store, None), context)
        products = {"products": len({code for code, _ in tallies})}
        await record(settings, store, AuditAction.WRITE, "prospects", details=products)
    path = prospect_lists.write(settings.models_dir, context.today, current_id(settings.models_dir) or "", tallies)
    return f"{path}: the prospects of {len({code for code, _ in tallies})} products."


async def _record(settings: Settings, store: Store, best: Sequence[Prospect], details: dict[str, Any]) -> None:
    named = [prospect.customer_no for prospect in best]
    await record(settings, store, AuditAction.READ, "prospects", named, details)


async def _pages(store: Store, region: str | None) -> AsyncIterator[list[Customer]]:
    wanted = EVERYBODY if region is None else Compared(Column.REGION, Operator.EQ, region)
    with customer_bar(await browsing.count(store, wanted)) as advance:
        async for numbers in customers.pages(store, PAGE, region):
            yield await customers.load(store, numbers)
            advance(len(numbers))


def _refuse_nobody(count: int, region: str | None) -> None:
    if count:
        return
    if region is not None:
        raise NotFound("customer of the region", region)
    raise GuanxiError("There are no customers to look among; run guanxi load first.")


def _write(frame: pl.DataFrame, out: Path | None) -> None:
    if out is None:
        typer.echo(frame.write_csv(), nl=False)
        return
    whole = out.with_name(f".{out.name}.whole")
    try:
        if out.suffix == ".parquet":
            frame.write_parquet(whole)
        else:
            frame.write_csv(whole)
        whole.replace(out)
    except OSError as error:
        raise GuanxiError(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        whole.unlink(missing_ok=True)
