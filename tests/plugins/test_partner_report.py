import asyncio
import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from graph import products, programme_releases
from graph.imports import import_rows
from graph.programme_releases import Release
from graph.programmes import programmes
from graph.records import Members
from guanxi import hookimpl
from plugins.contract import Breakdown
from plugins.failures.reports import FailureReports, files, read
from plugins.host import PluginHost
from plugins.infos import SHIPPED
from plugins.isolation import breakdowns as timed
from plugins.partner_report import (
    Counted,
    Group,
    Period,
    TakenPeriod,
    joined,
    partner_report,
    shown_periods,
    told_groups,
)
from plugins.partner_rounding import offset_of
from recommenders.contract import Omitted
from tests.waiting import until

DAY = date(2026, 6, 30)
TODAY = date(2026, 7, 14)


def numbers(**groups):
    return {"by role": groups}


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        ([{"a": 60, "b": 40}], {"a": 60, "b": 40}),
        ([{"a": 60, "b": 20}], {"a": 60}),
        ([{"a": 60, "b": 40}, {"a": 80, "b": 60}], {"a": 60, "b": 40}),
        ([{"a": 60, "b": 40}, {"a": 80, "b": 60}, {"a": 100, "b": 40}], {"a": 100, "b": 40}),
        ([{"a": 60, "b": 40}, {"b": 40}], {"b": 40}),
        ([], {}),
    ],
)
def test_groups_are_told_from_40_on_and_move_by_40(months, expected):
    found = told_groups("by role", [numbers(**groups) for groups in months])

    assert {own.name: own.members for own in found} == expected


def test_a_month_without_a_breakdown_leaves_its_groups_as_they_were():
    assert told_groups("by role", [numbers(a=60), {"": {"members": 60}}]) == (Group("a", 60),)


def test_months_are_joined_until_there_are_40_more_and_the_rest_is_not_told():
    sums = {"2026-01": 40, "2026-02": 40, "2026-03": 60, "2026-04": 80, "2026-05": 140, "2026-06": 160}

    assert list(shown_periods(sums)) == [
        Period("2026-01", "2026-01", 40),
        Period("2026-02", "2026-04", 40),
        Period("2026-05", "2026-05", 60),
    ]


def test_what_was_told_of_a_month_is_told_again_whatever_comes_later():
    sums = {"2026-01": 40, "2026-02": 60, "2026-03": 80, "2026-04": 60, "2026-05": 200}
    reports = [list(shown_periods({m: sums[m] for m in list(sums)[:n]})) for n in range(6)]

    for earlier, later in pairwise(reports):
        assert later[: len(earlier)] == earlier


def test_takers_are_told_where_enough_took_one_and_enough_did_not():
    periods = [Period(f"2026-0{n}", f"2026-0{n}", shown) for n, shown in ((1, 80), (2, 40), (3, 60), (4, 80))]
    taken = {"2026-01": 40, "2026-02": 60, "2026-03": 120, "2026-04": 140}

    assert list(joined(periods, taken)) == [
        TakenPeriod("2026-01", "2026-02", 120, 60),
        TakenPeriod("2026-03", "2026-04", 140, 80),
    ]


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture
async def bank(empty_store):
    """A programme with 140 members, all of whom saw an offer in May, and 180 customers by June; 60 took it.

    All are multiples of 20, which no offset changes.
    """
    programme = {"kind": "hospital", "budget": 1000.0, "benefit_cost": 10.0, "quota": 60, "starts_on": date(2026, 1, 1)}
    await import_rows(empty_store, "programmes", [row("P", programme_code="P", name="Card", **programme)])
    await import_rows(empty_store, "products", [
        row(code, product_code=code, name=code, category="card", programme_code="P") for code in ("CARD", "GOLD")
    ])  # fmt: skip
    await import_rows(empty_store, "customers", [row(f"C{n}", customer_no=f"C{n}", kind="person") for n in range(200)])
    await import_rows(empty_store, "memberships", [member(n) for n in range(140)])
    outcomes = [("CARD", "impression", n, 5) for n in range(140)] + [("GOLD", "impression", n, 6) for n in range(180)]
    outcomes += [("GOLD" if n % 2 else "CARD", "accept", n, 5) for n in range(60)]
    await record(empty_store, outcomes)
    return empty_store


