import polars as pl
import pytest

from graph.errors import LoadError
from loaders.bank_directory import BankDirectory
from loaders.importing import check_bank
from plugins.samples import write_sample


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "bank"
    write_sample(folder, 3000, 7)
    return folder


def table(folder, name):
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def test_the_same_seed_gives_the_same_bytes(sample, tmp_path):
    write_sample(tmp_path / "again", 3000, 7)
    write_sample(tmp_path / "other", 3000, 8)

    assert contents(tmp_path / "again") == contents(sample)
    assert contents(tmp_path / "other") != contents(sample)


def test_it_has_as_many_customers_as_asked(tmp_path, sample):
    assert len(table(sample, "customers")) == 3000
    for number in (1, 2, 5):
        write_sample(tmp_path / str(number), number, 1)
        assert len(table(tmp_path / str(number), "customers")) == number


async def test_every_row_is_good(sample, tmp_path):
    summary = await check_bank(BankDirectory(sample), tmp_path / "rejects.csv")

    assert summary.rejected == 0
    assert len(summary.files) == 13
    assert all(file.read for file in summary.files)


def test_the_story_is_there_to_be_found(sample):
    held = table(sample, "holdings").group_by("product_code").agg(pl.col("customer_no").unique())
    holders = {code: set(numbers) for code, numbers in held.rows()}
    spouses = set(table(sample, "relations").filter(pl.col("kind") == "spouse")["from_customer_no"])
    persons = set(table(sample, "customers").filter(pl.col("kind") == "person")["customer_no"])

    def share(product, among):
        return len(holders[product] & among) / len(among)

    assert share("MORTGAGE", spouses) > 2 * share("MORTGAGE", persons - spouses)
    assert share("HOME-INSURANCE", holders["MORTGAGE"]) > 0.5
    assert holders["HOME-INSURANCE"] <= holders["MORTGAGE"]
    assert share("AUTOPAY", holders["SALARY-ACCOUNT"]) > 3 * share("AUTOPAY", persons - holders["SALARY-ACCOUNT"])
    members = table(sample, "memberships").join(pl.DataFrame({"programme_code": ["CAMPUS-1"]}), "programme_code")[
        "customer_no"
    ]
    assert holders["CAMPUS-CARD-1"] <= set(members)


def test_an_existing_folder_is_left_alone(sample):
    before = contents(sample)

    with pytest.raises(LoadError, match="exists"):
        write_sample(sample, 10, 1)
    assert contents(sample) == before


def test_a_family_has_one_principal_tied_to_each_dependant_and_mostly_a_limit_to_share(sample):
    members = table(sample, "memberships").filter(pl.col("programme_code") == "FAMILY-1")
    principals, dependants = (
        set(members.filter(pl.col("role") == role)["customer_no"]) for role in ("principal", "dependant")
    )
    kin = table(sample, "relations").filter(
        pl.col("from_customer_no").is_in(dependants), pl.col("to_customer_no").is_in(principals)
    )
    limits = table(sample, "customers").filter(pl.col("customer_no").is_in(principals))["credit_limit"]

    assert sorted(kin["from_customer_no"]) == sorted(dependants)
    assert limits.is_not_null().sum() / len(limits) > 0.8


def test_its_programmes_and_products_say_what_the_shipped_plugins_ask_for(sample):
    benefits = table(sample, "programmes").filter(pl.col("benefit").is_null() | pl.col("benefit_zh").is_null())
    purposes = table(sample, "products").filter(pl.col("purpose").is_not_null()).select("product_code", "purpose")

    assert set(benefits["kind"]) == {"family"}
    assert dict(purposes.rows()) == {
        "SALARY-ACCOUNT": "first_salary",
        "STUDENT-LOAN": "study",
        "WORKING-CAPITAL-LOAN": "working_capital",
    }
