import io
import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal

pytestmark = pytest.mark.embedded

COLUMNS = ["customer_no", "rank", "product_code", "score", "propensity", "recommenders", "reason"]
PLUGIN = """
from guanxi import Proposal, recommender

@recommender("everybody-saves")
def propose(customer):
    yield Proposal("TERM-DEPOSIT", score=1.0, reason="Saving is never wrong.")
"""
BUNDLE = """
from guanxi import BundleRule, hookimpl, say

@hookimpl
def bundles(register, catalogue):
    register(BundleRule("OWN", {codes}, say("Two in one", "二合一"), say("{benefit}", "划算。")))
"""


@pytest.fixture(scope="module")
def offers(journey, guanxi, last_day):
    """Everybody's offers, as the file that was written."""
    out = journey.home / "offers.parquet"
    done = guanxi(journey.home, "recommend", "--all", "--out", out, "--as-of", last_day)
    assert (done.returncode, done.stderr) == (0, "")
    return pl.read_parquet(out)


@pytest.fixture(scope="module")
def held(journey, last_day):
    """Customers and products held on the last day."""
    dated = pl.read_csv(journey.bank / "holdings.csv", infer_schema=False)
    opened = pl.col("opened_on").is_null() | (pl.col("opened_on") <= last_day)
    still = pl.col("closed_on").is_null() | (pl.col("closed_on") > last_day)
    return dated.filter(opened & still).select("customer_no", "product_code")


def counts(done):
    return {name: [file[name] for file in json.loads(done.stdout)["files"]]
            for name in ("read", "loaded", "unchanged", "rejected")}  # fmt: skip


def test_a_sample_bank_has_as_many_customers_as_asked(journey):
    assert journey.sampled.returncode == 0
    assert len(pl.read_csv(journey.bank / "customers.csv", infer_schema=False)) == 300


def test_check_finds_every_row_good_and_writes_nothing(journey):
    found = counts(journey.checked)

    assert journey.checked.returncode == 0
    assert sum(found["read"]) > 300
    assert sum(found["loaded"] + found["unchanged"] + found["rejected"]) == 0


def test_load_takes_in_every_row(journey):
    assert journey.loaded.returncode == 0
    assert counts(journey.loaded)["loaded"] == counts(journey.checked)["read"]


def test_a_second_load_writes_nothing(journey):
    assert journey.again.returncode == 0
    assert counts(journey.again)["unchanged"] == counts(journey.checked)["read"]
    assert sum(counts(journey.again)["loaded"]) == 0


def test_before_a_model_the_fallback_answers(journey):
    offered = pl.read_csv(io.StringIO(journey.before_a_model.stdout))

    assert journey.before_a_model.returncode == 0
    assert offered["customer_no"].n_unique() > 100
    assert offered["recommenders"].str.contains("popularity").all()
    assert not offered["recommenders"].str.contains("als").any()


def test_train_says_what_it_learnt_from_and_puts_the_model_in_force(journey, held, last_day):
    [current] = [path for path in (journey.home / "models").iterdir() if path.is_dir()]

    assert journey.trained.returncode == 0
    assert f"{len(held):,} holdings of 300 customers" in journey.trained.stdout
    assert f"as of {last_day}" in journey.trained.stdout
    assert f"In force: {current}" in journey.trained.stdout


def test_recommend_all_writes_one_row_an_offer(offers):
    assert offers.columns == COLUMNS
    assert offers["customer_no"].n_unique() > 100
    assert offers["recommenders"].str.contains("als").any()
    assert offers["propensity"].is_between(0, 1).all()


def test_ranks_run_from_one_without_gaps(offers):
    ranks = offers.group_by("customer_no", maintain_order=True).agg("rank")["rank"].to_list()

    assert all(row == [*range(1, len(row) + 1)] for row in ranks)
    assert max(len(row) for row in ranks) == 3


def test_nothing_that_is_held_is_offered(offers, held):
    assert len(held) > 1000
    assert offers.join(held, ["customer_no", "product_code"]).is_empty()


def test_nobody_is_offered_anything_without_his_consent(journey, offers):
    of_files = pl.read_csv(journey.bank / "customers.csv", infer_schema=False).filter(marketing_consent="true")
    since = pl.read_csv(journey.bank / "consents.csv", infer_schema=False).filter(purpose="marketing", granted="true")
    asked = pl.concat([rows.select("customer_no") for rows in (of_files, since)])

    assert len(asked) < 300
    assert offers.join(asked, "customer_no", how="anti").is_empty()


def test_csv_says_what_parquet_says(journey, guanxi, offers, last_day):
    out = journey.home / "offers.csv"

    done = guanxi(journey.home, "recommend", "--all", "--out", out, "--as-of", last_day)

    assert done.stdout == f"{out}: {len(offers):,} offers.\n"
    assert pl.read_csv(out, schema=offers.schema).equals(offers)
    assert [path.name for path in out.parent.glob(".offers*")] == []


