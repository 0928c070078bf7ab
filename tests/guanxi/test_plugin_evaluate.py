"""``guanxi plugins evaluate``: who knows what is planted in a bank makes it better, and who guesses does not."""

import hashlib
import os
import pty
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from guanxi import Proposal, recommender
from guanxi.checking import to_check
from guanxi.evaluating import evaluate_plugin, plugin_of
from guanxi.testing.drawn import sample_bank
from plugins.host import PluginHost

pytestmark = pytest.mark.embedded


def is_even(customer):
    """Whether the year of birth is even: what no feature tells a linear model."""
    return customer.age is not None and (customer.today.year - customer.age) % 2 == 0


@recommender("knowing")
def knowing(customer):
    yield Proposal("PENSION", score=0.9 if is_even(customer) else 0.1)


@recommender("guessing")
def guessing(customer):
    yield Proposal("PENSION", score=hashlib.sha256(f"{customer.birth_date}".encode()).digest()[0] / 255)


def test_one_that_knows_an_effect_ranks_better_and_one_that_guesses_does_not(plant):
    bank = plant("PENSION", among=is_even, rate=0.95, otherwise=0.02).bank
    guessed, known = (evaluate_plugin(bank, bank.add(plugin), 7) for plugin in (guessing, knowing))
    gained, by_chance = (found["metrics"]["ranker"]["map@7"] for found in (known, guessed))

    assert by_chance["difference"]["low"] <= 0
    assert gained["difference"]["low"] > 0
    assert gained["with"] - gained["without"] == pytest.approx(gained["difference"]["mean"])
    assert gained["difference"]["mean"] > by_chance["difference"]["mean"] + 0.01
    assert guessed["today"]["products"]["PENSION"] == guessed["today"]["gained"] > 0
    assert guessed["today"]["changed"] >= guessed["today"]["gained"]
    assert (known["failures"], guessed["failures"]) == ([], [])


FAILING = """
import numpy as np
from guanxi import Candidates, Proposal, hookimpl, recommender

@recommender("failing")
def propose(customer):
    if customer.age and customer.age % 3 == 0:
        raise LookupError("no")
    yield Proposal("PENSION", score=0.5)

class Unfit:
    name, version = "unfit", "1"
    def fit(self, portfolio):
        raise ZeroDivisionError
    def with_arrays(self, arrays, codes):
        return self
    def propose(self, batch):
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda *_: None)

@hookimpl
def recommenders(register):
    register(Unfit())
"""


@pytest.fixture(scope="module")
def small_bank():
    with sample_bank(100) as bank:
        yield bank


@pytest.fixture(scope="module")
def evaluate(guanxi, small_bank, tmp_path_factory):
    """Return a function: ``guanxi plugins evaluate`` of a plugin's source, or of a name, over a small bank."""
    folder = tmp_path_factory.mktemp("evaluated")

    def run(source=None, name="own.py", **settings):
        if source is not None:
            (folder / name).write_text(source)
            name = folder / name
        return guanxi(small_bank.settings.home, "plugins", "evaluate", name, "--as-of", small_bank.today, **settings)

    return run


def test_on_a_terminal_it_shows_what_it_reads(command, guanxi, small_bank):
    asked = (small_bank.settings.home, "plugins", "evaluate", "campus", "--as-of", small_bank.today)
    ours, theirs = pty.openpty()
    with subprocess.Popen(**command(*asked), stdout=subprocess.PIPE, stderr=theirs) as running:
        os.close(theirs)
        shown = b"".join(_parts(ours))
        told = running.stdout.read()
    os.close(ours)

    assert b"customers read: scoring, with it" in shown
    assert "customers read" not in told
    assert "customers read" not in guanxi(*asked).stderr


def _parts(terminal):
    """Yield what is written to a terminal, until nobody can: which Linux tells as an error."""
    with suppress(OSError):
        while part := os.read(terminal, 4096):
            yield part


@pytest.mark.parametrize(
    ("source", "name", "code", "said"),
    [
        (None, "nobody", 2, "There is no plugin 'nobody', and no such file."),
        (None, "shipped", 2, "The plugin shipped has the bank's own gates"),
        ("import nothing_at_all", "lost.py", 1, "The plugin lost is broken: "),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(evaluate, source, name, code, said):
    done = evaluate(source, name)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith(said)


def test_one_that_fails_on_the_way_is_told_of_below_the_table(evaluate):
    done = evaluate(FAILING)

    assert done.returncode == 1
    assert "difference (95 %)" in done.stdout
    assert "customers have other offers among their best 3" in done.stdout
    assert re.search(r"own fails: unfit learnt nothing, \d+ times, at last on ZeroDivisionError", done.stderr)
    assert "own fails: failing failed " in done.stderr
    assert "LookupError" in done.stderr


PENSION_MODEL = Path(__file__).parents[2] / "examples/cookbook/pension_model.py"


def test_one_that_learns_from_customers_changes_what_it_would_after_the_next_training(evaluate):
    done = evaluate(PENSION_MODEL.read_text(), "pension_model.py")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"[1-9]\d* of 100 customers have other offers", done.stdout), done.stdout


def test_one_that_learns_of_the_past_and_not_of_today_fails(evaluate, small_bank):
    unfit = f"if str(portfolio.today) == {str(small_bank.today)!r}:\n            raise ValueError('not today')"
    source = PENSION_MODEL.read_text().replace("catalogue = portfolio", f"{unfit}\n        catalogue = portfolio")
    done = evaluate(source, "unready.py")

    assert done.returncode == 1
    assert "unready fails: pension-model learnt nothing, 1 times, at last on ValueError: not today" in done.stderr


def test_a_plugin_is_known_with_hyphens_and_with_underscores(tmp_path):
    (tmp_path / "salary_card.py").write_text("")
    bank = SimpleNamespace(host=PluginHost.load([tmp_path], shipped=()))

    assert plugin_of(bank, "salary-card") is plugin_of(bank, "salary_card") is bank.host.plugins[0]
    assert to_check("salary-card", [tmp_path]).name == "salary_card"
