import json

import pytest

pytestmark = pytest.mark.embedded


def test_the_programmes_are_listed(journey, guanxi):
    done = guanxi(journey.home, "programmes")

    assert done.returncode == 0
    assert "MART-1           cobranded  Green Mart rewards, Green Mart" in done.stdout.splitlines()


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
