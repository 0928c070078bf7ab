"""Life events: ours by the months of activity, and those of plugins, whose failures are their own."""

from datetime import date

import pytest

from graph.records import ActivityMonth
from graph.words import PluginStage
from plugins.host import PluginHost
from plugins.isolation.events import ENDED_TO_CLOSE
from plugins.isolation.modes import Isolation
from plugins.life.stages import Life, Lives, is_in_share
from plugins.life_events import happenings
from recommenders.view import CustomerView

TODAY = date(2026, 6, 30)
LONG = date(2000, 1, 1), date(2100, 1, 1)
ALL_LIVE = Lives()
DRAFT, SHADOW, SHARE, LIVE, RETIRED = PluginStage
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
    told = [(happening.code, happening.on) for happening in happenings(PluginHost.load(), ALL_LIVE, paid(marks), *LONG)]

    assert told == ([found] if found else [])


def test_who_has_no_activity_has_no_events(person):
    assert happenings(PluginHost.load(), ALL_LIVE, CustomerView(person(), TODAY), *LONG) == []


def test_what_is_outside_the_days_asked_for_is_not_there(paid):
    host, customer = PluginHost.load(), paid(".xxxx")

    assert happenings(host, ALL_LIVE, customer, date(2026, 2, 2), TODAY) == []
    assert happenings(host, ALL_LIVE, customer, date(2026, 1, 1), date(2026, 1, 31)) == []
    assert len(happenings(host, ALL_LIVE, customer, date(2026, 2, 1), date(2026, 2, 1))) == 1


def test_those_of_plugins_come_among_ours_in_order(host_of, paid):
    host = host_of(own=PLUGIN.format(body="return date(2026, 3, 1)", text=SAY))

    found = happenings(host, ALL_LIVE, paid(".xxxx"), *LONG)

    assert [happening.code for happening in found] == ["SALARY_STARTED", "MINE"]
    assert found[1].text == {"en": "It is mine.", "zh": "我的。"}


@pytest.mark.parametrize(
    ("life", "percent"),
    [(Life(DRAFT), 0), (Life(SHADOW), 0), (Life(SHARE, 30), 30), (Life(LIVE), 100), (Life(RETIRED), 0)],
    ids=str,
)
def test_those_of_a_plugin_happen_to_customers_of_whom_it_decides(host_of, person, life, percent):
    host, lives = host_of(own=PLUGIN.format(body="return date(2026, 3, 1)", text=SAY)), Lives({"own": life})
    numbers = [f"C{n}" for n in range(60)]

    told = [no for no in numbers if happenings(host, lives, CustomerView(person(no), TODAY), *LONG)]

    assert told == [no for no in numbers if is_in_share("own", no, percent)]


def test_one_that_decides_of_nobody_is_not_asked(host_of, paid):
    host = host_of(own=PLUGIN.format(body="raise KeyError", text=SAY))

    happenings(host, Lives({"own": Life(RETIRED)}), paid(".xxxx"), *LONG)

    assert host.plugins[-1].failures == 0


def test_of_plugins_on_which_nobody_decided_those_that_are_shipped_are_live_and_others_begin_as_is_said(host_of, paid):
    host = host_of(own=PLUGIN.format(body="return date(2026, 3, 1)", text=SAY))

    found = happenings(host, Lives(new=SHADOW), paid(".xxxx"), *LONG)

    assert [happening.code for happening in found] == ["SALARY_STARTED"]


@pytest.mark.parametrize(
    ("body", "text", "why"),
    [
        ("raise KeyError('day')", SAY, "KeyError: 'day'"),
        ("raise SystemExit", SAY, "SystemExit: "),
        ("raise KeyboardInterrupt", SAY, "KeyboardInterrupt: "),
        ("raise BaseException", SAY, "BaseException: "),
        ("deep = lambda: deep(); deep()", SAY, "RecursionError: "),
        ("return '2026-03-01'", SAY, "TypeError: gave str as the day of MINE, not a date"),
        ("import datetime as d; return d.datetime(2026, 3, 1)", SAY, "TypeError: gave datetime as the day of MINE"),
        ("return date(2026, 3, 1)", "'Mine.'", "TypeError: registered the event 'MINE' without a text"),
        (
            "return date(2026, 3, 1)",
            r"say('\ud800', '我的。')",
            "TypeError: registered the event 'MINE' without a text",
        ),
    ],
)
def test_a_failure_is_counted_at_its_plugin_and_leaves_others_as_they_were(host_of, paid, body, text, why):
    host, customer = host_of(own=PLUGIN.format(body=body, text=text)), paid(".xxxx")

    found = happenings(host, ALL_LIVE, customer, *LONG)

    assert found == happenings(PluginHost.load(), ALL_LIVE, customer, *LONG) != []
    [own] = [info for info in host.plugins if info.name == "own"]
    assert (own.state, own.failures) == ("failing", 1)
    assert own.error.startswith(why)
    assert {info.state for info in host.plugins if info is not own} == {"loaded"}