def member(n, since=date(2026, 1, 1)):
    own = {"role": "member", "since": since, "reference": "X" if n < 80 else None}
    return row(f"C{n}|P|member", customer_no=f"C{n}", programme_code="P", **own)


async def record(store, outcomes):
    """Outcomes of (product, kind, customer, month)."""
    await store.write(
        "UNWIND $rows AS row CREATE (o:Outcome) SET o = row",
        rows=[
            {"outcome_id": f"{code}{kind}{n}{month}", "product_code": code, "kind": kind, "customer_no": f"C{n}",
             "at": datetime(2026, month, 10, tzinfo=UTC)}
            for code, kind, n, month in outcomes
        ],
    )  # fmt: skip


def by_reference(members, _):
    return "insured" if members.has_reference else "others"


INSURANCE = Breakdown("hospital", "insurance", by_reference)


class Plugin:
    """Registers breakdowns."""

    def __init__(self, *own):
        self.own = own

    @hookimpl
    def breakdowns(self, register):
        for breakdown in self.own:
            register(breakdown)


async def report_of(bank, today=TODAY, *own, host=None):
    if host is None:
        host = PluginHost()
        host.add(Plugin(*own), "ours", SHIPPED)
    [programme] = await programmes(bank)
    return await partner_report(bank, programme, await products.catalogue(bank), host, today)


async def test_the_report_is_of_whole_months_and_counts_each_customer_once(bank):
    found = await report_of(bank)

    assert (found.as_of, found.members, found.shown, found.taken) == (DAY, 140, 180, 60)
    assert found.shown_periods == (Period("2026-01", "2026-05", 140), Period("2026-06", "2026-06", 40))
    assert found.taken_periods == (TakenPeriod("2026-01", "2026-05", 140, 60),)
    assert found.taken_periods[0].rate == 60 / 140
    assert (found.budget, found.spent, found.quota) == (1000.0, 600.0, 60)


async def test_members_are_counted_as_the_programme_s_plugin_says(bank):
    found = await report_of(bank, TODAY, INSURANCE, Breakdown("campus", "studies", by_reference))

    assert found.breakdowns == (Counted("insurance", (Group("insured", 80), Group("others", 60))),)


async def test_a_breakdown_that_no_month_has_yet_is_told_from_one_that_has_few(bank):
    await report_of(bank)

    assert (await report_of(bank, TODAY, INSURANCE)).breakdowns == (Counted("insurance", (), is_counted=False),)


async def test_a_month_that_was_told_is_told_again_whatever_comes_to_be_known_of_it(bank):
    before = await report_of(bank, TODAY, INSURANCE)
    await import_rows(bank, "memberships", [member(n, date(2026, 6, 1)) for n in range(140, 200)])
    await record(bank, [("CARD", kind, n, 5) for n in range(180, 200) for kind in ("impression", "accept")])

    assert await report_of(bank, TODAY, INSURANCE) == before
    assert (await report_of(bank, date(2026, 8, 1), INSURANCE)).members == 200
    assert await report_of(bank, TODAY, INSURANCE) == before


async def test_one_customer_more_is_seen_by_one_offset_in_20(bank):
    before = await report_of(bank)
    await import_rows(bank, "memberships", [member(140)])
    drawn = [f"secret {n}" for n in range(40)]
    told = {}
    for secret in drawn:
        await bank.write("MATCH (s:ProgrammeSecret) SET s.secret = $secret", secret=secret)
        await bank.write("MATCH (r:ProgrammeRelease) DELETE r")
        told[secret] = (await report_of(bank)).members

    assert 0 < sum(offset_of(s, "", "members") == 19 for s in drawn) < len(drawn)
    assert {s: n for s, n in told.items() if n != before.members} == {
        s: 160 for s in drawn if offset_of(s, "", "members") == 19
    }


async def test_a_month_before_the_first_that_was_told_tells_nothing(bank):
    await report_of(bank)
    found = await report_of(bank, date(2025, 12, 24))

    assert (found.members, found.shown, found.shown_periods) == (None, None, ())


