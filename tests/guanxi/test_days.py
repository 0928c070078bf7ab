import time
from datetime import UTC, date, datetime

import pytest

from guanxi.days import day


@pytest.fixture
def clock_of(monkeypatch):
    """Return a function: the machine's clock shows a zone's time until the test's end."""

    def show(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield show
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-14"])
def test_today_is_that_of_utc_as_the_api_has_it_wherever_the_machine_stands(clock_of, zone):
    clock_of(zone)

    before, today, after = datetime.now(UTC).date(), day(None), datetime.now(UTC).date()

    assert before <= today <= after


def test_a_day_asked_for_is_taken_as_it_stands():
    assert day(datetime(2026, 6, 30)) == date(2026, 6, 30)