def test_each_event_that_fails_is_logged_once_whatever_failed_before(host_of, paid, caplog):
    two = PLUGIN.format(body="raise KeyError", text=SAY) + f'    register(LifeEvent("OTHER", {SAY}, happens))\n'
    host = host_of(own=two)
    host.plugins[-1].note("bundles: ValueError")

    for _ in range(5):
        happenings(host, ALL_LIVE, paid(".xxxx"), *LONG)

    assert [record.getMessage() for record in caplog.records] == [
        "event MINE failed: KeyError in own.py:6",
        "event OTHER failed: KeyError in own.py:6",
    ]
    assert host.plugins[-1].failures == 11


def test_a_failure_is_logged_once_and_counted_each_time(host_of, paid, caplog):
    host = host_of(own=PLUGIN.format(body="raise KeyError(customer.customer_no)", text=SAY))

    for _ in range(5):
        happenings(host, ALL_LIVE, paid(".xxxx"), *LONG)

    assert [record.getMessage() for record in caplog.records] == ["event MINE failed: KeyError in own.py:6"]
    assert caplog.records[0].exc_info is None, "which would quote the customer"
    assert (host.plugins[-1].failures, host.plugins[-1].last_place) == (5, "KeyError in own.py:6")


ENDLESS = "import os\n    while customer.age is None and os.path.exists(__file__): pass\n    return date(2026, 3, 1)"
"""Ends as soon as the plugin's file is gone."""


@pytest.fixture
def apart(plugin_folder, request):
    """Return a function: a host whose plugin ``own`` is kept apart in a way."""

    def make(mode, body):
        folder = plugin_folder(own=PLUGIN.format(body=body, text=SAY))
        host = PluginHost.load([folder], isolation=Isolation(mode, memory_mb=256))
        request.addfinalizer(host.close)
        return host

    return make


@pytest.mark.parametrize("mode", ["thread", "process"])
def test_one_that_never_ends_holds_up_nobody(apart, paid, person, budget, mode):
    budget(1.0)
    host, customer, others = apart(mode, ENDLESS), paid(".xxxx"), PluginHost.load()
    bad = CustomerView(person("C-BAD", activity=customer.activity, birth_date=None), TODAY)

    for _ in range(9):
        assert happenings(host, ALL_LIVE, bad, *LONG) == happenings(others, ALL_LIVE, bad, *LONG) != []
    assert host.plugins[-1].failures == 1, "it is busy, or being started, after that"


def test_of_a_process_days_come_as_they_would_from_here_and_wrong_ones_do_not(apart, paid):
    customer = paid(".xxxx")
    for body in ("return date(2026, 3, 1)", "return None", "return '2026-03-01'", "raise KeyError('day')"):
        here, there = apart("thread", body), apart("process", body)
        assert happenings(there, ALL_LIVE, customer, *LONG) == happenings(here, ALL_LIVE, customer, *LONG)
        assert there.plugins[-1].error == here.plugins[-1].error


@pytest.mark.parametrize(
    "body", [ENDLESS, "import os; customer.age is None and os._exit(3)\n    return date(2026, 3, 1)"]
)
def test_who_waits_for_the_process_gets_all_events_of_others_and_one_that_ends_it_each_time_is_left_out(
    apart, paid, person, budget, body
):
    budget(1.0)
    host, customer = apart("process", body), paid(".xxxx")
    bad = CustomerView(person("C-BAD", birth_date=None), TODAY)

    for _ in range(ENDED_TO_CLOSE - 1):
        host.wait()
        assert happenings(host, ALL_LIVE, bad, *LONG) == []
    host.wait()
    assert [happening.code for happening in happenings(host, ALL_LIVE, customer, *LONG)] == ["SALARY_STARTED", "MINE"]
    for _ in range(ENDED_TO_CLOSE + 2):
        host.wait()
        assert happenings(host, ALL_LIVE, bad, *LONG) == []
    assert host.plugins[-1].failures == 2 * ENDED_TO_CLOSE - 1
