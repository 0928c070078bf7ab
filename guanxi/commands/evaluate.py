"""``guanxi evaluate``: how good the bank's recommendations are, told by what came after."""

import asyncio
import json
import math
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import polars as pl
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from graph import portfolio
from graph.errors import GuanxiError, LoadError
from guanxi.days import AsOf, day
from guanxi.insight_lines import insight_lines
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.reading import read_catalogue, read_lives
from guanxi.reporting import reading_bar
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from plugins.deciding import build_engine
from recommenders.evaluation import Report
from recommenders.evaluation_page import page, silent, spoke, undated
from recommenders.fairness import failures
from recommenders.portfolio import Ledger
from recommenders.training import read_ledger
from recommenders.trial import report, run, split_bank, split_given

HOLDOUT: Final = ("customer_no", "product_code")
ALWAYS: Final = ("gender",)
"""What groups are told of, whatever the settings."""
NAMED: Final = 5


def evaluate(
    as_of: AsOf = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for evaluation.json and evaluation.html; by default in GUANXI_HOME.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="CSV with customer_no and product_code: what was opened after --as-of.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Length of the lists that are judged (k).")] = 7,
    protected: Annotated[
        str,
        typer.Option(help="More columns, separated by commas, to compare groups by, beside gender and the setting."),
    ] = "",
    max_gap: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fail when an offer or hit rate differs more between groups.")
    ] = None,
    max_proxy: Annotated[
        float | None, typer.Option(min=0.5, max=1, help="Fail when a feature or path tells a group with a higher AUC.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> int:
    """Learn from the past alone, and score what came after. Exit code 1: a gap or proxy is above what is allowed."""
    settings = Settings()
    named = [name.strip() for name in protected.split(",") if name.strip()]
    attributes = tuple(dict.fromkeys([*ALWAYS, *settings.protected, *named]))
    folder = out or settings.home / "evaluation"
    truth = None if holdout is None else _read(holdout)
    found = asyncio.run(_evaluate(settings, day(as_of), top, attributes, truth))
    found["failures"] = failures(found["fairness"], max_gap, max_proxy)
    _write(folder, found)
    if as_json:
        typer.echo(_json(found))
    else:
        _print(found, top, folder)
    for failure in found["failures"]:
        typer.echo(failure, err=True)
    return 1 if found["failures"] else 0


async def _evaluate(
    settings: Settings, today: date, top: int, attributes: tuple[str, ...], truth: pl.DataFrame | None
) -> Report:
    async with open_store(settings) as store:
        catalogue = await read_catalogue(store, settings)
        host = await take_stored(store, load_plugins(settings))
        lives = await read_lives(store, settings)
        with reading_bar() as progress:
            ledger = await read_ledger(store, catalogue, partial(progress, "portfolio"))
            load = partial(portfolio.load, store)
            told: dict[str, Any] | None = None
            if truth is None:
                split = split_bank(ledger, load, today)
            else:
                pairs, told = _known(truth, ledger)
                split = split_given(ledger, load, today, pairs)
            trial = await run(
                split,
                host.recommenders(),
                lambda model: build_engine(catalogue, host, model, lives),
                attributes,
                guard=host.recommending.guard,
                protected=settings.protected,
                unranked=lives.unranked(host),
                progress=progress,
            )
        return report(trial, today, top) | {"holdout": told}


def _read(path: Path) -> pl.DataFrame:
    """Return the holdout's pairs.

    Raises:
        LoadError: it cannot be read, or has other columns.
    """
    try:
        rows = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LoadError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}.") from error
    missing = [name for name in HOLDOUT if name not in rows.columns]
    if missing:
        raise LoadError(f"{path} has no column {' and no '.join(missing)}; it has {', '.join(rows.columns)}.")
    return rows.select(HOLDOUT).drop_nulls().unique(maintain_order=True)


def _known(truth: pl.DataFrame, ledger: Ledger) -> tuple[NDArray[np.int32], dict[str, Any]]:
    """Return the pairs of customers and products that the bank has, and say which it has not."""
    rows = {number: row for row, number in enumerate(ledger.customer_nos)}
    columns = ledger.catalogue.index
    pairs = [(rows[who], columns[what]) for who, what in truth.iter_rows() if who in rows and what in columns]
    strangers = [
        list(dict.fromkeys(key for key in truth[name] if key not in known))
        for name, known in zip(HOLDOUT, (rows, columns), strict=True)
    ]
    for kind, keys in zip(("customers", "products"), strangers, strict=True):
        if keys:
            more = ", …" if len(keys) > NAMED else ""
            typer.echo(f"The bank has no such {kind}: {', '.join(keys[:NAMED])}{more} ({len(keys)}).", err=True)
    if not pairs:
        raise GuanxiError("There is nothing to evaluate: the bank has no pair of the holdout, whose customers and "
                          "products must be those that guanxi load read.")  # fmt: skip
    told = {"pairs": len(truth), "known": len(pairs)}
    told |= {"unknown_customers": len(strangers[0]), "unknown_products": len(strangers[1])}
    return np.array(pairs, np.int32), told


def _write(folder: Path, found: Report) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "evaluation.json").write_text(_json(found) + "\n", encoding="utf-8")
        (folder / "evaluation.html").write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise GuanxiError(f"{folder} cannot be written: {error.strerror}.") from error


