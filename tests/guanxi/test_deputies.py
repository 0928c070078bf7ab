import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

pytestmark = pytest.mark.embedded

TODAY = datetime.now(UTC).date()
LATER = TODAY + timedelta(days=7)
USE = "guanxi deputies grant takes DEPUTY, MANAGER and --until, revoke takes both, list none."


@pytest.fixture
def managers(journey):
    return pl.read_csv(journey.bank / "managers.csv", infer_schema=False)["manager_no"].to_list()[:2]


def test_a_book_is_granted_listed_and_revoked(journey, guanxi, managers):
    deputy, manager = managers

    granted = guanxi(journey.home, "deputies", "grant", deputy, manager, "--until", LATER)
    listed = guanxi(journey.home, "deputies")
    as_json = guanxi(journey.home, "deputies", "list", "--json")
    revoked, again = [guanxi(journey.home, "deputies", "revoke", deputy, manager) for _ in range(2)]

    assert (granted.returncode, granted.stdout) == (0, f"{deputy} sees the book of {manager} until {LATER}.\n")
    assert listed.stdout.startswith(f"{deputy} sees the book of {manager} until {LATER} (granted by ")
    [told] = json.loads(as_json.stdout)
    assert (told["deputy_no"], told["manager_no"], told["until"]) == (deputy, manager, str(LATER))
    assert (revoked.returncode, revoked.stdout) == (0, f"{deputy} sees the book of {manager} no more.\n")
    assert (again.returncode, again.stdout) == (1, f"{deputy} was no deputy of {manager}.\n")
    assert guanxi(journey.home, "deputies", "list", "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("grant", "NOBODY", "ALSO", "--until", LATER), "There is no manager 'NOBODY'."),
        (("grant", "A", "A", "--until", LATER), "A manager is no deputy of himself."),
        (("grant", "A", "B", "--until", TODAY - timedelta(days=1)), "A grant ends today at the earliest, and within 366 days."),
        (("grant", "A", "B"), USE),
        (("grant", "A", "--until", LATER), USE),
        (("revoke", "A"), USE),
        (("list", "A", "B"), USE),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(journey, guanxi, arguments, line):
    done = guanxi(journey.home, "deputies", *arguments)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")
