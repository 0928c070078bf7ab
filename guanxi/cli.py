"""The command ``guanxi``: puts the commands together and turns errors into one line and an exit code."""

import logging
import re
import sys
from importlib import import_module
from importlib.metadata import distributions, version
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from graph.errors import GuanxiError

OWN_PACKAGES: Final = ("api", "graph", "guanxi", "loaders", "plugins", "recommenders")
OURS: Final = re.compile(rf"^({'|'.join(OWN_PACKAGES)})[/.]", re.MULTILINE)
"""A line of a distribution's RECORD that is about a package, or module, of our name."""
FUNCTIONS: Final = {"format": "format_", "check-config": "check_config", "access-report": "access_report"}
"""The functions that are not named as their command: Python has the name, or cannot."""
COMMANDS: Final = {
    "demo": "Load a sample bank, train, serve it, and print a token for each role and a query for each kind of user.",
    "sample": "Write a sample bank: persons, families, firms, students and retailers, in the bank directory format.",
    "format": "Print the documentation of the bank directory, as Markdown.",
    "check": "Validate a bank's files by themselves. Exit code 0: all rows are good; 1: some are not; 2: unreadable.",
    "load": "Load a bank's files. Exit code 0: all loaded; 1: some rows rejected; 2: nothing written.",
    "train": "Learn from the graph and put the new model in force, under GUANXI_HOME/models.",
    "evaluate": "Learn from the past alone, and score what came after. Exit code 1: a gap or proxy is above what is "
    "allowed.",
    "recommend": "Recommend: one line an offer, best first; never a product that is held, unknown or refused "
    "by a gate.",
    "prospects": "Find prospects: the likeliest first, with the takers and the value to expect; none whom a gate "
    "refuses.",
    "explain": "Explain a customer's offers, or one product's decision, stage by stage.",
    "consents": "Tell what a customer consents to, by purpose and channel, and what he said of it, the latest first.",
    "models": "List models, show one, or say which is live. Exit code 1: one is broken, or --check found a change.",
    "segments": "Describe the segments of the model in force. Exit code 1 where there are none.",
    "plugins": "List the plugins, write a new one, or check one. Exit code 1 when one is broken, or fails a check.",
    "deputies": "List the managers who see another's book until a day, grant that, or revoke it.",
    "stages": "Note each customer's lifecycle stage, and tell webhooks which have changed; run it daily, after load.",
    "access-report": "Tell everything that is held on a customer and derived of him, as JSON.",
    "erase": "Erase a customer for good and keep a proof; run again, it answers with that proof.",
    "erasures": "List the proofs of erasures, or those of one number. Exit code 1: that number was never erased.",
    "retention": "Remove what is older than the settings GUANXI_KEEP_… say; customers are erased, with a proof.",
    "audit": "List, verify or prune the audit log. Exit code 1: it is not what was recorded, and how is said.",
    "check-config": "Check the settings for production. Exit code 0: they may serve; 1: something must not be, and "
    "is named.",
    "documents": "Register an app's operations. Exit code 2, and nothing written: one is not valid, or beyond a limit.",
    "serve": "Serve GraphQL at /graphql, and health at /healthz and /readyz.",
    "token": "Print a token, in development mode only (GUANXI_DEVELOPMENT=1).",
}
"""What ``guanxi --help`` says of each, so that it need not import them all: the first line of its own help."""


class LazyGroup(TyperGroup):
    """Imports a command's module when that command is run: the engine's libraries take seconds, and few need them."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the first argument names."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, command(name) if name else None, rest


def command(name: str) -> Any:
    """Return a command, imported."""
    module = import_module(f"guanxi.commands.{name.replace('-', '_')}")
    found = getattr(module, FUNCTIONS.get(name, name))
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


def tell_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"guanxi {version('guanxi')}")
        raise typer.Exit


app = typer.Typer(name="guanxi", cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def guanxi(
    _: Annotated[
        bool, typer.Option("--version", callback=tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Know the bank's customers and offer each one the right thing next."""


for name, help_ in COMMANDS.items():
    app.command(name, help=help_)(lambda: None)


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
    for distribution in distributions():
        found = OURS.search(distribution.read_text("RECORD") or "")
        if found and distribution.name != "guanxi":
            raise GuanxiError(
                f"The distribution {distribution.name!r} also installs a package named {found[1]!r}; "
                "install guanxi in a virtual environment of its own."
            )