async def test_another_first_day_begins_another_contract(bank):
    await report_of(bank)
    await bank.write("MATCH (g:Programme) SET g.starts_on = $day", day=date(2026, 6, 1))
    found = await report_of(bank)

    assert found.shown_periods == (Period("2026-06", "2026-06", 180),)
    assert found.taken is None


async def test_servers_that_release_at_once_tell_the_same(bank):
    first, second = await asyncio.gather(report_of(bank, TODAY, INSURANCE), report_of(bank, TODAY, INSURANCE))

    assert first == second == await report_of(bank, TODAY, INSURANCE)


async def test_what_is_stored_is_rounded(bank):
    await report_of(bank, TODAY, INSURANCE)
    stored = await bank.read("MATCH (r:ProgrammeRelease) RETURN r.numbers AS numbers ORDER BY r.month")
    counts = [n for own in stored for groups in json.loads(own["numbers"]).values() for n in groups.values()]

    assert len(stored) == 6
    assert {count % 20 for count in counts} == {0}


async def test_of_few_customers_nothing_is_told(bank):
    await bank.write("MATCH (c:Customer)-[m:MEMBER_OF]->() WHERE c.customer_no <> 'C1' DELETE m")
    await bank.write("MATCH (o:Outcome) WHERE o.customer_no <> 'C1' DELETE o")

    found = await report_of(bank, TODAY, INSURANCE)

    assert {found.members, found.shown, found.taken, found.spent} == {None}
    assert (found.shown_periods, found.taken_periods, found.breakdowns) == ((), (), (Counted("insurance", ()),))


async def test_what_is_left_of_erased_customers_makes_no_group(bank):
    await bank.write("MATCH (o:Outcome) WHERE o.kind = 'accept' REMOVE o.customer_no")

    assert (await report_of(bank)).taken is None


class Moody:
    """Groups members as ``by_reference`` does, after what its mood does."""

    def __init__(self):
        self.mood = None
        self.asked = 0

    def __call__(self, members, day):
        self.asked += 1
        given = self.mood(day) if self.mood else None
        return given or by_reference(members, day)


def raises(error):
    def mood(_):
        raise error

    return mood


@pytest.fixture
def moody():
    return Moody()


@pytest.fixture
def host(moody, tmp_path):
    """A shipped plugin with a breakdown, and another with one that may fail."""
    made = PluginHost(reports=FailureReports(tmp_path))
    made.add(Plugin(INSURANCE), "ours", SHIPPED)
    made.add(Plugin(Breakdown("hospital", "moods", moody)), "mine", "mine.py")
    return made


BOTH = (Group("insured", 80), Group("others", 60))
INSURANCE_ALONE = (Counted("insurance", BOTH),)
WHOLE = (*INSURANCE_ALONE, Counted("moods", BOTH))


@pytest.mark.parametrize(
    ("mood", "place"),
    [
        (raises(ValueError("C1")), "ValueError in test_partner_report.py"),
        (raises(SystemExit(0)), "SystemExit in test_partner_report.py"),
        (raises(KeyboardInterrupt()), "KeyboardInterrupt in test_partner_report.py"),
        (raises(TimeoutError()), "TimeoutError in test_partner_report.py"),
        (lambda _: 7, "TypeError"),
        (lambda _: ["a"], "TypeError"),
        (lambda _: "\ud800", "ValueError"),
    ],
)
async def test_a_breakdown_that_fails_is_left_out_and_told_to_its_owner(bank, host, moody, tmp_path, mood, place):
    moody.mood = mood
    found = await report_of(bank, host=host)

    assert found == replace(await report_of(bank), breakdowns=INSURANCE_ALONE)
    [failure] = map(read, files(tmp_path))
    assert (failure.hook, failure.item, failure.place.partition(":")[0]) == ("breakdowns", "moods", place)
    [_, info] = host.plugins
    assert (info.state, info.error.startswith("breakdown moods: ")) == ("failing", True)


