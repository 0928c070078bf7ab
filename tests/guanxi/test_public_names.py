import subprocess
import sys
from importlib.resources import files

import guanxi
from guanxi.cli import OWN_PACKAGES
from plugins.functions import MARK
from plugins.view_reference import RECORDS


def test_the_public_names_are_sorted():
    assert guanxi.__all__ == sorted(guanxi.__all__)


def test_every_public_name_is_there_and_nothing_else():
    visible = {name for name, value in vars(guanxi).items() if name[0] != "_" and getattr(value, "__module__", None)}

    late = {"Bank", "Portfolio", "open"}  # they come when they are asked for
    assert visible - late == set(guanxi.__all__) - late


def test_what_a_plugin_is_given_is_public():
    assert {record.__name__ for record in RECORDS} | {
        "Batch",
        "Catalogue",
        "Context",
        "CustomerView",
        "Portfolio",
    } <= set(guanxi.__all__)


def test_a_type_checker_sees_a_name_that_is_none(tmp_path):
    (tmp_path / "mine.py").write_text("from guanxi import Bank, Portfolio, Product, Proposl\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "mine.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert [line.partition("error: ")[2] for line in checked.stdout.splitlines() if "error: " in line] == [
        'Module "guanxi" has no attribute "Proposl"; maybe "Proposal"?  [attr-defined]',
    ]


def test_every_public_name_is_documented():
    assert [name for name in guanxi.__all__ if not (getattr(guanxi, name).__doc__ or "").strip()] == []


def test_type_checkers_read_the_types_of_every_package():
    assert [package for package in OWN_PACKAGES if not (files(package) / "py.typed").is_file()] == []


def test_the_example_of_a_plugin_works_with_public_names_alone():
    plugin = {}
    example = """
from guanxi import Proposal, recommender

@recommender("graduate-first-mortgage")
def propose(customer, catalogue):
    if customer.member_of("campus") and customer.salary_months >= 36:
        yield Proposal("MORTGAGE", score=0.8, reason="three years of steady salary")
"""
    assert "\n".join(example.strip().splitlines()[2:]) in unindented(guanxi.recommender.__doc__)

    exec(example, plugin)

    assert getattr(plugin["propose"], MARK).name == "graduate-first-mortgage"


def unindented(doctest):
    return "\n".join(line.strip().removeprefix(">>> ").removeprefix("... ") for line in doctest.splitlines())
