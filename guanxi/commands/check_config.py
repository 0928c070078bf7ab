"""``guanxi check-config``: whether the settings may serve a bank."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from graph.errors import SettingsError
from guanxi.hardening import findings
from guanxi.plugin_loading import load_plugins, slips
from guanxi.settings import Settings
from guanxi.token_rules import token_rules


def check_config() -> int:
    """Check the settings for production. Exit code 0: they may serve; 1: something must not be, and is named."""
    found = _found()
    for line in found:
        typer.echo(line)
    if not found:
        typer.echo("The settings may serve in production.")
    return 1 if found else 0


def _found() -> list[str]:
    try:
        settings = Settings()
    except ValidationError as error:
        return [f"The setting {'.'.join(map(str, fault['loc']))} is wrong: {fault['msg']}." for fault in error.errors()]
    found = [str(finding) for finding in findings(settings)]
    with _telling(found):
        token_rules(settings)
    with _telling(found):
        host = load_plugins(settings)
        host.close()
        found += slips(settings, host)
    return found


@contextmanager
def _telling(found: list[str]) -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        found.append(str(error))
