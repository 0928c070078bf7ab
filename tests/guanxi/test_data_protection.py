"""Access report, erasure and retention as the desk's commands, on a bank of their own."""

import json
import subprocess
import zipfile
from types import SimpleNamespace

import polars as pl
import pytest

from graph import embedded
from recommenders import prospect_lists

pytestmark = pytest.mark.embedded

LAST_DAY = "2026-06-30"


@pytest.fixture(scope="module")
def desk(guanxi, tmp_path_factory):
    """A trained bank with kept lists of prospects; its customers, and who of them has nothing open that counts."""
    folder = tmp_path_factory.mktemp("desk")
    bank, home = folder / "bank", folder / "home"
    with embedded.join(home):
        for arguments in (
            ("sample", bank, "--customers", 150), ("load", bank), ("train", "--as-of", LAST_DAY),
            ("prospects", "--store", "--as-of", LAST_DAY),
        ):  # fmt: skip
            done = guanxi(home, *arguments)
            assert done.returncode == 0, done.stderr
        yield SimpleNamespace(
            bank=bank,
            home=home,
            numbers=pl.read_csv(bank / "customers.csv", infer_schema=False)["customer_no"].to_list(),
        )


@pytest.fixture(scope="module")
def person(desk):
    """A person who stands in a kept list, as his row of the bank's file says."""
    told = pl.read_csv(desk.bank / "customers.csv", infer_schema=False).rows_by_key(
        "customer_no", named=True, unique=True
    )
    kept = prospect_lists.read(desk.home / "models", "TERM-DEPOSIT", prospect_lists.BANK)
    number = next(prospect.customer_no for prospect in kept.best if told[prospect.customer_no]["kind"] == "person")
    return {"customer_no": number, **told[number]}


