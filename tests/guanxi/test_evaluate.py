import json

import polars as pl
import pytest

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def evaluated(journey, guanxi, last_day):
    """Return what the command said, and its folder."""
    out = journey.home / "told"
    return guanxi(journey.home, "evaluate", "--as-of", last_day, "--out", out), out


def test_evaluate_prints_a_table_and_writes_json_and_a_page(evaluated):
    done, out = evaluated

    assert (done.returncode, done.stderr) == (0, "")
    for said in ("Learnt until", "ranker, gated", "popularity", "Gates refused", "Reliability", "gender: widest gap"):
        assert said in done.stdout
    found = json.loads((out / "evaluation.json").read_text())
    assert found["systems"].keys() >= {"als", "relations", "lifecycle", "popularity", "campus", "ranker", "engine"}
    assert found["openers"] > 0
    assert (out / "evaluation.html").read_text().startswith("<!DOCTYPE html>")


def test_evaluate_does_not_touch_the_model_in_force(journey, evaluated):
    [current] = [path for path in (journey.home / "models").iterdir() if path.is_dir()]

    assert str(current) in journey.trained.stdout
    assert evaluated[0].returncode == 0


def test_json_goes_to_standard_output_and_what_is_too_much_fails_by_name(journey, guanxi, last_day):
    done = guanxi(journey.home, "evaluate", "--as-of", last_day, "--json", "--protected", "region", "--max-gap", "0")

    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["fairness"].keys() == {"gender", "region"}
    assert done.stderr.splitlines() == found["failures"]
    assert any(said.startswith("The offer rate of ") for said in found["failures"])


def test_a_holdout_is_scored_and_strangers_in_it_are_told(journey, guanxi, last_day, tmp_path):
    held = pl.read_csv(journey.bank / "holdings.csv", infer_schema=False).select("customer_no", "product_code")
    people = pl.read_csv(journey.bank / "customers.csv", infer_schema=False)["customer_no"].to_list()
    product = held["product_code"].value_counts().sort("count")["product_code"][0]
    owners = set(held.filter(pl.col("product_code") == product)["customer_no"])
    unheld = [person for person in people if person not in owners][:50]
    rows = [*((person, product) for person in unheld), ("NOBODY", product), (people[0], "NOTHING")]
    file = tmp_path / "holdout.csv"
    pl.DataFrame(rows, ["customer_no", "product_code"], orient="row").write_csv(file)

    done = guanxi(journey.home, "evaluate", "--as-of", last_day, "--holdout", file, "--json")

    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert "The bank has no such customers: NOBODY (1)." in done.stderr
    assert "The bank has no such products: NOTHING (1)." in done.stderr
    assert found["holdout"] == {"pairs": 52, "known": 50, "unknown_customers": 1, "unknown_products": 1}
    assert (found["split"]["how"], found["openings"]) == ("holdout", 50)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("customer,product_code\nC1,A\n", "has no column customer_no; it has customer, product_code."),
        ("customer_no,product_code\nNOBODY,NOTHING\n", "the bank has no pair of the holdout"),
        ("", "cannot be read as CSV"),
    ],
)
def test_a_holdout_that_cannot_be_used_is_refused(journey, guanxi, last_day, tmp_path, text, line):
    file = tmp_path / "holdout.csv"
    file.write_text(text)

    done = guanxi(journey.home, "evaluate", "--as-of", last_day, "--holdout", file)

    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr.splitlines()[-1]


def test_a_bank_with_nothing_to_evaluate_says_why(new_home, guanxi):
    done = guanxi(new_home, "evaluate")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There are no customers and products to evaluate; run guanxi load first.\n"
