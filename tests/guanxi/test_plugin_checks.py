"""``guanxi plugins check`` of what a plugin has beside scores: each fault that is planted is found, and told."""

import pytest

from graph import tables
from graph.errors import SettingsError
from guanxi.checking import check_plugin, check_types
from plugins.loading import of_path
from tests.api.test_plugin_fields import BED, ONE
from tests.guanxi.checks import failures

PLUGIN = """
import random
import time
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import typer
from guanxi import (
    Candidates, Command, Facts, Field, Format, Job, LifeEvent, Proposal, Reason, Refusal, hookimpl, recommender, say
)

seen: list[int] = []

@dataclass(frozen=True)
class Years:
    \"\"\"How long.\"\"\"

    years: int
    "How many."

@dataclass(frozen=True)
class Other:
    \"\"\"What is not registered.\"\"\"

    years: int
    "How many."

class Learning:
    name, version = "learning", "1"

    def fit(self, portfolio):
        return {{"score": np.array([{learnt}])}}

    def with_arrays(self, arrays, codes):
        return Learnt(arrays["score"])

    def propose(self, batch):
        raise NotImplementedError

class Learnt:
    name, version = "learning", "1"

    def __init__(self, score):
        self.score = score

    def propose(self, batch):
        {alter}
        return Candidates(np.full(batch.shape, self.score[0], np.float32), self.reason)

    def reason(self, row, column):
        {seeing}
        return Reason("learning", ("a", "b"), say({reason}, "好。"), {facts})

class NoCards:
    gate, code = "eligibility", "NO_CARDS"

    def refuses(self, batch):
        return {mask}

    def explain(self, customer, product):
        return {refusal}

def pets(customer):
    return {pets}

def joined(customer):
    return {joined}

def spring(bank, {parameter}):
    {job}

group = typer.Typer()

@group.command()
def open(bed: {bed}) -> None:
    \"\"\"Open a bed.\"\"\"

@group.command()
def shut() -> None:
    \"\"\"Shut it.\"\"\"

@hookimpl
def recommenders(register):
    register(Learning())

@hookimpl
def gates(register):
    register(NoCards())

@hookimpl
def facts(register):
    register(Facts(Years))

@hookimpl
def fields(register):
    register(Field("Customer", "pets", int, pets, "How many."))
    register(Field("Product", "letters", int, lambda product: len(product.name), "How long its name is."))
    register(Field("Programme", "code", str, lambda code: code, "Its code."))

@hookimpl
def events(register):
    register(LifeEvent("JOINED", {text}, joined))

@hookimpl
def jobs(register):
    register(Job("spring", "Clean.", timedelta(days=1), {run}, most=timedelta(seconds=1)))

@hookimpl
def commands(register):
    register(Command("ward", "Open a bed, or shut it.", group))
    register(Command("far", "Is far away.", {command}))
"""
FINE = {
    "learnt": "0.5",
    "alter": "pass",
    "seeing": "pass",
    "reason": "'Well.'",
    "facts": "Years(3)",
    "mask": "np.array([[product.category == 'card' for product in batch.catalogue]])",
    "refusal": "Refusal(self.gate, self.code, say('No.', '否。'), 'a card')",
    "pets": "customer.age",
    "joined": "date(2026, 6, 1) if customer.age else None",
    "parameter": "*_",
    "job": "bank.offers(next(bank.pages(5)))",
    "bed": "int",
    "text": "say('Has come.', '来了。')",
    "run": "spring",
    "command": "shut",
}
LATE = "took longer than 100 ms"
FAULTS = {
    "chance in learning": ({"learnt": "random.random()"}, "learnt of the same: is there chance in it"),
    "a view that is written": (
        {"alter": "object.__setattr__(batch.customers[0], '__dict__', {**vars(batch.customers[0]), 'age': 1})"},
        "it changed what it was shown: customers",
    ),
    "an array that is replaced": ({"alter": "batch.__dict__['held'] = batch.held | True"}, "was shown: held"),
    "scores that are objects": (
        {"alter": "return Candidates(np.full(batch.shape, 0.5, object), self.reason)"},
        "gave scores of type object, not of floats",
    ),
    "a mask of another shape": ({"mask": "np.ones((2, 2, 2), np.bool_)"}, "gave booleans of shape (2, 2, 2), not"),
    "a reason that raises": ({"seeing": "1 / 0"}, "ZeroDivisionError: division by zero at "),
    "a reason that is none": ({"reason": "7"}, "gave a reason without a text in each of"),
    "a reason by chance": ({"reason": "str(random.random())"}, "says something else of C0"),
    "a reason that takes long": ({"seeing": "time.sleep(0.2 * (row == 3))"}, LATE),
    "facts of no type": ({"facts": "Other(3)"}, "gave Other as facts, which is none that it registers"),
    "facts that are wrong": ({"facts": "Years('3')"}, "facts.years is str, not int"),
    "a refusal without words": (
        {"refusal": "Refusal(self.gate, self.code, {}, 'a card')"},
        "gave no refusal with a text in each language",
    ),
    "a refusal that raises": ({"refusal": "{}['card']"}, "KeyError: 'card' at "),
    "a field of another type": ({"pets": "'two'"}, "what it gave is str, not int (for C0"),
    "a field by chance": ({"pets": "random.randrange(2**30)"}, "says something else of C0"),
    "a field that takes long": ({"pets": "time.sleep(0.2)"}, LATE),
    "an event on no day": ({"joined": "'2026-06-01'"}, "gave str as the day of JOINED, not a date (for C0"),
    "an event without words": ({"text": "{}"}, "TypeError: registered the event 'JOINED' without a text"),
    "a job without a place for the bank": ({"run": "lambda: None"}, "too many positional arguments"),
    "a job of two parameters": ({"parameter": "more"}, "missing a required argument: 'more'"),
    "a job that is nowhere": ({"run": "'hospital_far:run'"}, "No module named 'hospital_far'"),
    "a command of a type that is none": ({"bed": "int | str"}, "Typer currently doesn't support Union types"),
    "a command that is nowhere": ({"command": "'hospital_far:run'"}, "No module named 'hospital_far'"),
}
RUNNING = {
    "a job that fails": ({"job": "raise KeyError('bank')"}, "KeyError: 'bank' at "),
    "a job that never ends": ({"job": "time.sleep(9)"}, "took longer than 1000 ms"),
}


