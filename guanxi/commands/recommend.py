"""``guanxi recommend``: offers for one customer, or for all into a file."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import polars as pl
import typer

from graph import customers
from graph.audit_entries import AuditAction
from graph.errors import GuanxiError, SettingsError
from graph.store import Store
from graph.words import Channel, Language
from guanxi.auditing import record
from guanxi.days import AsOf, day
from guanxi.deciding import open_engine
from guanxi.opening import open_store
from guanxi.reporting import customer_bar
from guanxi.settings import Settings
from recommenders.contract import Answer, Context
from recommenders.engine import Engine

PAGE: Final = 1_000
SCHEMA: Final = pl.Schema(
    {
        "customer_no": pl.String,
        "rank": pl.Int32,
        "product_code": pl.String,
        "score": pl.Float32,
        "propensity": pl.Float32,
        "recommenders": pl.String,
        "reason": pl.String,
    }
)


def recommend(
    customer: Annotated[str | None, typer.Option(help="One customer's number.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every customer.")] = False,
    top: Annotated[int, typer.Option(min=1, help="Offers a customer.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv or .parquet; without it, CSV is printed.")
    ] = None,
    channel: Annotated[
        Channel | None, typer.Option(help="Where they are to be shown; without it no channel has a say.")
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Recommend: one line an offer, best first; never a product that is held, unknown or refused by a gate."""
    if (customer is None) != everybody:
        raise SettingsError("Name either --customer NUMBER or --all.")
    if out is not None and out.suffix not in {".csv", ".parquet"}:
        raise SettingsError(f"{out} is neither .csv nor .parquet.")
    settings = Settings()
    count = asyncio.run(_recommend(settings, customer, Context(today=day(as_of), channel=channel, top=top), out))
    if out is not None:
        typer.echo(f"{out}: {count:,} offers.")


async def _recommend(settings: Settings, customer: str | None, context: Context, out: Path | None) -> int:
    count = 0
    async with open_store(settings) as store:
        engine = await open_engine(store, settings)
        total = 1 if customer else await customers.count(store)
        named, many = ([customer], {}) if customer else ([], {"customers": total})
        await record(settings, store, AuditAction.READ, "recommend", named, many)
        with _writer(out) as write, customer_bar(total) as advance:
            async for answers in _answers(store, engine, customer, context):
                rows = [row for answer in answers for row in _rows(answer)]
                write(pl.DataFrame(rows, SCHEMA, orient="row"))
                advance(len(answers))
                count += len(rows)
    return count


async def _answers(store: Store, engine: Engine, customer: str | None, context: Context) -> AsyncIterator[list[Answer]]:
    if customer is not None:
        yield engine.answer([await customers.one(store, customer)], context)
        return
    async for numbers in customers.pages(store, PAGE):
        yield engine.answer(await customers.load(store, numbers), context)


def _rows(answer: Answer) -> list[tuple[object, ...]]:
    return [
        (
            answer.customer_no,
            offer.rank,
            offer.product.product_code,
            offer.score,
            offer.propensity,
            "|".join(offer.recommenders),
            offer.reasons[0].text[Language.EN] if offer.reasons else None,
        )
        for offer in answer.offers
    ]


@contextmanager
def _writer(out: Path | None) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield a function that appends frames; the file appears whole at the end, or not at all."""
    if out is None:
        headers = iter([True])
        yield lambda frame: typer.echo(frame.write_csv(include_header=next(headers, False)), nl=False)
        return
    lines, whole = out.with_name(f".{out.name}.lines"), out.with_name(f".{out.name}.whole")
    try:
        with lines.open("w", encoding="utf-8") as file:
            file.write(",".join(SCHEMA) + "\n")
            yield lambda frame: frame.write_csv(file, include_header=False)
        if out.suffix == ".parquet":
            pl.scan_csv(lines, schema=SCHEMA).sink_parquet(whole)
            whole.replace(out)
        else:
            lines.replace(out)
    except OSError as error:
        raise GuanxiError(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        lines.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)
