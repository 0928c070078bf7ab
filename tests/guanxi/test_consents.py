import json

import polars as pl
import pytest

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def refusing(journey):
    """Number and moment of a customer who agreed to offers, and then refused them on the phone."""
    said = pl.read_csv(journey.bank / "consents.csv", infer_schema=False)
    [number, moment] = said.filter(channel="phone").select("customer_no", "at").row(0)
    return number, moment


def test_what_holds_and_what_was_said_is_told(journey, guanxi, refusing):
    number, moment = refusing
    done = guanxi(journey.home, "consents", number)

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0] == "marketing  branch yes, phone no, web yes, mobile yes, atm yes, pos yes"
    assert lines[1] == "partners   branch yes, phone no, web yes, mobile yes, atm yes, pos yes"
    assert lines[2] == "profiling  branch yes, phone yes, web yes, mobile yes, atm yes, pos yes"
    assert lines[3].startswith(moment[:8])
    assert lines[3].endswith(" marketing on phone: no (file)")
    assert lines[4] == "at first         marketing on every channel: yes (file)"
    assert len(lines) == 5


def test_as_json_and_as_of_a_day_before(journey, guanxi, refusing):
    number, _ = refusing
    now, before = [
        json.loads(guanxi(journey.home, "consents", number, "--json", *day).stdout)
        for day in ((), ("--as-of", "2020-01-01"))
    ]

    assert (now["holds"]["marketing"]["phone"], before["holds"]["marketing"]["phone"]) == (False, True)
    assert [said["channel"] for said in now["history"]] == ["phone", None]
    assert before["history"] == now["history"][1:]
    assert now["history"][1] == {
        "purpose": "marketing", "granted": True, "channel": None, "at": None, "source": "file", "recorded_by": None,
        "version": 0,
    }  # fmt: skip


def test_of_nobody_nothing_is_told(journey, guanxi):
    done = guanxi(journey.home, "consents", "NOBODY")

    assert (done.returncode, done.stdout) == (2, "")
    assert "NOBODY" in done.stderr