def _json(found: Report) -> str:
    return json.dumps(_plain(found), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Take what is no number for unknown: JSON has no nan."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print(found: Report, top: int, folder: Path) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    split, metrics = found["split"], (f"map@{top}", f"ndcg@{top}", "hr@1", f"hr@{top}", f"recall@{top}", "mrr")
    console.print(_split(found, split))
    table = Table(
        "",
        *metrics,
        f"map@{top} beside {found['baseline'] or 'popularity'}",
        "coverage",
        "calibration error",
        "foreseen / seen",
    )
    for name, system in spoke(found).items():
        each = [f"{system['metrics'][metric]['mean']:.3f}" for metric in metrics]
        table.add_row(name, *each, _beside(system, f"map@{top}"), f"{system['coverage']:.2f}",
                      *_calibration(system["calibration"]))  # fmt: skip
    console.print(table)
    for said in filter(None, (silent(found), undated(found))):
        console.print(said)
    console.print(_reliability(found["reliability"]))
    if found["segments"]:
        shown = [name for name in (found["baseline"], "ranker", "engine") if name]
        table = Table("segment", "customers", "who opened", *(f"map@{top} of {name}" for name in shown))
        for segment, each in found["segments"].items():
            means = [_interval(each["systems"][name][f"map@{top}"]) for name in shown]
            table.add_row(segment, f"{each['customers']:,}", f"{each['openers']:,}", *means)
        console.print(table)
    gates = found["gates"]
    by_gate = ", ".join(f"{code} {share:.1%}" for code, share in gates["by_gate"].items())
    console.print(f"Gates refused {gates['refused']:.1%} of what was opened{': ' + by_gate if by_gate else ''}.")
    for line in insight_lines(found["insights"]):
        console.print(line)
    for attribute, each in found["fairness"].items():
        console.print(_fairness(attribute, each))
    console.print(f"Report: {folder / 'evaluation.html'}", soft_wrap=True)


def _split(found: Report, split: dict[str, Any]) -> str:
    how = {
        "time": f"Learnt until {split['learnt_until']}; scored by what was opened until {split['scored_until']}",
        "hidden": f"Learnt on {split['learnt_until']} with one holding of each hidden, as they have no dates",
        "holdout": f"Learnt until {split['learnt_until']}; scored by the holdout",
    }[split["how"]]
    return f"{how}: {found['openings']:,} openings of {found['openers']:,} customers, {found['customers']:,} looked at."


def _beside(system: dict[str, Any], metric: str) -> str:
    found = (system["beside_popularity"] or {}).get(metric)
    return "" if found is None else f"{found['mean']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"


def _calibration(found: dict[str, float] | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    return f"{found['error']:.5f}", f"{found['foreseen']:,.0f} / {found['seen']:,.0f}"


def _reliability(found: dict[str, Any]) -> str:
    alone, pooled = found["products"], len(found["pooled"]["products"])
    if not alone:
        return f"Reliability is told of all products together: none has {found['least']} openings."
    worst = max(alone, key=lambda each: each["error"])
    error, beside = _calibration(worst)
    return (
        f"Reliability: of {len(alone)} products with {found['least']} openings or more, {worst['product']} is furthest "
        f"off (error {error}, foreseen / seen {beside}); {pooled} are pooled."
    )


def _interval(found: dict[str, float]) -> str:
    return f"{found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _fairness(attribute: str, each: dict[str, Any]) -> str:
    if len(each["groups"]) < 2:
        return f"{attribute}: no two groups of 20 people are known of it."
    gaps, proxies = each["gaps"], each["proxies"]
    widest = max(gaps, key=lambda gap: gap["gap"])
    best = (
        ""
        if not proxies["found"]
        else f"; told best by {proxies['found'][0]['name']} (AUC {proxies['found'][0]['auc']:.3f})"
    )
    together = "" if proxies["together"] is None else f", by all features together with {proxies['together']:.3f}"
    own = "; it is itself a feature" if proxies["is_feature"] else ""
    return (
        f"{attribute}: widest gap {widest['gap']:.3f}: {widest['of']} ({widest['list']}), {widest['lowest']} to "
        f"{widest['highest']}{best}{together}{own}."
    )
