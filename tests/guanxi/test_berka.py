import json
from pathlib import Path

import polars as pl
import pytest

from graph import embedded

DATA = Path(__file__).parents[3] / "shared" / "data" / "berka"
LAST_DAY = "1998-12-31"
pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(not DATA.is_dir(), reason="Berka's data are not beside this checkout"),
]


@pytest.fixture(scope="module")
def home(guanxi, tmp_path_factory):
    """Berka's customers with their consent taken as given, and a model of them."""
    folder = tmp_path_factory.mktemp("home")
    with embedded.join(folder):
        loaded = guanxi(folder, "load", "--format", "berka", "--assume-consent", DATA, "--json")
        assert {file["rejected"] for file in json.loads(loaded.stdout)["files"]} == {0}
        trained = guanxi(folder, "train", "--as-of", LAST_DAY)
        assert "12,459 holdings of 5,369 customers and 11 products" in trained.stdout
        yield folder


@pytest.fixture(scope="module")
def offers(guanxi, home):
    out = home / "offers.parquet"
    done = guanxi(home, "recommend", "--all", "--as-of", LAST_DAY, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    return pl.read_parquet(out)


@pytest.fixture(scope="module")
def orders_and_loans():
    """Owners of accounts, and what the files say they have by the last day: a loan, an insurance payment."""
    owner = (
        read("disp")
        .filter(pl.col("type") == "OWNER")
        .select("account_id", pl.format("C{}", "client_id").alias("customer_no"))
    )
    loans = read("loan").select("account_id", pl.lit("LOAN").alias("product_code"))
    insured = (
        read("order")
        .filter(pl.col("k_symbol") == "POJISTNE")
        .select("account_id", pl.lit("INSURANCE-PAYMENT").alias("product_code"))
    )
    return pl.concat([loans, insured]).join(owner, "account_id").select("customer_no", "product_code")


def read(name):
    return pl.read_csv(DATA / f"{name}.asc", separator=";", infer_schema=False)


def test_nearly_everybody_is_offered_something(offers):
    assert offers["customer_no"].n_unique() > 0.95 * 5369
    assert offers["product_code"].n_unique() >= 9


def test_nothing_is_offered_that_the_files_say_is_held(offers, orders_and_loans):
    assert len(orders_and_loans) > 1000
    assert offers.join(orders_and_loans, ["customer_no", "product_code"]).is_empty()


def test_a_user_of_an_account_without_one_of_his_own_is_offered_no_card(offers):
    owners = read("disp").filter(pl.col("type") == "OWNER").select(pl.format("C{}", "client_id").alias("customer_no"))
    cards = offers.filter(pl.col("product_code").str.ends_with("-CARD"))

    assert len(cards) > 0
    assert cards.join(owners, "customer_no", how="anti").is_empty()


def test_explain_gives_reasons_and_says_what_is_held(guanxi, home, offers):
    why = guanxi(home, "explain", "C2", "--as-of", LAST_DAY).stdout
    why_not = guanxi(home, "explain", "C2", "LOAN", "--as-of", LAST_DAY).stdout

    assert all(f"({code})" in why for code in offers.filter(pl.col("customer_no") == "C2")["product_code"])
    assert "It goes well with your " in why
    assert why_not.startswith("Loan (LOAN) is not offered to C2: It is already held.\n")
