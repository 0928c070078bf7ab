"""A bank in a notebook: frames, views and offers, from synchronous code and from inside a running loop."""

import subprocess
import sys
from datetime import date

import polars as pl
import pytest

import guanxi
from graph.errors import NotFound
from guanxi.bank import Bank
from guanxi.testing.drawn import sample_bank
from loaders.tables import CONTRACT, TABLES
from plugins.host import PluginHost


@pytest.fixture(scope="module")
def bank(journey):
    with guanxi.open(journey.home, today=date(2026, 6, 30)) as opened:
        yield opened


@pytest.mark.parametrize("name", TABLES)
def test_every_table_comes_back_as_it_was_loaded(bank, journey, name):
    written = pl.read_csv(journey.bank / f"{name}.csv", infer_schema=False)
    frame = bank.table(name)
    if name == "consents":  # what the customers file says of consent is there, too, at no moment
        frame = frame.filter(pl.col("at").is_not_null())
    assert frame.height == written.height
    unwritten = set(CONTRACT) if name == "programmes" else set()  # the sample bank's partners agreed on nothing
    assert set(written.columns) == set(frame.columns) - unwritten
    keys = [key for key in TABLES[name].key if key != "at"]
    texts = frame.select(pl.col(keys).cast(pl.String)).sort(keys)
    assert texts.equals(written.select(pl.col(keys)).sort(keys))


def test_columns_have_the_types_of_the_format(bank):
    types = bank.table("customers").schema
    assert (types["birth_date"], types["income"], types["marketing_consent"]) == (pl.Date, pl.Float64, pl.Boolean)


def test_offers_are_those_of_the_command(bank, guanxi, journey, last_day):
    said = guanxi(journey.home, "recommend", "--all", "--as-of", last_day).stdout
    told = pl.read_csv(said.encode(), schema_overrides={"customer_no": pl.String})
    offers = bank.offers(bank.table("customers")["customer_no"].sort())
    assert offers.height > 100
    assert offers["product_code"].to_list() == told["product_code"].to_list()


def test_what_is_unknown_is_named(bank):
    with pytest.raises(NotFound, match="customer 'NOBODY'"):
        bank.customer("NOBODY")
    with pytest.raises(NotFound, match="table 'nothing'"):
        bank.table("nothing")
    with pytest.raises(NotFound, match="recommender 'nobody'"):
        bank.learnt("nobody")


async def test_it_answers_inside_a_running_loop_as_a_notebook_has(bank):
    assert bank.customer(bank.table("customers")["customer_no"][0]).customer_no


def test_python_ends_with_a_bank_that_nobody_closed(journey):
    code = "import sys, guanxi; bank = guanxi.open(sys.argv[1]); print(bank.table('customers').height)"
    ran = subprocess.run([sys.executable, "-c", code, journey.home], capture_output=True, text=True, timeout=60)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "300\n", "")


def test_what_is_trained_here_makes_no_feature_of_protected_columns():
    with sample_bank(60) as bank:
        settings = bank.settings.model_copy(update={"protected": ("gender",)})
        with Bank(settings, host=PluginHost.load(), today=bank.today) as own:
            assert own.train().training["protected"] == ["gender"]
