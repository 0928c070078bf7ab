"""What can be said of a plugin before it goes live: does it keep the contract, and what would it change?

It is run over a bank beside all that is live there. A check that it fails says what it did and where; what it would
change, and for whom, is told and not judged.
"""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np

from graph.errors import PluginError, SettingsError
from guanxi.bank import Bank
from guanxi.checking_items import check_items, check_reasons, check_schema
from guanxi.checking_runs import check_runs
from guanxi.checking_twice import check_twice
from guanxi.enduring import EndsItsProcess, untold
from guanxi.findings import STILL_LEARNING, Finding, not_learnt, where
from guanxi.offer_changes import TOP, Changes, changes, offered, outcome, ranking, with_learnt
from plugins.infos import PluginInfo, spelt
from plugins.isolation import budgets
from plugins.loading import Found, find, of_path, place_of
from recommenders.batch import Batch
from recommenders.contract import Omitted, Recommender, Scores
from recommenders.engine import Engine, Ranking
from recommenders.evaluation import LEAST_GROUP
from recommenders.view import CustomerView

ALONE: Final = 50
"""How many customers are also asked for one at a time, and have all reasons asked for."""
ASKED: Final = 400
"""How many are asked of fields and life events, and learnt for again."""
MYPY: Final = ("--no-error-summary", "--ignore-missing-imports", "--follow-imports=silent")
NO_MODEL: Final = "what changes is told without a ranker, as there is none before guanxi train"
MOST_GATES: Final = 3
"""How many gates are named that refuse what a recommender proposes."""
OLDEST: Final = 200
AGES: Final = ((0, 29), (30, 44), (45, 59), (60, OLDEST))


def to_check(given: str, folders: Sequence[Path]) -> Found:
    """Return the plugin of a path, or one by its name that is installed or in one of some folders, not imported yet.

    Raises:
        SettingsError: there is none.
    """
    path = Path(given).resolve()
    if path.exists():
        return of_path(path)
    there = list(find(folders))
    name = spelt(given, (own.name for own in there))
    found = next((own for own in there if own.name == name), None)
    if found is None:
        raise SettingsError(f"There is no plugin {given!r}, and no such file.")
    return found


def check_plugin(bank: Bank, found: Found, *, run_jobs: bool = False) -> Iterator[Finding]:
    """Yield what is found of a plugin over all customers of a bank, whose own it may be; ``run_jobs`` as it says.

    Raises:
        SettingsError: the bank has no customers.
    """
    numbers = sorted(bank.table("customers")["customer_no"])
    if not numbers:
        raise SettingsError("The store has no customers to check it over; run guanxi load first.")
    bank.leave(found)
    before = offered(bank, bank.engine, numbers)
    try:
        info = bank.add(found)
    except PluginError as error:
        yield Finding("loads", passed=False, told=str(error))
        return
    path = _path(found)
    yield Finding("loads", passed=True, told=f"{info.name}: {', '.join(info.recommenders) or 'no recommender'}")
    for deprecated in info.deprecations:
        yield Finding("will go", passed=None, told=deprecated)
    yield from check_types(path)
    yield from check_schema(bank, info)
    batch = bank.batch(numbers)
    learnt, of_gates = list[Recommender](), list[str]()
    for finding in chain(
        _check_recommenders(bank, info, batch, learnt, path),
        check_items(bank, info, batch.take(range(min(ASKED, len(numbers)))), path),
        check_runs(bank, info, path, run_jobs=run_jobs),
    ):
        yield finding
        if finding is STILL_LEARNING:
            return
        if finding.check.startswith("gate "):
            of_gates.append(finding.told)
    bank.host.wait()
    engine = with_learnt(bank, bank.engine, learnt)
    after = offered(bank, engine, numbers)
    if info.error is not None and not any(told.startswith(info.error) for told in of_gates):
        yield Finding("gates and bundles", passed=False, told=info.error)
    if bank.model is None:
        yield Finding("no model", passed=None, told=NO_MODEL)
    yield from _outcomes(engine, ranking(bank, engine, numbers), info)
    yield from _changes(changes(before, after), batch)


