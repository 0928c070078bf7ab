"""The formats in which a bank's files can be read."""

from enum import StrEnum
from pathlib import Path

from loaders.bank_directory import BankDirectory
from loaders.berka import Berka
from loaders.sources import Source


class Format(StrEnum):
    """The formats of a bank's files."""

    BANK = "bank"
    BERKA = "berka"


def open_source(directory: Path, format_: Format, *, assume_consent: bool = False) -> Source:
    """Return the source that reads a directory in a format."""
    if format_ is Format.BERKA:
        return Berka(directory, assume_consent=assume_consent)
    return BankDirectory(directory)
