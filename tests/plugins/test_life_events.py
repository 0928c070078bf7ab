"""Life events: ours by the months of activity, and those of plugins, whose failures are their own."""

from datetime import date

import pytest

from graph.records import ActivityMonth
from plugins.host import PluginHost
from plugins.life_events import happenings
from recommenders.view import CustomerView

TODAY = date(2026, 6, 30)
LONG = date(2000, 1, 1), date(2100, 1, 1)
PLUGIN = """
from datetime import date
from guanxi import LifeEvent, hookimpl, say

def happens(customer):
    {body}

@hookimpl
def events(register):
    register(LifeEvent("MINE", {text}, happens))
"""
SAY = "say('It is mine.', '我的。')"


@pytest.fixture
def paid(person):
    """Return a function: a customer of whose last months, up to May, some brought a salary, marked by an ``x``."""

    def make(marks):
        months = [f"{2024 + n // 12}-{n % 12 + 1:02}" for n in range(29)][-len(marks) :]
        activity = (ActivityMonth(m, salary=9_000.0 if x == "x" else 0.0) for m, x in zip(months, marks, strict=True))
        return CustomerView(person(activity=tuple(activity)), TODAY)

    return make


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ("....x", ("SALARY_STARTED", date(2026, 5, 1))),
        (".xxxx", ("SALARY_STARTED", date(2026, 2, 1))),
        ("xx.xx", ("SALARY_STARTED", date(2026, 4, 1))),
        ("xxxxx", None),
        (".....", None),
        (".", None),
        ("x", None),
        ("xxx..", ("SALARY_STOPPED", date(2026, 4, 1))),
        ("xxxx.", None),
        (".xx..", None),
        ("xxx....", ("SALARY_STOPPED", date(2026, 2, 1))),
    ],
)
def test_a_salary_starts_and_stops(paid, marks, found):
    told = [(happening.code, happening.on) for happening in happenings(PluginHost.load(), paid(marks), *LONG)]

    assert told == ([found] if found else [])


def test_who_has_no_activity_has_no_events(person):
    assert happenings(PluginHost.load(), CustomerView(person(), TODAY), *LONG) == []


def test_what_is_outside_the_days_asked_for_is_not_there(paid):
    host, customer = PluginHost.load(), paid(".xxxx")

    assert happenings(host, customer, date(2026, 2, 2), TODAY) == []
    assert happenings(host, customer, date(2026, 1, 1), date(2026, 1, 31)) == []
    assert len(happenings(host, customer, date(2026, 2, 1), date(2026, 2, 1))) == 1


def test_those_of_plugins_come_among_ours_in_order(host_of, paid):
    host = host_of(own=PLUGIN.format(body="return date(2026, 3, 1)", text=SAY))

    found = happenings(host, paid(".xxxx"), *LONG)

    assert [happening.code for happening in found] == ["SALARY_STARTED", "MINE"]
    assert found[1].text == {"en": "It is mine.", "zh": "我的。"}


@pytest.mark.parametrize(
    ("body", "text", "why"),
    [
        ("raise KeyError('day')", SAY, "KeyError: 'day'"),
        ("raise SystemExit", SAY, "SystemExit: "),
        ("return '2026-03-01'", SAY, "TypeError: gave str as the day of MINE, not a date"),
        ("import datetime as d; return d.datetime(2026, 3, 1)", SAY, "TypeError: gave datetime as the day of MINE"),
        ("return date(2026, 3, 1)", "'Mine.'", "TypeError: registered the event 'MINE' without a text"),
    ],
)
def test_a_failure_is_counted_at_its_plugin_and_leaves_others_as_they_were(host_of, paid, body, text, why):
    host, customer = host_of(own=PLUGIN.format(body=body, text=text)), paid(".xxxx")

    found = happenings(host, customer, *LONG)

    assert found == happenings(PluginHost.load(), customer, *LONG) != []
    [own] = [info for info in host.plugins if info.name == "own"]
    assert (own.state, own.failures) == ("failing", 1)
    assert own.error.startswith(why)
    assert {info.state for info in host.plugins if info is not own} == {"loaded"}


def test_a_failure_is_logged_once_and_counted_each_time(host_of, paid, caplog):
    host = host_of(own=PLUGIN.format(body="raise KeyError(customer.customer_no)", text=SAY))

    for _ in range(5):
        happenings(host, paid(".xxxx"), *LONG)

    assert [record.getMessage() for record in caplog.records] == ["event MINE failed: KeyError"]
    assert host.plugins[-1].failures == 5