def check_ends(ends: Sequence[EndsItsProcess], found: Found, told: Sequence[Finding]) -> Iterator[Finding]:
    """Yield where a plugin would have ended the process, if it has, and no finding tells of it."""
    for end in untold(ends, (finding.told for finding in told)):
        yield Finding("ends nothing", passed=False, told=where(end, _path(found)))


def check_types(path: Path) -> Iterator[Finding]:
    """Yield what mypy says of a plugin's file or folder; a package's own settings hold for it, and nobody else's."""
    if importlib.util.find_spec("mypy") is None:
        yield Finding("types", passed=None, told="not checked: mypy is not installed")
        return
    folder = path if path.is_dir() else path.parent
    own = path / "pyproject.toml"
    config = own if own.is_file() else ""  # mypy would find those of folders above, which are not the plugin's
    command = [sys.executable, "-m", "mypy", *MYPY, f"--config-file={config}", str(path)]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if said.returncode and not said.stdout.strip():
        yield Finding("types", passed=None, told=f"not checked, as mypy itself failed: {_last_line(said.stderr)}")
        return
    yield Finding("types", passed=said.returncode == 0, told=said.stdout.strip() or "mypy has nothing to say")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def _path(found: Found) -> Path:
    return (place_of(found.source) or Path(found.source)).resolve()


