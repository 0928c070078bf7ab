import json

import polars as pl
import pytest

pytestmark = pytest.mark.embedded

LISTED = "MART-1           cobranded  Green Mart rewards, Green Mart"


def test_the_programmes_are_listed(journey, guanxi):
    done = guanxi(journey.home, "programmes")

    assert done.returncode == 0
    assert LISTED in done.stdout.splitlines()


def test_the_report_tells_of_members_and_not_of_the_few(journey, guanxi):
    done = guanxi(journey.home, "programmes", "report", "FAMILY-1", "--as-of", "2026-07-01")
    told = json.loads(
        guanxi(journey.home, "programmes", "report", "FAMILY-1", "--as-of", "2026-07-01", "--json").stdout
    )

    assert done.returncode == 0
    assert told["members"] >= 20
    assert f"members          {told['members']}" in done.stdout.splitlines()
    assert "saw an offer     fewer than can be told" in done.stdout.splitlines()
    assert (told["as_of"], told["shown"], told["taken_periods"]) == ("2026-06-30", None, [])
    assert [own["name"] for own in told["breakdowns"]] == ["roles"]
    assert all(group["members"] >= 20 for own in told["breakdowns"] for group in own["groups"])


def test_a_programme_that_is_not_there_and_one_that_is_left_out(journey, guanxi):
    done = guanxi(journey.home, "programmes", "report", "NONE")
    assert (done.returncode, done.stdout) == (2, "")
    assert "NONE" in done.stderr

    without = guanxi(journey.home, "programmes", "report", "FAMILY-1", "--json", GUANXI_WITHOUT="family")
    assert json.loads(without.stdout)["breakdowns"] == []

    wrong = guanxi(journey.home, "plugins", GUANXI_WITHOUT="kampus")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert (
        "GUANXI_WITHOUT names 'kampus'; what can be left out is campus, tobacco, family, cobranded, sample_bank."
        in wrong.stderr
    )


def test_a_month_that_is_not_over_is_not_told(journey, guanxi):
    done = guanxi(journey.home, "programmes", "report", "FAMILY-1", "--as-of", "2999-01-01")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "is yet to come" in done.stderr


def test_a_contract_is_loaded_alone_and_told_with_what_is_used_of_it(journey, guanxi, tmp_path):
    [mart] = pl.read_csv(journey.bank / "programmes.csv", infer_schema=False).filter(programme_code="MART-1").to_dicts()
    agreed = {"budget": "1000", "benefit_cost": "20", "quota": "40", "regions": "yunnan|Yunnan", "ends_on": "2030-12-31",
              "blackout_days": "2026-12-24|2026-12-30/2027-01-02"}  # fmt: skip
    pl.DataFrame([mart | agreed]).write_csv(tmp_path / "programmes.csv")

    loaded = guanxi(journey.home, "load", tmp_path, "--json")
    checked = guanxi(journey.home, "check", tmp_path)
    listed = guanxi(journey.home, "programmes").stdout.splitlines()
    pl.DataFrame([mart]).write_csv(tmp_path / "programmes.csv")
    without = guanxi(journey.home, "load", tmp_path)
    again = guanxi(journey.home, "programmes").stdout.splitlines()
    logged = [json.loads(line) for line in guanxi(journey.home, "audit", "list", "--json").stdout.splitlines()]

    assert (loaded.returncode, json.loads(loaded.stdout)["files"][0]["loaded"]) == (0, 1)
    assert loaded.stderr == (
        "The contract of MART-1 is for 'yunnan' (is 'Yunnan' meant?), and no customer lives there.\n"
        f"{tmp_path} has no products, customers, holdings: what the store has of them stays as it is.\n"
    )
    assert (checked.returncode, checked.stderr.partition(": ")[0]) == (
        2,
        f"{tmp_path} has no products, customers, holdings",
    )
    assert without.stderr == loaded.stderr.partition("\n")[2]
    assert (without.returncode, again) == (0, [line for line in listed if not line.startswith(" ")])
    assert [line.strip() for line in listed[listed.index(LISTED) + 1 :][:1]] == [
        f"0 of 40 places taken; 0.00 of 1,000.00 spent; from {mart['starts_on']}; until 2030-12-31; in yunnan, Yunnan; "
        "not on 2026-12-24, 2026-12-30 to 2027-01-02"
    ]
    assert (logged[0]["operation"], json.loads(logged[0]["details"])) == ("guanxi load", {"programmes.csv": 1})


MOODY = """
from guanxi import Breakdown, hookimpl

def group(members, day):
    {body}

@hookimpl
def breakdowns(register):
    register(Breakdown("cobranded", "moods", group))
"""


def test_a_breakdown_that_fails_is_not_in_the_report_until_it_works(journey, guanxi, tmp_path):
    asked = (journey.home, "programmes", "report", "MART-1", "--as-of", "2026-07-01")
    (tmp_path / "mine.py").write_text(MOODY.format(body="return 1 / 0"))
    failed = guanxi(*asked, GUANXI_PLUGINS=str(tmp_path))
    [report] = json.loads(guanxi(journey.home, "plugins", "failures", "mine", "--json").stdout)
    again = guanxi(journey.home, "plugins", "reproduce", report["file"], tmp_path / "mine.py")
    (tmp_path / "mine.py").write_text(MOODY.format(body="return 'all'"))
    works = guanxi(*asked, GUANXI_PLUGINS=str(tmp_path))
    (tmp_path / "mine.py").write_text(MOODY.format(body="return 'all'").replace("moods", "tempers"))
    fresh = guanxi(*asked, GUANXI_PLUGINS=str(tmp_path))

    assert (failed.returncode, " by years" in failed.stdout, " by moods" in failed.stdout) == (0, True, False)
    assert failed.stderr.splitlines() == ["breakdown moods of plugin mine failed: ZeroDivisionError in mine.py:5"]
    assert (report["hook"], report["item"]) == ("breakdowns", "moods")
    assert (again.returncode, again.stderr) == (
        2, "moods cannot be asked again by itself: it failed on counts of members; guanxi programmes report asks it.\n"
    )  # fmt: skip
    assert (works.returncode, works.stderr) == (0, "")
    assert " by years        fewer than can be told" in works.stdout.splitlines()
    assert " by moods" in works.stdout.splitlines()
    assert " by tempers      not counted yet" in fresh.stdout.splitlines()
