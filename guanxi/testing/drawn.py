"""Loads a drawing, or the sample bank, into a store of its own, and holds the drawing's expectations against it."""

import csv
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from graph import embedded, tables
from graph.errors import LoadError, PluginError
from graph.words import Channel, Language
from guanxi.bank import Bank, take_in
from guanxi.days import as_day
from guanxi.settings import Settings
from guanxi.testing.drawing import Drawing, Expectation
from loaders.bank_directory import BankDirectory
from loaders.importing import load_bank
from loaders.sample import UNTIL
from loaders.sources import Source
from plugins.host import PluginHost
from plugins.isolation.modes import THREADS, Isolation
from plugins.loading import Found
from plugins.samples import parts, write_sample
from recommenders.contract import Offer

CUSTOMERS: Final = 400
SEED: Final = 1
END_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.05


def drawn_bank(
    home: Path, text: str, today: date | str, plugins: Sequence[object] = ()
) -> tuple[Bank, list[Expectation]]:
    """Return the bank of a drawing, in place of what the home's store had, and what is expected of it.

    It is decided with the shipped plugins and those given, and has what they add to the sample bank.

    Raises:
        LoadError: a line cannot be read, or is refused by a rule of the format.
        PluginError: a plugin cannot be loaded.
        SettingsError: ``today`` is no day.
    """
    day, host = as_day(today), PluginHost.load()
    for plugin in plugins:
        take_in(host, plugin)
    drawing = Drawing(text, day, parts(host))
    bank = Bank(_alone(home), host=host, today=day, given=drawing.tell)
    try:
        bank.run(tables.empty, bank.store)
        load_into(bank, drawing, home)
    except BaseException:
        bank.close()
        raise
    return bank, drawing.expectations


@contextmanager
def sample_bank(
    customers: int = CUSTOMERS, *, of: Found | None = None, isolation: Isolation = THREADS
) -> Iterator[Bank]:
    """Yield the sample bank, on the last day that its data know of, in a home that is gone afterwards.

    It has what the loaded plugins add to it, and the plugin ``of``, which does not decide, installed or not.
    """
    host, deciding = (PluginHost.load(isolation=isolation) for _ in range(2))
    if of is not None:
        host.add_found(of)
        deciding.leave(of)
    with TemporaryDirectory(prefix="guanxi-") as folder, closing(host), closing(deciding):
        home = Path(folder)
        write_sample(home / "sample", customers, SEED, host=host)
        try:
            with Bank(_alone(home), host=deciding, today=UNTIL) as bank:
                load_into(bank, BankDirectory(home / "sample"), home)
                yield bank
        finally:
            _wait_for_end(embedded.StoreFolder(home / "store"))


def unmet(bank: Bank, expectations: Sequence[Expectation]) -> list[str]:
    """Say of each expectation that is not met what was decided instead.

    Raises:
        PluginError: a plugin failed while it was asked.
    """
    told = [_unmet(bank, expectation) for expectation in expectations]
    raise_failures(bank.host)
    return [line for line in told if line is not None]


def raise_failures(host: PluginHost) -> None:
    """Raise the first failure of a host's plugins; the log has its traceback."""
    for info in host.recommending.infos():
        if info.last_error is not None:
            raise PluginError(f"The recommender {info.name} failed: {info.last_error}")
    for plugin in host.plugins:
        if plugin.error is not None:
            raise PluginError(f"The plugin {plugin.name} failed: {plugin.error}")


def load_into(bank: Bank, source: Source, home: Path) -> None:
    """Load a bank's data, all of it.

    Raises:
        LoadError: a row is refused, or a file cannot be read.
    """
    rejects = home / "rejects.csv"

    async def load() -> int:
        return (await load_bank(bank.store, source, rejects)).rejected

    if bank.run(load):
        with rejects.open(encoding="utf-8", newline="") as file:
            told = [
                f"line {row['line']}, {row['column']} {row['value']!r}: {row['reason']}" for row in csv.DictReader(file)
            ]
        raise LoadError("; ".join(told))


def _alone(home: Path) -> Settings:
    return Settings.model_validate({"home": home})  # not from the environment, as Settings() would be


def _wait_for_end(folder: embedded.StoreFolder) -> None:
    """Wait until the store's process writes no more."""
    deadline = time.monotonic() + END_SECONDS
    while folder.path.exists() and embedded.is_serving(folder) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _unmet(bank: Bank, expected: Expectation) -> str | None:
    decision = bank.decide(expected.customer_no, expected.product_code)
    offer = _offer(bank, expected) if decision.offered else None
    refusals = {refusal.code for refusal in decision.refusals}
    if expected.offered:
        met = offer is not None and _speaks_for(offer, expected.says)
    elif expected.says in {info.name for info in bank.host.recommending.infos()}:
        met = offer is None or expected.says not in offer.recommenders
    else:
        met = offer is None and expected.says in {"", *refusals}
    if met:
        return None
    trace = "".join(f"\n   {step.stage:>10}: {step.text}" for step in decision.trace)
    wanted = f"{'=>' if expected.offered else '=/>'} {expected.product_code} {expected.says}".strip()
    became = "is not offered it" if offer is None else f"is offered it by {', '.join(offer.recommenders)}"
    return f"line {expected.line}: {expected.customer_no} {wanted}, but {expected.customer_no} {became}:{trace}"


def _offer(bank: Bank, expected: Expectation) -> Offer:
    answer = bank.answers([expected.customer_no], Channel.MOBILE, len(bank.catalogue))[0]
    return next(offer for offer in answer.offers if offer.product.product_code == expected.product_code)


def _speaks_for(offer: Offer, says: str) -> bool:
    return says in {"", *offer.recommenders} or any(says in reason.text[Language.EN] for reason in offer.reasons)
