"""``guanxi prospects``: who is likely to take a product, who is like a list, and what is kept for the API."""

import io

import polars as pl
import pytest

from recommenders import prospect_lists

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def find(journey, guanxi, last_day):
    """Return a function that runs ``guanxi prospects …`` on the sample bank."""

    def run(*arguments):
        return guanxi(journey.home, "prospects", *arguments, "--as-of", last_day)

    return run


@pytest.fixture(scope="module")
def customers(journey):
    return pl.read_csv(journey.bank / "customers.csv", infer_schema=False)


def test_prospects_are_listed_with_what_to_expect_of_them(find, customers):
    done = find("TERM-DEPOSIT", "--top", 10)
    found = pl.read_csv(io.StringIO(done.stdout))

    assert done.returncode == 0
    assert found.columns == ["rank", "customer_no", "propensity", "expected_takers", "expected_value"]
    assert found["rank"].to_list() == [*range(1, 11)]
    assert found["propensity"].is_sorted(descending=True)
    assert found["expected_takers"][-1] == pytest.approx(found["propensity"].sum(), rel=1e-4)
    consenting = customers.filter(pl.col("marketing_consent") == "true")["customer_no"]
    assert set(found["customer_no"].cast(pl.String)) <= set(consenting)
    assert "of 300 customers may be offered it; refused by" in done.stderr
    assert "Best        10:" in done.stderr


def test_where_more_are_asked_for_than_there_are_all_are_listed(find, tmp_path):
    done = find("TERM-DEPOSIT", "--top", 100_000, "--out", tmp_path / "whole.parquet")

    found = pl.read_parquet(tmp_path / "whole.parquet")["customer_no"]
    assert done.stderr == ""
    assert f"{len(found)} of 300 customers may be offered it" in done.stdout
    assert 100 < found.n_unique() == len(found) < 300


def test_the_like_of_a_list_are_listed_without_it(find, customers, tmp_path):
    listed = customers["customer_no"][:60]
    pl.DataFrame({"customer_no": listed}).write_csv(tmp_path / "list.csv")

    done = find("--like", tmp_path / "list.csv", "--top", 15)
    found = pl.read_csv(io.StringIO(done.stdout), infer_schema=False)

    assert (done.returncode, len(found)) == (0, 15)
    assert not set(found["customer_no"]) & set(listed)
    assert "of 240 other customers may be approached; refused by NO_CONSENT" in done.stderr
    assert "Learnt from 60 of the list and 240 others; AUC" in done.stderr


def test_every_products_prospects_are_kept_for_the_api(find, journey):
    done = find("--store")
    found = prospect_lists.read(journey.home / "models", "TERM-DEPOSIT", prospect_lists.BANK)

    assert (done.returncode, done.stderr) == (0, "")
    assert "prospects.sqlite: the prospects of" in done.stdout
    assert found.customers == 300
    assert str(found.as_of) == "2026-06-30"
    assert journey.home / "models" / found.model_id in (journey.home / "models").iterdir()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["NONE"], "There is no product 'NONE'."),
        ([], "Name a PRODUCT, or --like FILE, or --store."),
        (["TERM-DEPOSIT", "--store"], "Name a PRODUCT, or --like FILE, or --store."),
        (["TERM-DEPOSIT", "--region", "Atlantis"], "There is no customer of the region 'Atlantis'."),
        (["TERM-DEPOSIT", "--out", "list.txt"], "list.txt is neither .csv nor .parquet."),
        (["--like", "nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(find, arguments, said):
    done = find(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("written", "said"), [("number\n1\n", "has no column customer_no"), ("customer_no\nX\n", "names 0 customers")]
)
def test_a_list_that_cannot_be_learnt_from_is_refused(find, tmp_path, written, said):
    (tmp_path / "list.csv").write_text(written)

    done = find("--like", tmp_path / "list.csv")

    assert done.returncode == 2
    assert said in done.stderr


def test_an_empty_bank_without_a_model_is_said_to_be_one(guanxi, new_home):
    done = guanxi(new_home, "prospects", "TERM-DEPOSIT")

    assert (done.returncode, done.stderr) == (2, "There is no product 'TERM-DEPOSIT'.\n")


def test_without_a_model_nobody_is_foreseen(guanxi, journey, new_home):
    guanxi(new_home, "load", journey.bank)

    for arguments in (["TERM-DEPOSIT"], ["--store"]):
        done = guanxi(new_home, "prospects", *arguments)
        assert done.returncode == 2
        assert "run guanxi train" in done.stderr
