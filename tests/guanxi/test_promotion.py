"""What ``guanxi train`` puts in force, and what ``guanxi models show --check`` finds, on a small bank in a store."""

import csv

import pytest

from recommenders.artefact import current_id
from recommenders.history import ids

pytestmark = pytest.mark.embedded

LAST_DAY = "2026-06-30"


@pytest.fixture
def trained(new_home, guanxi, tmp_path):
    """A home with a bank of 400 customers, of whom each has some points, and its first model."""
    guanxi(new_home, "sample", tmp_path / "bank", "--customers", 400)
    rewrite(tmp_path / "bank", lambda number: str(number % 90))
    assert guanxi(new_home, "load", tmp_path / "bank").returncode == 0
    done = guanxi(new_home, "train", "--as-of", LAST_DAY, "--promote", "never")
    assert done.stdout.splitlines()[-1].startswith("In force: ")
    return new_home


def rewrite(bank, points):
    """Give every customer a column of points."""
    path = bank / "customers.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row["points"] = points(number)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_a_model_that_evaluates_worse_is_not_put_in_force_unless_that_is_asked_for(trained, guanxi, boast):
    models = trained / "models"
    first = current_id(models)
    boast(models, first)

    worse = guanxi(trained, "train", "--as-of", LAST_DAY)
    second = ids(models)[-1]
    lines = worse.stdout.splitlines()
    assert worse.returncode == 0
    assert f", of the live model {first} 0.9900: on the openings that both were measured on" in lines[-2]
    assert lines[-1] == (
        f"Not in force: it evaluates worse than {first} by more than 0.0495, which stays. "
        f"To put it in force: guanxi models promote {second}"
    )
    assert current_id(models) == first

    assert guanxi(trained, "models", "promote", second).returncode == 0
    never = guanxi(trained, "train", "--as-of", LAST_DAY, "--promote", "never")
    third = ids(models)[-1]
    assert never.stdout.splitlines()[-1] == (
        f"Not in force: not asked for; {second} stays. To put it in force: guanxi models promote {third}"
    )
    assert current_id(models) == second

    assert guanxi(trained, "models", "rollback").returncode == 0
    always = guanxi(trained, "train", "--as-of", LAST_DAY, "--promote", "always")
    assert always.stdout.splitlines()[-1] == f"In force: {models / ids(models)[-1]}"
    assert current_id(models) == ids(models)[-1]


def test_columns_that_are_not_what_was_learnt_are_found(trained, guanxi, tmp_path):
    unchanged = guanxi(trained, "models", "show", "--check")
    assert (unchanged.returncode, unchanged.stdout.splitlines()[-1]) == (
        0,
        "The customers' columns are what the model has learnt.",
    )

    rewrite(tmp_path / "bank", lambda number: f"P{number % 90}")
    assert guanxi(trained, "load", tmp_path / "bank").returncode == 0

    changed = guanxi(trained, "models", "show", "--check")
    assert (changed.returncode, changed.stdout.splitlines()[-1]) == (
        1,
        "column points held numbers and now holds words: it counts as unknown",
    )
