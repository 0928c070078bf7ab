"""The command ``guanxi``: puts the commands together and turns errors into one line and an exit code."""

import logging
import re
import sys
from importlib.metadata import distributions, version
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from graph.errors import GuanxiError, SettingsError
from guanxi.plugin_commands import PANEL, broken, listed, made, plugin_commands, shipped_commands, tell_failure

OWN_PACKAGES: Final = ("api", "graph", "guanxi", "loaders", "plugins", "recommenders")
OURS: Final = re.compile(rf"^({'|'.join(OWN_PACKAGES)})[/.]", re.MULTILINE)
"""A line of a distribution's RECORD that is about a package, or module, of our name."""
INTERRUPTED: Final = 130
OWNER: Final = "guanxi.owner"
"""Where a command's context has the plugin that it is of."""


class LazyGroup(TyperGroup):
    """Imports a command's module when that command is run: the engine's libraries take seconds, and few need them.

    Plugins are loaded for the help, and for a name that is none of ours.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as TyperGroup has it
        """Return the names of all commands, plugins' last."""
        return [*shipped_commands(), *plugin_commands()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as TyperGroup has it
        """Return a command as it is listed."""
        if cmd_name in shipped_commands():
            return listed(shipped_commands()[cmd_name])
        found = plugin_commands().get(cmd_name)
        return listed(found[0], PANEL) if found else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the first argument names."""
        self.commands = {name: listed(command) for name, command in shipped_commands().items()}  # to be suggested
        try:
            name, _, rest = super().resolve_command(ctx, args)
        except typer.TyperException as error:
            raise SettingsError(f"{error.format_message()} {broken()}".strip()) from error
        if name is None:
            return name, None, rest
        if name in shipped_commands():
            return name, made(shipped_commands()[name]), rest
        command, ctx.meta[OWNER] = plugin_commands()[name]
        return name, made(command), rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what one of a plugin raises is told in one line, and its exit code is 1."""
        try:
            return super().invoke(ctx)
        except (GuanxiError, typer.TyperException, typer.Abort, typer.Exit):
            raise
        except Exception as error:
            if OWNER not in ctx.meta:
                raise
            tell_failure(ctx.meta[OWNER], error)
            return 1


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
        status = INTERRUPTED
    if status == INTERRUPTED:  # which typer makes of Ctrl-C itself
        fail("Interrupted.", INTERRUPTED)
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
