"""``guanxi plugins evaluate``: whether a plugin makes the bank's recommendations better, told by what came after."""

import json
import logging
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from graph.errors import PluginError
from guanxi.days import AsOf, day
from guanxi.settings import Settings
from plugins.failures.telling import told


def evaluate(
    plugin: Annotated[str, typer.Argument(metavar="PATH|NAME", help="The plugin's file or folder, or a loaded one.")],
    as_of: AsOf = None,
    top: Annotated[int, typer.Option(min=1, help="Length of the lists that are judged (k).")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Learn from the past alone, without a plugin and with it, and score what came after. Exit code 1: it fails."""
    # the engine's libraries take seconds to import, and other commands need none of them
    from guanxi.bank import Bank
    from guanxi.enduring import enduring, untold
    from guanxi.evaluating import evaluate_plugin, plugin_of
    from guanxi.reporting import reading_bar

    logging.getLogger("guanxi.plugins").setLevel(logging.CRITICAL)  # what it would tell is found and told
    with enduring() as ends, Bank(Settings(), today=day(as_of)) as bank:
        try:
            info = plugin_of(bank, plugin)
        except PluginError as error:
            typer.echo(error, err=True)
            return 1
        with reading_bar() as progress:
            found = evaluate_plugin(bank, info, top, progress)
        found["failures"].extend(told(end) for end in untold(ends, found["failures"]))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _print(found)
    for failure in found["failures"]:
        typer.echo(f"{info.name} fails: {failure}", err=True)
    return 1 if ends or found["failures"] else 0


def _print(found: dict[str, Any]) -> None:
    console = Console(width=None if Console().is_terminal else 120)
    split, k, today = found["split"], found["top"], found["today"]
    until = "" if split["scored_until"] is None else f" until {split['scored_until']}"
    console.print(
        f"Learnt as of {split['learnt_until']}, without {found['plugin']} and with it; scored by "
        f"{found['openings']:,} openings of {found['openers']:,} customers{until}."
    )
    table = Table("", "", "without", "with", "difference (95 %)")
    for system, metrics in found["metrics"].items():
        for metric in (f"map@{k}", f"ndcg@{k}", "hr@1", f"hr@{k}", f"recall@{k}", "mrr"):
            own = metrics[metric]
            difference = "{mean:+.3f} ({low:+.3f} to {high:+.3f})".format(**own["difference"])
            table.add_row(system, metric, f"{own['without']:.3f}", f"{own['with']:.3f}", difference)
    console.print(table)
    console.print(
        f"On {found['as_of']}: {today['changed']:,} of {today['customers']:,} customers have other offers among their "
        f"best {today['top']}, {today['gained']:,} of them an offer that they did not have."
    )
    for code, more in today["products"].items():
        console.print(f"{code}: {more:+,} customers")
