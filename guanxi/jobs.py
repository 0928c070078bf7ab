"""The shipped jobs: what a server does at intervals, with the bank as every job has it."""

from datetime import UTC, datetime

from graph import once
from guanxi.bank import Bank
from guanxi.commands.events import note_events
from guanxi.commands.retention import parts_due, remove_part
from guanxi.commands.stages import note_stages


def sweep(bank: Bank) -> None:
    """Delete idempotency keys that have expired."""
    bank.run(once.sweep, bank.store, datetime.now(UTC))


def stages(bank: Bank) -> None:
    """Note lifecycle stages, as ``guanxi stages`` does."""
    bank.run(note_stages, bank.settings, bank.store, bank.today)


def events(bank: Bank) -> None:
    """Note life events, as ``guanxi events`` does."""
    bank.run(note_events, bank.settings, bank.store, bank.host, bank.today)


def retention(bank: Bank) -> None:
    """Remove what is kept no longer, as ``guanxi retention`` does."""
    for part in parts_due(bank.settings):
        bank.run(remove_part, bank.settings, bank.store, part)
