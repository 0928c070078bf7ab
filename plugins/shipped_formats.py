"""The formats of a bank's files that guanxi reads itself; polars is imported when one is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from plugins.contract import Format
from plugins.hookspecs import hookimpl


def open_bank(folder: Path) -> Any:
    """Open a folder in guanxi's own format."""
    from loaders.bank_directory import BankDirectory

    return BankDirectory(folder)


def open_berka(folder: Path, *, assume_consent: bool = False) -> Any:
    """Open Berka's ``.asc`` files; ``assume_consent`` takes as given what the data say nothing of."""
    from loaders.berka import Berka

    return Berka(folder, assume_consent=assume_consent)


@hookimpl
def formats(register: Callable[[Format], None]) -> None:
    """The bank directory, and a public data set."""
    register(Format("bank", "guanxi's own: guanxi format tells it", open_bank))
    register(Format("berka", "the Czech bank of PKDD'99, eight .asc files", open_berka))