def test_recommend_prints_one_customers_offers_as_the_file_has_them(journey, guanxi, offers, last_day):
    customer = offers["customer_no"][0]

    done = guanxi(journey.home, "recommend", "--customer", customer, "--as-of", last_day)

    printed = pl.read_csv(io.StringIO(done.stdout), schema=offers.schema)
    assert_frame_equal(printed, offers.filter(pl.col("customer_no") == customer), check_exact=False)


def test_top_is_the_number_of_offers(journey, guanxi, offers, last_day):
    customer = offers.filter(pl.col("rank") == 3)["customer_no"][0]

    done = guanxi(journey.home, "recommend", "--customer", customer, "--top", 1, "--as-of", last_day)

    assert len(done.stdout.splitlines()) == 1 + 1


def test_explain_tells_every_stage_of_a_customers_offers(journey, guanxi, offers, last_day):
    customer = offers["customer_no"][0]
    offered = offers.filter(pl.col("customer_no") == customer)

    done = guanxi(journey.home, "explain", customer, "--as-of", last_day)

    heads = [line for line in done.stdout.splitlines() if line[0].isdigit()]
    assert [head.rpartition("(")[2].rstrip(")") for head in heads] == offered["product_code"].to_list()
    assert f"“{offered['reason'][0]}”" in done.stdout
    assert all(
        stage in done.stdout for stage in ("candidates:", "gates:", "rank:", "arbitrate:", "bundle:", "reasons:")
    )


def test_explain_tells_why_a_product_is_offered(journey, guanxi, offers, last_day):
    customer, rank, product = offers.select(COLUMNS[:3]).row(1)

    done = guanxi(journey.home, "explain", customer, product, "--as-of", last_day)

    assert done.stdout.splitlines()[0].endswith(f"({product}) is offered to {customer}, at rank {rank}.")


def test_explain_tells_that_a_product_is_held_already(journey, guanxi, held, last_day):
    customer, product = held.row(0)

    done = guanxi(journey.home, "explain", customer, product, "--as-of", last_day)

    assert done.returncode == 0
    assert done.stdout.splitlines()[0].endswith(f"({product}) is not offered to {customer}: It is already held.")


def test_plugins_lists_what_is_shipped(journey, guanxi):
    done = guanxi(journey.home, "plugins", "--json")

    assert done.returncode == 0
    assert {name for plugin in json.loads(done.stdout) for name in plugin["recommenders"]} >= {"als", "popularity"}


def test_a_plugins_proposal_becomes_an_offer_in_its_own_words(journey, guanxi, offers, held, last_day, tmp_path):
    (tmp_path / "saving.py").write_text(PLUGIN)
    adults = pl.read_csv(journey.bank / "customers.csv", infer_schema=False).filter(pl.col("birth_date") < "2000")
    savers = held.filter(pl.col("product_code") == "TERM-DEPOSIT")
    customer = offers.join(adults, "customer_no").join(savers, "customer_no", how="anti")["customer_no"][0]
    asked = ("recommend", "--customer", customer, "--top", 40, "--as-of", last_day)

    listed = guanxi(journey.home, "plugins", GUANXI_PLUGINS=str(tmp_path))
    told = guanxi(journey.home, *asked, GUANXI_PLUGINS=str(tmp_path))

    assert "everybody-saves" in listed.stdout
    [offer] = [line for line in told.stdout.splitlines() if ",TERM-DEPOSIT," in line]
    assert "everybody-saves" in offer
    assert "everybody-saves" not in guanxi(journey.home, *asked).stdout


def test_a_broken_plugin_is_listed_with_its_error_and_the_rest_goes_on(journey, guanxi, tmp_path, last_day):
    (tmp_path / "wrong.py").write_text("1 / 0")

    listed = guanxi(journey.home, "plugins", GUANXI_PLUGINS=str(tmp_path))
    told = guanxi(journey.home, "recommend", "--all", "--as-of", last_day, GUANXI_PLUGINS=str(tmp_path))

    assert listed.returncode == 1
    assert "ZeroDivisionError: division by zero" in listed.stdout
    assert told.returncode == 0
    assert len(told.stdout.splitlines()) > 100


def test_format_prints_the_documentation_of_the_bank_directory(journey, guanxi):
    done = guanxi(journey.home, "format")

    assert done.returncode == 0
    assert "## customers" in done.stdout


@pytest.mark.parametrize("benefit", ["It pays", "It pays."])
def test_a_bundle_is_explained_in_sentences(journey, guanxi, offers, tmp_path, last_day, benefit):
    customer, first, second = offers.filter(pl.len().over("customer_no") > 1).head(2).pivot(
        "rank", index="customer_no", values="product_code"
    ).row(0)  # fmt: skip
    (tmp_path / "own.py").write_text(BUNDLE.format(codes=(first, second), benefit=benefit))

    done = guanxi(journey.home, "explain", customer, "--as-of", last_day, GUANXI_PLUGINS=str(tmp_path))

    [own] = [line for line in done.stdout.splitlines() if line.startswith("Bundle Two in one")]
    assert own.endswith(". It pays.")
