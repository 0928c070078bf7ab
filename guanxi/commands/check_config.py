"""``guanxi check-config``: whether the settings may serve a bank."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from graph.errors import SettingsError, StoreError
from guanxi.hardening import findings
from guanxi.holding_back import held_here
from guanxi.opening import is_stored
from guanxi.plugin_loading import load_plugins, slips
from guanxi.settings import Settings
from guanxi.token_rules import token_rules
from plugins.host import PluginHost

logger = logging.getLogger("guanxi")


def check_config() -> int:
    """Check the settings for production; tell of what sets nothing of a plugin, and products that are held back.

    Exit code 0: they may serve; 1: something must not be, and is named.
    """
    found, told = _found()
    for line in found:
        typer.echo(line)
    if not found:
        typer.echo("The settings may serve in production.")
    for line in told:
        typer.echo(line)
    return 1 if found else 0


def _found() -> tuple[list[str], list[str]]:
    """What must not be, and what is only told."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        return [f"The setting {name} is wrong: {said}." for name, said in wrong], []
    found, told = [str(finding) for finding in findings(settings)], list[str]()
    with _telling(found):
        token_rules(settings)
    with _telling(found):
        host = load_plugins(settings)
        host.close()
        told += slips(settings, host)
        told += _held_back(settings, host)
    return found, told


@contextmanager
def _telling(found: list[str]) -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        found.append(str(error))


def _held_back(settings: Settings, host: PluginHost) -> list[str]:
    if not is_stored(settings):
        return []
    try:
        return [str(held) for held in asyncio.run(held_here(settings, host))]
    except StoreError as error:
        logger.warning("%s Which products are held back is not known.", error)
        return []