def texts(path):
    """Everything a file holds, unpacked where it is packed."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return [packed.read(name) for name in packed.namelist()]
    return [path.read_bytes()]


def files_that_name(folder, *numbers):
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(number.encode() in text for text in texts(path) for number in numbers)
    }


def test_the_report_is_json_for_this_users_eyes_only(desk, guanxi, person, tmp_path):
    printed = guanxi(desk.home, "access-report", person["customer_no"])
    out = tmp_path / "report.json"
    written = guanxi(desk.home, "access-report", person["customer_no"], "--output", out)

    one, other = json.loads(printed.stdout), json.loads(out.read_text())
    assert (one.pop("generated_at")[:10], written.stdout) == (other.pop("generated_at")[:10], "")
    assert one == other
    assert out.stat().st_mode & 0o777 == 0o600
    assert one.keys() == {"schema", "customer_no", "held", "derived"}
    assert one["held"].keys() == {
        "profile", "holdings", "memberships", "relations", "relations_stated_by_others", "accounts", "activity", "cards",
        "interactions", "outcomes", "consents", "deliveries", "requests", "other", "shadowed",
    }  # fmt: skip
    assert one["held"]["profile"]["name"] == person["name"]
    assert one["derived"].keys() == {
        "as_of", "model", "lifecycle_stage", "value_tier", "churn", "value", "segment", "prospect_lists",
    }  # fmt: skip
    assert one["derived"]["model"]


def test_no_model_names_a_customer_and_only_the_lists_do(desk):
    assert files_that_name(desk.home / "models", *desk.numbers) == {"prospects.sqlite"}


def test_erasure_leaves_nothing_of_him_and_files_do_not_bring_him_back(desk, guanxi, person):
    number = person["customer_no"]
    refused = guanxi(desk.home, "erase", number, "--reason", "he asked", "--yes")
    erased = guanxi(desk.home, "erase", number, "--reason", "he asked", "--yes", "--despite-open-holdings")
    again = guanxi(desk.home, "erase", number, "--reason", "he asked twice", "--yes")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("The customer still has open: ")
    assert (erased.returncode, erased.stderr, again.stdout) == (0, "", erased.stdout)
    assert files_that_name(desk.home / "models", number) == set()
    gone = guanxi(desk.home, "access-report", number)
    assert (gone.returncode, gone.stderr) == (2, f"There is no customer {number!r}.\n")

    proofs = json.loads(guanxi(desk.home, "erasures", "--json").stdout)
    asked = guanxi(desk.home, "erasures", "--customer", number)
    other = guanxi(desk.home, "erasures", "--customer", desk.numbers[-1])
    assert [proof["reason"] for proof in proofs] == ["he asked"]
    assert (asked.returncode, proofs[0]["erasure_id"] in asked.stdout) == (0, True)
    assert (other.returncode, other.stdout) == (1, "")

    loaded = guanxi(desk.home, "load", desk.bank)
    rejected = pl.read_csv(desk.home / "rejects.csv", infer_schema=False)
    assert loaded.returncode == 1
    assert set(rejected["reason"]) == {"is, or is of, a customer who was erased"}
    assert guanxi(desk.home, "access-report", number).returncode == 2
    assert guanxi(desk.home, "train", "--as-of", LAST_DAY).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("erase", "NOBODY", "--reason", "r", "--yes"), "There is no customer 'NOBODY'."),
        (("erase", "C1", "--reason", " ", "--yes"), "A reason has 1 to 500 characters."),
        (("access-report", "NOBODY"), "There is no customer 'NOBODY'."),
        (("retention",), "Everything is kept for ever: set GUANXI_KEEP_INTERACTIONS or another, in months."),
    ],
)
def test_wrong_use_is_one_line(desk, guanxi, arguments, line):
    done = guanxi(desk.home, *arguments)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")


def test_nobody_is_erased_without_being_asked_for(desk, command):
    given = command(desk.home, "erase", desk.numbers[0], "--reason", "r")
    done = subprocess.run(**given, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)

    assert (done.returncode, done.stderr) == (2, "Nobody can be asked whether that is meant: say --yes.\n")


def test_retention_says_what_would_go_removes_it_and_is_done(desk, guanxi):
    periods = {"GUANXI_KEEP_INTERACTIONS": "1", "GUANXI_KEEP_ACTIVITY": "6"}
    dry = json.loads(guanxi(desk.home, "retention", "--dry-run", "--json", **periods).stdout)
    run = json.loads(guanxi(desk.home, "retention", "--json", **periods).stdout)
    again = guanxi(desk.home, "retention", **periods)

    assert [part["part"] for part in run["parts"]] == ["interactions", "activity"]
    assert dry["parts"] == run["parts"]
    assert all(part["removed"] > 0 for part in run["parts"])
    assert again.returncode == 0
    assert [line.partition(" removed")[0] for line in again.stdout.splitlines()] == ["interactions: 0", "activity: 0"]


def test_who_is_lost_for_longer_than_customers_are_kept_is_erased_with_a_proof(guanxi, tmp_path):
    home, bank = tmp_path / "home", tmp_path / "bank"
    bank.mkdir()
    (bank / "products.csv").write_text("product_code,name,category\nSAVE,Savings,deposit\n")
    (bank / "customers.csv").write_text("customer_no,kind,joined_on\nGONE,person,2001-01-01\nHERE,person,2001-01-01\n")
    (bank / "holdings.csv").write_text(
        "customer_no,product_code,opened_on,closed_on\nGONE,SAVE,2001-01-01,2003-01-01\nHERE,SAVE,2001-01-01,\n"
    )
    with embedded.join(home):
        assert guanxi(home, "load", bank).returncode == 0
        done = guanxi(home, "retention", GUANXI_KEEP_CUSTOMERS="120")

        assert done.stdout.startswith("customers: 1 removed, of before ")
        assert guanxi(home, "erasures", "--customer", "GONE").returncode == 0
        assert guanxi(home, "access-report", "HERE").returncode == 0