def _check_recommenders(
    bank: Bank, info: PluginInfo, batch: Batch, learnt: list[Recommender], path: Path
) -> Iterator[Finding]:
    """Yield what is found of a plugin's recommenders; those that learn are added to ``learnt``."""
    few, some = (batch.take(range(min(most, len(batch.customers)))) for most in (ALONE, ASKED))
    for name in info.recommenders:
        try:
            recommender = bank.learnt(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            yield from not_learnt(f"{name} learns", error, path)
            continue
        learnt.append(recommender)
        yield from _contract(bank, recommender, batch, path)
        yield from check_twice(bank, recommender, some, path)
        yield from check_reasons(bank, info, recommender, few, path)


def _contract(bank: Bank, recommender: Recommender, batch: Batch, path: Path) -> Iterator[Finding]:
    try:
        yield from _answers(bank.host.recommending.guard(recommender), batch)
    except Omitted as omitted:
        told = f"{where(omitted.__cause__ or omitted, path)}{_for_whom(bank, recommender, batch)}"
        yield Finding(f"{recommender.name} answers", passed=False, told=told)


def _answers(guarded: Recommender, batch: Batch) -> Iterator[Finding]:
    seconds, scores = _timed(guarded, batch)
    proposed = ~np.isnan(scores)
    told = f"{proposed.sum():,} proposals for {proposed.any(axis=1).sum():,} of {len(scores):,} customers"
    if not proposed.any():
        told += ", so that nothing of what it would propose was tried"
    yield Finding(f"{guarded.name} answers", passed=True if proposed.any() else None, told=told)
    beyond = np.count_nonzero((scores < 0) | (scores > 1))
    if beyond:
        yield Finding(f"{guarded.name} scores", passed=False, told=f"{beyond:,} scores are not from 0 to 1")
    yield Finding(f"{guarded.name} is the same again", *_repeats(guarded, batch, scores))
    alone = [_timed(guarded, batch.take([row])) for row in range(min(ALONE, len(scores)))]
    slowest = max((seconds for seconds, _ in alone), default=0.0)
    yield Finding(
        f"{guarded.name} is fast",
        passed=slowest < budgets.BUDGET_SECONDS,
        told=f"{1e6 * seconds / max(1, len(scores)):,.0f} µs a customer in a batch; alone, the slowest of "
        f"{len(alone)} took {1000 * slowest:.1f} ms of {1000 * budgets.BUDGET_SECONDS:.0f}",
    )


def _repeats(guarded: Recommender, batch: Batch, scores: Scores) -> tuple[bool, str]:
    """Whether scores depend on the customer alone: not on the time, the others of the batch, or their order."""
    backwards = range(len(scores) - 1, -1, -1)
    if not np.array_equal(guarded.propose(batch).scores, scores, equal_nan=True):
        return False, "asked again, it gives other scores: is there a clock, or chance, in it?"
    if not np.array_equal(guarded.propose(batch.take(backwards)).scores[::-1], scores, equal_nan=True):
        return False, "in another order, customers have other scores: does it keep something between them?"
    for row in range(min(ALONE, len(scores))):
        if not np.array_equal(guarded.propose(batch.take([row])).scores[0], scores[row], equal_nan=True):
            return False, f"alone, {batch.customers[row].customer_no} has other scores than beside others"
    return True, "whenever it is asked, in any order, alone or beside others"


def _timed(guarded: Recommender, batch: Batch) -> tuple[float, Scores]:
    started = time.perf_counter()
    scores = guarded.propose(batch).scores
    return time.perf_counter() - started, scores


def _for_whom(bank: Bank, recommender: Recommender, batch: Batch) -> str:
    """The first customer whom it fails on by himself, to reproduce it with."""
    for row, customer in enumerate(batch.customers):
        bank.host.wait()  # its process may have been ended for the one before
        try:
            bank.host.recommending.guard(recommender).propose(batch.take([row]))
        except Omitted:
            return f" (for {customer.customer_no})"
    return ""


def _outcomes(engine: Engine, ranked: Ranking, info: PluginInfo) -> Iterator[Finding]:
    for name in info.recommenders:
        came = outcome(engine, ranked, name) if name in ranked.proposed else None
        if came is not None and came.proposals:
            most = ", ".join(f"{gate} {refused:,}" for gate, refused in list(came.refused_by.items())[:MOST_GATES])
            by = f" (most of all {most})" if most else ""
            told = (
                f"of {came.proposals:,} proposals, {came.best:,} are among their customer's best {TOP}, "
                f"{came.behind:,} come behind, and gates refuse {came.refused:,}{by}; "
                f"its score decides where {came.decided:,} of them stand, elsewhere the ranker or another does"
            )
            yield Finding(f"what becomes of {name}", passed=None, told=told)


def _changes(found: Changes, batch: Batch) -> Iterator[Finding]:
    told = f"{len(found.changed):,} of {found.customers:,} customers have other offers among their best {TOP}"
    yield Finding("what changes", passed=None, told=told)
    for code, more in found.products.items():
        yield Finding("what changes", passed=None, told=f"{code}: {more:+,} customers")
    for attribute, group_of in (("gender", _gender), ("age", _age_group)):
        shares = [
            f"{name} {sum(customer.customer_no in found.gained for customer in members) / len(members):.1%}"
            for name, members in _groups(batch, group_of).items()
            if len(members) >= LEAST_GROUP
        ]
        if len(shares) > 1 and found.gained:
            yield Finding("whom it reaches", passed=None, told=f"new offers by {attribute}: {', '.join(shares)}")


def _groups(batch: Batch, group_of: Callable[[CustomerView], str | None]) -> dict[str, list[CustomerView]]:
    groups: dict[str, list[CustomerView]] = {}
    for customer in batch.customers:
        name = group_of(customer)
        if name is not None:
            groups.setdefault(name, []).append(customer)
    return dict(sorted(groups.items()))


def _gender(customer: CustomerView) -> str | None:
    return customer.gender


def _age_group(customer: CustomerView) -> str | None:
    age = customer.age
    for low, high in AGES:
        if age is not None and low <= age <= high:
            return f"{low} to {high}" if high < OLDEST else f"{low} and more"
    return None
