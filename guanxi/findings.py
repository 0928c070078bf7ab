"""What a check of a plugin finds, told in lines; and how whatever answers one thing at a time is checked."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from guanxi.hanging import is_of, is_too_late, stacks
from plugins.failures.telling import Foreign, place_of, told
from plugins.isolation import budgets
from plugins.isolation.threads import Apart

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``passed`` is None where nothing is judged."""

    check: str
    passed: bool | None
    told: str


STILL_LEARNING: Final = Finding(
    "not checked", passed=None, told="all else, which would seem slow beside what still learns"
)


def where(error: BaseException, path: Path) -> str:
    """Say what went wrong, and the last line of the plugin that it went through, or has not come through yet."""
    if isinstance(error, Foreign):
        place = place_of(error)
        return told(error) + (f" in {place}" if place else "")
    lines = next(stacks(path), []) if is_too_late(error) else traceback.extract_tb(error.__traceback__)
    own = [line for line in lines if is_of(line, path)]
    place = f" at {own[-1].filename}, line {own[-1].lineno}: {own[-1].line}" if own else ""
    return f"{told(error)}{place}"


def not_learnt(check: str, error: BaseException, path: Path) -> Iterator[Finding]:
    """Yield that a recommender failed at learning and, where it is left behind at that, STILL_LEARNING: the last."""
    yield Finding(check, passed=False, told=where(error, path))
    if is_too_late(error) and any(stacks(path)):
        yield STILL_LEARNING


class Asking:
    """Asks for one answer after another, each within the time that a plugin has.

    Attributes:
        at: what is asked of at last.
        slowest: how many seconds the slowest answer took.
    """

    def __init__(self, what: str, ask: Callable[[T], object]) -> None:
        self.at = ""
        self.slowest = 0.0
        self._apart = Apart(what)
        self._ask: Callable[..., object] = ask

    def all(self, subjects: Iterable[tuple[str, object]]) -> list[object]:
        """Return the answers, in order; raises whatever asking does, or TimeoutError."""
        answers = []
        for self.at, subject in subjects:
            started = time.perf_counter()
            answers.append(self._apart.call(budgets.BUDGET_SECONDS, self._ask, subject))
            self.slowest = max(self.slowest, time.perf_counter() - started)
        return answers


def answers(what: str, ask: Callable[[T], object], subjects: Mapping[str, T], path: Path) -> Iterator[Finding]:
    """Yield whether something answers of all subjects, by their names, in time, and the same in another order."""
    asking, named = Asking(what, ask), list(subjects.items())
    if not named:
        return
    try:
        first = asking.all(named)
        again = asking.all(reversed(named))[::-1]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        yield Finding(f"{what} answers", passed=False, told=f"{where(error, path)} (for {asking.at})")
        return
    given = sum(answer is not None for answer in first)
    slowest, most = 1000 * asking.slowest, 1000 * budgets.BUDGET_SECONDS
    told = f"{given:,} of {len(named):,}; the slowest took {slowest:.1f} ms of {most:.0f}"
    yield Finding(f"{what} answers", passed=True if given else None, told=told)
    other = next((name for (name, _), one, two in zip(named, first, again, strict=True) if one != two), None)
    if other is not None:
        told = f"asked again, it says something else of {other}: is there a clock, chance or memory in it?"
        yield Finding(f"{what} is the same again", passed=False, told=told)