@pytest.fixture
def found(checked, tmp_path, monkeypatch):
    """Return a function: what is found of a plugin with a fault, but for its types, which take seconds."""
    monkeypatch.setattr("guanxi.checking.check_types", lambda _: ())

    def find(fault=None, **asked):
        path = tmp_path / "faulty.py"
        path.write_text(PLUGIN.format(**FINE | (fault or {})))
        return checked(path, **asked)

    return find


def test_one_without_a_fault_passes_and_hears_what_was_not_looked_at(found):
    findings = found()
    assert failures(findings) == []
    passed = {finding.check for finding in findings if finding.passed}
    assert passed >= {
        "schema",
        "learning learns the same again",
        "learning, for its reasons, answers",
        "gate NO_CARDS, for its refusals, answers",
        "field Customer.pets answers",
        "field Product.letters answers",
        "field Programme.code answers",
        "event JOINED answers",
        "job spring can be called",
        "command ward helps",
        "command far helps",
    }
    [left] = [finding.told for finding in findings if finding.check == "not checked"]
    assert left == "arguments of fields other than their defaults; what commands do; what jobs do, which --jobs runs"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(found, fault, request):
    planted, told = FAULTS[fault]
    if LATE in told:
        request.getfixturevalue("hurried")
    failed = failures(found(planted))
    assert failed
    assert all(told in line for line in failed), failed


def test_a_gate_that_takes_too_long_is_named_once_with_the_line_that_it_is_at(found, budget, tmp_path):
    budget(1.0)
    failed = [finding for finding in found({"mask": "time.sleep(9)"}) if finding.passed is False]

    line = 1 + (tmp_path / "faulty.py").read_text().splitlines().index("        return time.sleep(9)")
    told = f"TimeoutError: took longer than 2000 ms at {tmp_path}/faulty.py, line {line}: return time.sleep(9)"
    assert [(finding.check, finding.told) for finding in failed] == [("gate NO_CARDS answers", told)]


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("tobacco", ONE, "PluginError: the plugin tobacco, from shipped, has its fields at tobacco"),
        ("page", BED, "DuplicatedTypeName: Type PageInfo is defined multiple times in the schema"),
    ],
)
def test_what_does_not_fit_into_the_schema_is_found_once(checked, tmp_path, name, source, told):
    path = tmp_path / f"{name}.py"
    path.write_text(source)
    failed = [finding for finding in checked(path) if finding.passed is False]

    assert [(finding.check, finding.told) for finding in failed] == [("schema", told)]


@pytest.mark.parametrize("fault", RUNNING)
def test_a_job_is_run_only_where_it_is_asked_for(found, fault):
    planted, told = RUNNING[fault]
    assert failures(found(planted)) == []
    [failed] = failures(found(planted, run_jobs=True))
    assert told in failed