async def test_a_breakdown_that_failed_is_told_once_it_does_not_and_then_for_good(bank, host, moody):
    moody.mood = raises(ValueError())
    without = await report_of(bank, host=host)
    await import_rows(bank, "memberships", [member(n) for n in range(140, 200)])
    assert await report_of(bank, host=host) == without

    moody.mood = None
    late = await report_of(bank, host=host)
    assert late == replace(without, breakdowns=(*INSURANCE_ALONE, Counted("moods", (Group("others", 120), BOTH[0]))))
    assert host.plugins[1].state == "loaded"
    asked = moody.asked
    await import_rows(bank, "memberships", [member(n, date(2026, 6, 1)) for n in range(100)])
    moody.mood = raises(ValueError())
    assert await report_of(bank, host=host) == late
    assert moody.asked == asked


async def test_months_before_one_that_a_breakdown_failed_for_are_told_with_it(bank, host, moody):
    before = await report_of(bank, date(2026, 6, 1), host=host)
    moody.mood = raises(ValueError())

    assert (await report_of(bank, host=host)).breakdowns == INSURANCE_ALONE
    assert (await report_of(bank, date(2026, 6, 1), host=host)) == before
    assert before.breakdowns == WHOLE


async def test_a_breakdown_that_does_not_end_stops_nobody_and_is_not_asked_until_it_does(
    bank, host, moody, tmp_path, monkeypatch
):
    monkeypatch.setattr(timed, "breakdown_budget", lambda _: 0.3)
    ends = threading.Event()
    moody.mood = lambda _: ends.wait(60) and None
    try:
        asked = asyncio.ensure_future(report_of(bank, host=host))
        longest = 0.0
        clock = asyncio.get_running_loop().time
        while not asked.done():
            before = clock()
            await asyncio.sleep(0.01)
            longest = max(longest, clock() - before)
        assert (asked.result().breakdowns, longest < 5) == (INSURANCE_ALONE, True)
        assert (await report_of(bank, host=host)).breakdowns == INSURANCE_ALONE
        assert moody.asked == 1
        assert [read(path).place for path in files(tmp_path)] == ["TimeoutError"]
    finally:
        ends.set()
    await until(lambda: report_of(bank, host=host), lambda report: report.breakdowns == WHOLE)


async def test_reports_at_once_have_all_breakdowns(bank, host):
    found = await asyncio.gather(*(report_of(bank, host=host) for _ in range(5)))

    assert {own.breakdowns for own in found} == {WHOLE}


async def test_what_one_server_released_late_no_other_alters(bank):
    contract, late = "P|2026-01-01", Release({"": {"members": 40}}, ("a", "b"))
    await programme_releases.release(bank, contract, {"2026-01": late.numbers}, datetime.now(UTC), late.late)
    for count in (20, 40):
        await programme_releases.complete(bank, contract, {"2026-01": late}, {"2026-01": {"a": {"x": count}}})

    told = Release({"": {"members": 40}, "a": {"x": 20}}, ("b",))
    assert await programme_releases.releases(bank, contract) == {"2026-01": told}
    await programme_releases.complete(bank, contract, {"2026-01": told}, {"2026-01": {"b": {"y": 60}}})
    assert await programme_releases.releases(bank, contract) == {
        "2026-01": Release({"": {"members": 40}, "a": {"x": 20}, "b": {"y": 60}})
    }


async def test_a_breakdown_that_is_left_behind_is_asked_by_nobody_though_another_ends_in_time(monkeypatch):
    monkeypatch.setattr(timed, "breakdown_budget", lambda _: 0.5)
    go_on, at_once = threading.Event(), threading.Event()

    def group(members, _):
        {"slow": go_on, "fast": at_once}[members.role].wait()
        return "all"

    own = timed.GroupApart(Breakdown("other", "by role", group))
    slow = asyncio.create_task(own.counts([Members("slow", None, None, False, 1)], [DAY]))
    await asyncio.sleep(0.3)
    fast = asyncio.create_task(own.counts([Members("fast", None, None, False, 1)], [DAY]))
    with pytest.raises(TimeoutError):
        await slow
    at_once.set()
    assert await fast == {DAY: {"all": 1}}

    with pytest.raises(Omitted):
        await own.counts([Members("fast", None, None, False, 1)], [DAY])
    go_on.set()
