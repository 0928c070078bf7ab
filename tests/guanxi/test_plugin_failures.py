"""``guanxi plugins failures`` and ``reproduce``, as a plugin's owner uses them."""

import json
import re
from datetime import date

import pytest

from graph.records import Customer, Holding, Product
from graph.words import CustomerKind
from plugins.failures.reports import FailureReports
from plugins.host import PluginHost
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, Omitted

TODAY = date(2026, 6, 30)
SOURCE = """
from guanxi import About, Proposal, hookimpl, recommender

@hookimpl
def about():
    return About(version="7", owner="ann@bank.example")

@recommender("{name}")
def propose(customer, catalogue):
    if {when}:
        raise ValueError(f"not today, {{customer.customer_no}}")
    yield Proposal("A", 0.5)
"""
KNOWN = Customer("C-77", CustomerKind.PERSON, name="Li Wei", birth_date=date(1977, 7, 7), region="Dali",
                 occupation="teacher", income=7311.5, holdings=(Holding("A"),))  # fmt: skip


@pytest.fixture
def failed(tmp_path):
    """Return a function: the file of a plugin that failed, and the home that its failure is reported in."""

    def make(name="mine", when="True"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(SOURCE.format(name=name, when=when))
        host = PluginHost.load([folder], shipped=(), reports=FailureReports(tmp_path / "home" / "failures"))
        batch = Batch.whole([KNOWN], Catalogue([Product("A", "A", "deposit")]), Context(TODAY))
        with pytest.raises(Omitted):
            host.guarded(None)[0].propose(batch)
        return folder / f"{name}.py", tmp_path / "home"

    return make


def reports(guanxi, home, *arguments):
    return json.loads(guanxi(home, "plugins", "failures", *arguments, "--json").stdout)


def test_they_are_listed_with_the_command_that_shows_them(failed, guanxi):
    _, home = failed()
    failed("yours")
    done = guanxi(home, "plugins", "failures")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"(\w+) 7  (\w+): (.*)", done.stdout) == [
        ("mine", "mine", "ValueError in mine.py:11"),
        ("yours", "yours", "ValueError in yours.py:11"),
    ]
    found = reports(guanxi, home)
    assert [f"    for ann@bank.example: guanxi plugins reproduce {one['file']} PLUGIN" for one in found] == (
        done.stdout.splitlines()[1::2]
    )
    assert [one["plugin"] for one in reports(guanxi, home, "yours")] == ["yours"]
    assert guanxi(home, "plugins", "failures", "theirs").stdout.startswith("No failure is reported in ")


def test_each_kind_of_branch_is_reproduced(failed, guanxi):
    branches = {
        "region": "customer.region == 'Dali'",
        "age": "customer.age == 48 and customer.holds('A')",
    }
    paths = {name: failed(name, when)[0] for name, when in branches.items()}
    home = next(iter(paths.values())).parent.parent / "home"
    for one in reports(guanxi, home):
        done = guanxi(home, "plugins", "reproduce", one["file"], paths[one["plugin"]])
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout.startswith(
            f"{one['plugin']} of {one['plugin']} 7 failed: ValueError in {one['plugin']}.py:11\n"
        )
        assert "ValueError: not today, " in done.stdout
        assert "C-77" not in done.stdout


def test_what_was_mended_fails_no_more(failed, guanxi):
    path, home = failed()
    path.write_text(SOURCE.format(name="mine", when="False"))
    [one] = reports(guanxi, home)
    done = guanxi(home, "plugins", "reproduce", one["file"], path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("It does not fail on what was reported")


def test_what_cannot_be_asked_again_is_told_in_a_line(failed, guanxi, tmp_path):
    path, home = failed()
    [one] = reports(guanxi, home)
    other, _ = failed("yours")
    for report, plugin, told in (
        (one["file"], tmp_path / "gone.py", f"There is no {tmp_path / 'gone.py'}."),
        (path, path, f"{path} is no report of a plugin's failure (JSONDecodeError)."),
        (one["file"], other, "This plugin has no recommender and no gate named 'mine'."),
    ):
        done = guanxi(home, "plugins", "reproduce", report, plugin)
        assert (done.returncode, done.stderr.splitlines()) == (2, [told])
