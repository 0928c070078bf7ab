from datetime import date
from pathlib import Path

import polars as pl
import pytest

from loaders.berka import Berka
from loaders.importing import load_bank

DATA = Path(__file__).parents[3] / "shared" / "data" / "berka"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="Berka's data are not beside this checkout")


@pytest.fixture(scope="module")
def told():
    berka = Berka(DATA)
    return {name: pl.concat([*berka.frames(name)]) for name in berka.tables()}


def test_every_client_is_a_customer_with_gender_and_birth_date(told):
    customers = told["customers"]

    assert len(customers) == 5369
    assert dict(customers.group_by("gender").len().rows()) == {"male": 2724, "female": 2645}
    first = customers.filter(pl.col("customer_no") == "C1").row(0, named=True)
    assert (first["gender"], first["birth_date"]) == ("female", "1970-12-13")
    assert customers["joined_on"].null_count() == 0
    assert customers["marketing_consent"].null_count() == 5369


def test_holdings_come_from_every_table_and_their_dates_from_what_it_shows(told):
    counts = dict(told["holdings"].group_by("product_code").len().rows())

    assert {code: counts[code] for code in ("CURRENT-ACCOUNT", "LOAN", "CLASSIC-CARD", "JUNIOR-CARD", "GOLD-CARD")} == {
        "CURRENT-ACCOUNT": 4500, "LOAN": 682, "CLASSIC-CARD": 659, "JUNIOR-CARD": 145, "GOLD-CARD": 88,
    }  # fmt: skip
    payments = told["holdings"].filter(pl.col("product_code").is_in(["HOUSEHOLD-PAYMENT", "LEASING", "PENSION-CREDIT"]))
    assert payments["opened_on"].max() <= "1994-03-31"
    assert payments.filter(pl.col("product_code") == "LEASING")["opened_on"].null_count() == 341
    assert not any("status" in column for column in told["holdings"].columns)


def test_nothing_is_invented_beyond_the_transactions(told):
    assert told["activity"]["month"].max() == "1994-03"
    assert told["activity"]["account_no"].n_unique() == 1229
    assert told["activity"]["transactions"].cast(int).sum() == 49102


async def test_every_row_loads(empty_store, tmp_path):
    summary = await load_bank(empty_store, Berka(DATA, assume_consent=True), tmp_path / "rejects.csv")

    assert summary.rejected == 0
    [customer] = await empty_store.read(
        "MATCH (c:Customer {customer_no: 'C2'}) RETURN c.birth_date AS born, c.marketing_consent AS consent, "
        "c.x_district_average_salary AS salary, c.region AS region"
    )
    assert customer == {"born": date(1945, 2, 4), "consent": True, "salary": 12541.0, "region": "Prague"}
    users = await empty_store.read(
        "MATCH (:Customer)-[r:RELATED {kind: 'account_user'}]->(:Customer) RETURN count(r) AS n"
    )
    assert users == [{"n": 869}]