def test_a_job_that_is_run_passes_and_prints_to_nobody(found, capsys):
    findings = found({"job": "print(bank.offers(next(bank.pages(5))))"}, run_jobs=True)
    assert [finding.passed for finding in findings if finding.check == "job spring runs"] == [True]
    assert capsys.readouterr().out == ""


def test_types_are_held_by_our_settings_whatever_is_around(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[tool.mypy]\nstrict = true\n")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "untyped.py").write_text("def double(number):\n    return 2 * number\n")
    monkeypatch.chdir(tmp_path)
    for path in (folder, folder / "untyped.py"):
        [finding] = check_types(path)
        assert finding.passed, finding.told


def test_types_that_mypy_could_not_look_at_are_no_failure(tmp_path):
    (tmp_path / "fine.py").write_text("HERE = 1\n")
    (tmp_path / "json.py").write_text("")  # which mypy would have for Python's own

    [finding] = check_types(tmp_path / "fine.py")

    assert finding.passed is None
    assert finding.told.startswith("not checked, as mypy itself failed: ")
    assert len(finding.told) > len("not checked, as mypy itself failed: ")


def test_a_package_has_its_types_held_by_its_own_settings(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.mypy]\nstrict = true\n")
    (tmp_path / "untyped.py").write_text("def double(number):\n    return 2 * number\n")
    [finding] = check_types(tmp_path)
    assert finding.passed is False
    assert "untyped.py:1: error: Function is missing a type annotation" in finding.told


def test_a_bank_without_a_model_is_told(draw, plugin_file):
    told = {finding.check: finding.told for finding in check_plugin(draw("ann: person"), of_path(plugin_file))}
    assert told["no model"].startswith("what changes is told without a ranker")


def test_what_becomes_of_proposals_is_told(draw, tmp_path):
    """Of Ann, who has nothing, lifecycle rules say more than all-gems of two products."""
    plugin = tmp_path / "gems.py"
    plugin.write_text("""
import numpy as np
from guanxi import Proposal, Refusal, hookimpl, recommender, say

class Not:
    gate, code = "eligibility", "NOT_THIS"

    def __init__(self, product):
        self.product = product

    def refuses(self, batch):
        refused = np.zeros(batch.shape, np.bool_)
        refused[:, batch.catalogue.index[self.product]] = True
        return refused

    def explain(self, customer, product):
        return Refusal(self.gate, self.code, say("Not this.", "不行。"), "this")

@hookimpl
def gates(register):
    register(Not("GEM-5"))
    register(Not("GEM-6"))

@recommender("all-gems")
def all_gems(customer, catalogue):
    for score, code in enumerate(catalogue.codes, 1):
        yield Proposal(code, score / 10, "It shines.")

@recommender("one-gem")
def one_gem(customer, catalogue):
    yield Proposal("GEM-2", 0.1, "It shines, too.")
""")
    bank = draw("""
        GEM-1: product category=deposit
        GEM-2: product category=deposit
        GEM-3: product category=deposit
        GEM-4: product category=deposit
        GEM-5: product category=deposit
        GEM-6: product category=deposit
        ann: person
        bob: person
        bob -HOLDS-> GEM-4
    """)
    told = {finding.check: finding.told for finding in check_plugin(bank, of_path(plugin))}
    assert told["what becomes of all-gems"] == (
        "of 12 proposals, 6 are among their customer's best 3, 1 come behind, and gates refuse 5 "
        "(most of all NOT_THIS 4, HELD 1); "
        "its score decides where 4 of them stand, elsewhere the ranker or another does"
    )
    assert told["what becomes of one-gem"] == (
        "of 2 proposals, 2 are among their customer's best 3, 0 come behind, and gates refuse 0; "
        "its score decides where 0 of them stand, elsewhere the ranker or another does"
    )


def test_an_empty_bank_is_one_line(draw, plugin_file):
    bank = draw("ann: person")
    bank.run(tables.empty, bank.store)
    with pytest.raises(SettingsError, match="no customers to check it over; run guanxi load"):
        list(check_plugin(bank, of_path(plugin_file)))


@pytest.fixture
def plugin_file(tmp_path):
    path = tmp_path / "cards.py"
    path.write_text(
        "from guanxi import Proposal, recommender, say\n\n\n"
        '@recommender("cards")\ndef propose(customer, catalogue):\n'
        '    yield Proposal("CREDIT_CARD", 0.5, "why")\n'
    )
    return path
