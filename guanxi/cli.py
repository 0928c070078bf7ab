"""The command ``guanxi``: puts the commands together and turns errors into one line and an exit code."""

import logging
import sys
from importlib.metadata import packages_distributions
from typing import Final

import typer
from pydantic import ValidationError

from graph.errors import GuanxiError
from guanxi.commands import check, demo, explain, load, plugins, recommend, sample, segments, serve, token, train
from guanxi.commands import format as format_command

OWN_PACKAGES: Final = ("api", "graph", "guanxi", "loaders", "plugins", "recommenders")

app = typer.Typer(
    name="guanxi",
    help="Know the bank's customers and offer each one the right thing next.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("sample")(sample.sample)
app.command("format")(format_command.format_)
app.command("check")(check.check)
app.command("load")(load.load)
app.command("train")(train.train)
app.command("recommend")(recommend.recommend)
app.command("explain")(explain.explain)
app.command("segments")(segments.segments)
app.command("plugins")(plugins.plugins)
app.command("serve")(serve.serve)
app.command("token")(token.token)


def main() -> None:
    """Run the command line: 0 done, 1 done in part, 2 nothing done, 130 interrupted."""
    logging.getLogger("neo4j").setLevel(logging.ERROR)  # it tells of every retry; what comes of them is an error
    try:
        refuse_intruders()
        status = app(standalone_mode=False)
    except GuanxiError as error:
        fail(str(error), 2)
    except ValidationError as error:
        fault = error.errors()[0]
        fail(f"The setting {'.'.join(map(str, fault['loc']))} is wrong: {fault['msg']}.", 2)
    except typer.TyperException as error:
        fail(error.format_message(), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        fail("Interrupted.", 130)
    sys.exit(status if isinstance(status, int) else 0)


def fail(text: str, code: int) -> None:
    """Say one line on standard error and exit."""
    typer.echo(text, err=True)
    sys.exit(code)


def refuse_intruders() -> None:
    """Stop when another distribution has put a package of our name in this environment.

    Raises:
        GuanxiError: names the intruder and the cure.
    """
    providers = packages_distributions()
    for package in OWN_PACKAGES:
        for intruder in sorted({name for name in providers.get(package, ()) if name != "guanxi"}):
            raise GuanxiError(
                f"The distribution {intruder!r} also installs a package named {package!r}; "
                "install guanxi in a virtual environment of its own."
            )
