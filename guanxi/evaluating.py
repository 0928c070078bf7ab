"""What a plugin is worth: on history, learnt without it and with it, and what it would change today.

Without it the plugin is out of service, with it it is live; all others are on their stages.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from graph import portfolio
from graph.errors import PluginError, SettingsError
from guanxi.bank import Bank, take_in
from guanxi.offer_changes import TOP, changes, offered, with_learnt
from plugins.deciding import build_engine
from plugins.failures.telling import placed, told
from plugins.infos import PluginInfo, spelt
from plugins.life.stages import BANKS_OWN, Lives
from recommenders.artefact import applied
from recommenders.contract import Recommender
from recommenders.evaluation import Report
from recommenders.failing import logged
from recommenders.gain import gain
from recommenders.known_customers import read_customers
from recommenders.portfolio import Ledger
from recommenders.training import Progress, fit_all, read_ledger
from recommenders.trial import Split, Trial, run, split_bank


def plugin_of(bank: Bank, given: str) -> PluginInfo:
    """Return a plugin by its name, or by its path; of a path that is not loaded, it is loaded beside the others.

    Raises:
        SettingsError: there is none, or it is the bank's own.
        PluginError: it is broken.
    """
    path, name = Path(given).resolve(), spelt(given, (own.name for own in bank.host.plugins))
    found = next((own for own in bank.host.plugins if own.name == name or Path(own.source).resolve() == path), None)
    if found is None:
        if not path.exists():
            raise SettingsError(f"There is no plugin {given!r}, and no such file.")
        return take_in(bank.host, path)
    if found.name == BANKS_OWN:
        raise SettingsError(f"The plugin {BANKS_OWN} has the bank's own gates: there is no bank without it.")
    if found.state == "broken":
        raise PluginError(f"The plugin {found.name} is broken: {found.error}")
    return found


def evaluate_plugin(bank: Bank, plugin: PluginInfo, top: int, progress: Progress = lambda _, __: None) -> Report:
    """Return what a plugin brings on history, what it changes today, and what it failed on.

    Raises:
        ModelError: there is nothing to evaluate, and why.
    """
    ledger = bank.run(read_ledger, bank.store, bank.catalogue, partial(progress, "portfolio"))
    split = split_bank(ledger, partial(portfolio.load, bank.store), bank.today)
    unlearnt = _Unlearnt(bank, plugin)
    without, within = bank.lives.without(plugin.name), bank.lives.with_live([plugin.name])
    before, after = (
        _trial(bank, split, lives, unlearnt, partial(_told_with, progress, how))
        for how, lives in (("without", without), ("with", within))
    )
    return {
        "plugin": plugin.name,
        "as_of": str(bank.today),
        "split": {
            "how": split.how,
            "learnt_until": str(split.day),
            "scored_until": None if split.until is None else str(split.until),
        },
        "customers": len(after.scored.weights),
        "openers": int(after.scored.openers.sum()),
        "openings": int(after.scored.opened.sum()),
        "top": top,
        "metrics": gain(before.scored, after.scored, sorted({1, TOP, top})),
        "today": _today(bank, unlearnt, ledger, (without, within), partial(progress, "customers")),
        "failures": [*_failures(bank, plugin), *unlearnt.told()],
    }


class _Unlearnt:
    """How often each of a plugin's recommenders learnt nothing that it can use, and on what at last."""

    def __init__(self, bank: Bank, plugin: PluginInfo) -> None:
        self.own = [recommender for recommender, info in bank.host.of("recommenders") if info is plugin]
        self._errors = dict[str, list[str]]()

    def note(self, recommender: Recommender, error: BaseException) -> str:
        """Take note of it; of all others' it is logged."""
        if not any(recommender.name == own.name for own in self.own):
            return logged(recommender, error)
        self._errors.setdefault(recommender.name, []).append(told(error))
        return placed(error)

    def told(self) -> Iterator[str]:
        """Yield a line for each."""
        for name, errors in self._errors.items():
            yield f"{name} learnt nothing, {len(errors)} times, at last on {errors[-1]}"


def _trial(bank: Bank, split: Split, lives: Lives, unlearnt: _Unlearnt, progress: Progress) -> Trial:
    host = bank.host
    learn = partial(
        run,
        guard=host.recommending.guard,
        failed=unlearnt.note,
        protected=bank.settings.protected,
        unranked=lives.unranked(host),
        progress=progress,
    )
    found: Trial = bank.run(
        learn, split, host.recommenders(), lambda model: build_engine(bank.catalogue, host, model, lives)
    )
    return found


def _told_with(progress: Progress, how: str, part: str, read: int) -> None:
    progress(f"{part}, {how} it", read)


def _today(
    bank: Bank, unlearnt: _Unlearnt, ledger: Ledger, lives: tuple[Lives, Lives], progress: Callable[[int], None]
) -> Report:
    numbers = sorted(bank.table("customers")["customer_no"])
    without, within = (build_engine(bank.catalogue, bank.host, bank.model, each) for each in lives)
    own, failed = unlearnt.own, unlearnt.note
    read = bank.run(read_customers, partial(portfolio.load, bank.store), ledger, own, progress)
    arrays = fit_all(own, ledger.portfolio(bank.today), customers=read, tell=bank.tell, failed=failed)
    learnt = applied(own, arrays, bank.catalogue.codes, failed)
    before = offered(bank, without, numbers)
    found = changes(before, offered(bank, with_learnt(bank, within, learnt), numbers))
    return {
        "customers": found.customers,
        "top": TOP,
        "changed": len(found.changed),
        "gained": len(found.gained),
        "products": dict(found.products),
    }


def _failures(bank: Bank, plugin: PluginInfo) -> Iterator[str]:
    if plugin.error is not None:
        yield plugin.error
    for info in bank.host.recommending.infos():
        if info.plugin == plugin.name and info.failures:
            yield f"{info.name} failed {info.failures} times, at last on {info.last_error}"
