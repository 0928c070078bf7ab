"""Reports of plugins' failures: one for each type and place, of nobody, and with what decides where code goes."""

import os
import threading
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from graph.errors import SettingsError
from graph.records import (
    ActivityMonth,
    Consent,
    Debt,
    FamilyMember,
    Holding,
    Interaction,
    KinHolding,
    Membership,
    Outcome,
    Relation,
)
from graph.words import Channel, MemberRole, OutcomeKind, Purpose, RelationKind
from plugins.failures import plugin_code, telling
from plugins.failures.counting import MOST_WAYS
from plugins.failures.failure import Asked
from plugins.failures.reports import MOST_FILES, FailureReports, files, read
from plugins.fields.calls import FieldCalls
from plugins.fields.checks import check_value, checked_field
from plugins.fields.shapes import Listed, Scalar
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from plugins.isolation.guard import GuardedGate
from plugins.isolation.modes import THREADS, Isolation
from plugins.life.stages import Lives
from plugins.life_events import happenings
from recommenders.batch import Batch
from recommenders.contract import Context, Omitted
from recommenders.view import CustomerView

TODAY = date(2026, 6, 30)
AT = datetime(2026, 5, 1, tzinfo=UTC)
PROCESS = Isolation("process")
FAILING = """
from guanxi import About, Proposal, hookimpl, recommender

@hookimpl
def about():
    return About(version="7", owner="ann@bank.example", permissions={permissions})

@recommender("mine")
def propose(customer, catalogue):
    if {when}:
        raise ValueError(f"not today, {{customer.customer_no}}")
    yield Proposal("A", 0.5)
"""
SECRETIVE = """
from guanxi import About, hookimpl
from pydantic import BaseModel, Field, SecretStr

class Settings(BaseModel, frozen=True):
    key: {secret} = Field("sesame-77", description="Opens it.", validate_default=True)

@hookimpl
def about():
    return About(version="7", owner="ann@bank.example", settings=Settings)

@hookimpl
def levers(register, catalogue, settings):
    key = settings.key
    raise RuntimeError(key if isinstance(key, str) else key.get_secret_value())
"""
ALWAYS = FAILING.format(when="True", permissions="['identifiers']")
MARKS = {
    "C-OWN-77", "C-SPOUSE-77", "C-KIN-77", "C-FAMILY-77", "L-77", "I-77", "O-77", "M-77", "U-77", "its note", "Its Name",
    "its region", "its occupation", "its industry", "its branch", "its hobby", "7311.5", "8422.5", "9533.5", "6244.5",
    "5155.5", "1977-07-07", "2011-11-11", "2019-09-09", "2026-05-01", "not today",
}  # fmt: skip
"""What would tell who the customer is."""


@pytest.fixture
def known(person):
    return person(
        "C-OWN-77",
        name="Its Name",
        birth_date=date(1977, 7, 7),
        region="its region",
        occupation="its occupation",
        industry="its industry",
        joined_on=date(2011, 11, 11),
        income=7311.5,
        credit_limit=8422.5,
        branch_code="its branch",
        manager_no="M-77",
        attributes={"hobby": "its hobby"},
        holdings=(Holding("HELD", date(2019, 9, 9), None, 9533.5),),
        memberships=(Membership("ITS-PROGRAMME", "skymiles", MemberRole.RETAILER, reference="L-77"),),
        relations=(Relation("C-SPOUSE-77", RelationKind.SPOUSE, outgoing=True),),
        kin=(KinHolding("C-KIN-77", "KIN-PRODUCT"),),
        family=(FamilyMember("C-FAMILY-77", "ITS-FAMILY", "C-OWN-77", 5155.5, (Debt(balance=5155.5),)),),
        activity=(ActivityMonth("2026-05", inflow=6244.5),),
        interactions=(Interaction("I-77", Channel.MOBILE, "call", AT, note="its note"),),
        outcomes=(Outcome("O-77", "HELD", OutcomeKind.IMPRESSION, Channel.MOBILE, AT),),
        consents=(Consent(Purpose.MARKETING, True, at=AT, recorded_by="U-77"),),
    )


@pytest.fixture
def reports(tmp_path):
    return tmp_path / "failures"


@pytest.fixture
def failing(plugin_folder, catalogue, reports, request):
    """Return a function that has a plugin answer some records of customers, and returns the reports there are."""

    def ask(source, records, isolation=THREADS):
        host = PluginHost.load(
            [plugin_folder(mine=source)], shipped=(), isolation=isolation, reports=FailureReports(reports)
        )
        request.addfinalizer(host.close)
        [mine] = host.recommending.guarded(None)
        with pytest.raises(Omitted):
            mine.propose(Batch.whole(records, catalogue("A", "HELD"), Context(TODAY, Channel.MOBILE)))
        return list(files(reports))

    return ask


def when(condition):
    return FAILING.format(when=condition, permissions="None")


@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
def test_a_report_says_what_failed_where_and_who_is_to_mend_it(failing, known, isolation):
    [path] = failing(ALWAYS, [known], isolation)
    failure = read(path)
    assert (failure.plugin, failure.version, failure.owner, failure.item) == ("mine", "7", "ann@bank.example", "mine")
    assert failure.place == "ValueError in mine.py:11"
    assert (failure.frames[-1].function, failure.channel) == ("propose", "mobile")


MISUSES = {
    "customer": "customer.salary > 5000",
    "catalogue": "catalogue.nothing",
    "library": "__import__('json').loads('{')",
    "callback": "catalogue.index.get(max([customer], key=lambda own: own.salary))",
}
"""What fails in code that is not the plugin's, by whose that is."""


@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
@pytest.mark.parametrize("misused", MISUSES.values(), ids=MISUSES)
def test_a_failure_in_what_a_plugin_is_given_or_calls_is_told_by_the_plugins_own_line(
    failing, known, isolation, misused
):
    [path] = failing(when(misused), [known], isolation)
    failure = read(path)
    assert (failure.place.partition(" in ")[2], failure.frames[-1].line) == ("mine.py:10", 10)


GIVES = {
    "no proposal": ("yield 'A'", "TypeError: gave str, not a Proposal"),
    "no number": ("yield Proposal('A', float('nan'))", "ValueError: gave a score that is no number from 0 to 1"),
    "too much": ("yield Proposal(customer.customer_no, 2)", "ValueError: gave a score that is no number from 0 to 1"),
    "unknown product": (
        "yield Proposal(customer.customer_no, 0.5)", "ValueError: proposed a product that the catalogue does not have",
    ),
    "own words": (
        "error = ValueError('not today'); error.guanxi_own = 'its note'; raise error", "ValueError in mine.py:10",
    ),
}  # fmt: skip
"""What is told of what a plugin gives."""


@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
@pytest.mark.parametrize(("gives", "told"), GIVES.values(), ids=GIVES)
def test_what_guanxi_says_of_what_a_plugin_gives_is_told_without_what_that_is(
    failing, known, caplog, isolation, gives, told
):
    source = ALWAYS.partition("    if True")[0] + f"    {gives}\n"
    [path] = failing(source, [known], isolation)
    assert (read(path).place, f"recommender mine failed: {told}" in caplog.messages) == (told, True)
    assert {mark for mark in MARKS if mark in path.read_text(encoding="utf-8") + caplog.text} == set()


def test_what_guanxi_says_with_other_numbers_is_one_failure(reports):
    told = FailureReports(reports)
    for number in (101, 102):
        with pytest.raises(TypeError) as raised:
            check_value(Listed(Scalar(int)), (1,) * (number - 100) + ("no",), "what it gave")
        told.tell(PluginInfo("mine", "mine.py", version="1"), "fields", "Customer.own", raised.value, Asked.of())
    assert [read(path).said for path in files(reports)] == ["what it gave[1] is str, not int"]


@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
def test_of_what_cannot_be_loaded_what_guanxi_says_is_told(plugin_folder, reports, isolation):
    source = "from guanxi import recommender\n\n@recommender\ndef propose(customer):\n    return ()\n"
    PluginHost.load([plugin_folder(mine=source)], shipped=(), isolation=isolation, reports=FailureReports(reports))
    assert [read(path).place for path in files(reports)] == [
        'PluginError in mine.py:3: @recommender needs a name: write @recommender("a-name")'
    ]


LIBRARIES = "/venv/lib/python3.11/site-packages"
GUARD, VIEW = telling.CALLING / "isolation" / "guard.py", telling.CALLING.parent / "recommenders" / "view.py"


@pytest.mark.parametrize(
    ("through", "place"),
    [
        ((GUARD, f"{LIBRARIES}/own/plug.py", VIEW), "plug.py:2"),
        ((GUARD, f"{LIBRARIES}/own.py", VIEW, f"{LIBRARIES}/pydantic/main.py"), "own.py:2"),
        ((GUARD, f"{LIBRARIES}/pydantic/main.py", "/plugins/mine.py", VIEW), "mine.py:2"),
        ((GUARD, f"{LIBRARIES}/pydantic/main.py", VIEW), "view.py:2"),
        ((GUARD, f"{LIBRARIES}/pydantic/main.py"), "main.py:2"),
        ((GUARD, "/plugins/mine.py", "<string>", VIEW), "mine.py:2"),
    ],
)
def test_an_installed_plugins_line_is_told_by_libraries_and_one_of_guanxi_where_there_is_no_other(
    monkeypatch, through, place
):
    monkeypatch.setattr(plugin_code, "packages_of_plugins", lambda: frozenset({"own"}))
    call = None
    for file in reversed(through):
        found = {"call": call}
        exec(compile(f"def own():\n    {'call()' if call else '1 / 0'}", file, "exec"), found)
        call = found["own"]
    with pytest.raises(ZeroDivisionError) as raised:
        call()
    error = raised.value.with_traceback(raised.value.__traceback__.tb_next)
    assert telling.placed(error) == f"ZeroDivisionError in {place}"


@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
def test_nothing_in_it_tells_who_the_customer_is(failing, known, isolation):
    [path] = failing(ALWAYS, [known], isolation)
    text = path.read_text(encoding="utf-8")
    assert {mark for mark in MARKS if mark in text} == set()
    assert {mark for mark in MARKS if mark in repr(known) or mark.startswith(("19", "20", "not"))} == MARKS


def test_it_keeps_how_much_is_known_of_the_customer(failing, known):
    [path] = failing(ALWAYS, [known])
    [made] = read(path).customers
    for field in fields(known):
        own, other = getattr(known, field.name), getattr(made, field.name)
        assert (own is None, type(own)) == (other is None, type(other)), field.name
        if isinstance(own, tuple | dict):
            assert len(own) == len(other), field.name
    assert [held.product_code for held in made.holdings] == ["HELD"]
    assert [own.programme_kind for own in made.memberships] == ["skymiles"]
    assert made.family[0].principal_no == made.customer_no != made.relations[0].customer_no


def test_who_it_failed_on_alone_is_told_of(failing, known, person):
    [path] = failing(when("customer.income == 7311.5"), [person("C1"), person("C2"), known, person("C3")])
    [made] = read(path).customers
    assert [held.product_code for held in made.holdings] == ["HELD"]


def test_one_file_for_each_type_and_place_however_often_it_fails(failing, known, person):
    assert len(failing(ALWAYS, [known])) == 1
    assert len(failing(ALWAYS, [person("C2")])) == 1
    assert len(failing(ALWAYS.replace("ValueError", "TypeError"), [known])) == 2
    assert len(failing(ALWAYS.replace("@recommender", "\n\n@recommender"), [known])) == 3


def test_a_plugin_has_20_files_at_most_and_others_have_their_own(batch, person, catalogue, reports):
    asked, told = batch([person()], catalogue("A")), FailureReports(reports)
    for name in ("mine", "yours"):
        for number in range(MOST_FILES + 5):
            told.of(PluginInfo(name, "nowhere"), "gates", "X")(type(f"Error{number}", (Exception,), {})(), asked)
    assert [len(list(files(reports, name))) for name in ("mine", "yours")] == [MOST_FILES, MOST_FILES] == [20, 20]


def test_of_a_version_the_last_20_ways_are_reported_and_webhooks_are_told_of_the_first(
    batch, person, catalogue, reports
):
    asked, told = batch([person()], catalogue("A")), FailureReports(reports)
    ways = [f"Error{number}" for number in range(MOST_FILES + 5)]
    for name in ways:
        told.of(PluginInfo("mine", "nowhere"), "gates", "X")(type(name, (Exception,), {})(), asked)
        for age, path in enumerate(reversed(list(files(reports)))):
            os.utime(path, (1_000_000_000 - age, 1_000_000_000 - age))

    assert [read(path).place for path in files(reports)] == ways[-MOST_FILES:]
    assert [failure.error for failure in told.counts.take()] == ways[:MOST_WAYS]


def test_a_version_that_fails_in_ever_more_ways_has_60_reports_an_hour_written_and_others_their_own(
    batch, person, catalogue, reports
):
    asked, clock = batch([person()], catalogue("A")), [0.0]
    told = FailureReports(reports, lambda: clock[0])

    def fail(ways, version="1", name="mine"):
        for number in ways:
            error = type(f"Error{number}", (Exception,), {})()
            told.of(PluginInfo(name, "nowhere", version=version), "gates", "X")(error, asked)
            for path in files(reports, name):
                os.utime(path, (path.stat().st_mtime - 10,) * 2)
        return {f"{read(path).version} {read(path).place}" for path in files(reports, name)}

    last = {f"1 Error{number}" for number in range(40, 60)}
    assert fail(range(60)) == last
    assert fail([*range(60, 70), *range(20, 40)]) == last
    assert "2 Error60" in fail([60], version="2")
    assert fail([60], name="yours") == {"1 Error60"}

    clock[0] = 3_600
    assert "1 Error60" in fail([60])


MUTE = """
from guanxi import Lever, Proposal, hookimpl, recommender

class Mute(Exception):
    def __str__(self):
        raise KeyError("Its Name")

@recommender("mine")
def propose(customer):
    {asked}
    yield Proposal("A", 0.5)

@hookimpl
def levers(register):
    {levers}

{imported}
"""
RAISES = "raise Mute()"


@pytest.mark.parametrize(
    ("given", "hook", "place"),
    [
        ({"asked": RAISES}, "recommenders", "Mute in mine.py:10"),
        ({"levers": RAISES}, "rules", "Mute in mine.py:15"),
        ({"imported": RAISES}, "loading", "Mute in mine.py:17"),
    ],
)
@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
def test_an_error_that_cannot_say_what_it_is_is_told_by_its_type(
    plugin_folder, batch, person, catalogue, reports, request, capfd, isolation, given, hook, place
):
    source = MUTE.format(**{"asked": "pass", "levers": "pass", "imported": ""} | given)
    host = PluginHost.load([plugin_folder(mine=source)], isolation=isolation, reports=FailureReports(reports))
    request.addfinalizer(host.close)
    host.rules(catalogue("A"))
    for own in host.recommending.guarded(None):
        if own.name == "mine":
            with suppress(Omitted):
                own.propose(batch([person()], catalogue("A")))

    [report] = files(reports)
    failure = read(report)
    assert (failure.hook, failure.place, failure.said) == (hook, place, "")
    assert "Its Name" not in "".join(capfd.readouterr())


def test_what_a_store_cannot_take_is_not_in_what_is_counted(batch, person, catalogue, reports):
    owner, asked = PluginInfo("mine", "nowhere", owner="ann\ud83d"), batch([person()], catalogue("A"))
    told = FailureReports(reports)
    told.tell(owner, "gates", "X", ValueError("not \ud83d"), Asked(asked, is_safe=True))

    [counted] = told.counts.take()
    assert (counted.owner, counted.said) == ("ann?", "not ?")
    assert [read(path).said for path in files(reports)] == ["not ?"]


@pytest.mark.parametrize(("secret", "said"), [("str", "sesame-77"), ("SecretStr", "xxxxxx-00")])
def test_a_secret_is_not_quoted_in_what_is_told_of_a_plugin_that_has_one(
    plugin_folder, catalogue, reports, secret, said
):
    source = SECRETIVE.format(secret=secret)
    host = PluginHost.load([plugin_folder(mine=source)], shipped=(), reports=FailureReports(reports))
    host.rules(catalogue("A"))

    [report] = files(reports)
    assert (read(report).said, read(report).owner) == (said, "ann@bank.example")
    assert [info.told for info in host.plugins] == [None if secret == "SecretStr" else f"rules: RuntimeError: {said}"]


def test_who_failed_in_registering_is_known(plugin_folder, reports):
    source = SECRETIVE.format(secret="str") + "\n@hookimpl\ndef gates(register):\n    1 / 0\n"
    PluginHost.load([plugin_folder(mine=source)], shipped=(), reports=FailureReports(reports))

    [report] = files(reports)
    failure = read(report)
    assert (failure.hook, failure.version, failure.owner) == ("loading", "7", "ann@bank.example")


def test_a_gate_that_cannot_say_why_is_reported_with_whom_and_what(known, product, reports):
    class Mute:
        gate, code = "eligibility", "MUTE"

        def explain(self, customer, product):
            raise ValueError(f"{customer.name} {product.name}")

    owner = PluginInfo("mine", "nowhere")
    gate = GuardedGate(Mute(), owner.note, report=FailureReports(reports).of(owner, "gates", "MUTE"))
    assert gate.explain(CustomerView(known, TODAY), product("A")).saw == "unknown"

    [report] = files(reports)
    failure = read(report)
    assert (failure.hook, failure.item, failure.said) == ("gates", "MUTE", "xxx xxxx x")
    assert [len(failure.customers), len(failure.products)] == [1, 1]


def test_a_new_version_that_fails_is_reported_in_place_of_the_oldest(batch, person, catalogue, reports):
    asked, told = batch([person()], catalogue("A")), FailureReports(reports)
    for number in range(MOST_FILES + 5):
        told.of(PluginInfo("mine", "nowhere", version=str(number)), "gates", "X")(ValueError(), asked)
        for age, path in enumerate(reversed(list(files(reports)))):
            os.utime(path, (1_000_000_000 - age, 1_000_000_000 - age))
    assert [read(path).version for path in files(reports)] == [str(number) for number in range(5, MOST_FILES + 5)]


@pytest.mark.parametrize(
    "condition",
    [
        "customer.region == 'its region'",
        "customer.occupation in {'its occupation', 'another'}",
        "customer.attributes.get('hobby') == 'its hobby'",
        "customer.region not in {'Dali', 'Lijiang'}",
        "customer.age == 48",
        "customer.months_since_joining == 175",
        "customer.holds('HELD') and customer.income",
    ],
)  # fmt: skip
def test_what_fails_by_a_word_of_the_plugin_or_an_age_fails_again(failing, known, plugin_folder, condition):
    [path] = failing(when(condition), [known])
    host = PluginHost.load([plugin_folder(mine=when(condition))], shipped=())
    with pytest.raises(ValueError, match="not today"):
        host.recommenders()[0].propose(read(path).batch())


def test_words_are_kept_where_code_names_them_and_nowhere_else(failing, person):
    said = when("customer.region == 'Dali' or 'Its Name' or 'L-77'")
    record = person("C1", name="Its Name", region="Dali", occupation="Lijiang", memberships=(
        Membership("P", "tobacco", MemberRole.RETAILER, reference="L-77"),
    ))  # fmt: skip
    [path] = failing(said, [record])
    [made] = read(path).customers
    assert (made.name, made.region, made.occupation) == ("xxx xxxx", "Dali", "xxxxxxx")
    assert made.memberships[0].reference == "x-00"


def test_where_it_cannot_be_told_all_goes_on(failing, known, reports):
    reports.write_text("in the way")
    assert failing(ALWAYS, [known]) == []


def test_what_is_no_report_is_refused(tmp_path):
    (tmp_path / "it.json").write_text('{"customers": []}')
    with pytest.raises(SettingsError, match=r"it\.json is no report of a plugin's failure"):
        read(tmp_path / "it.json")


ASKED = """
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated
from guanxi import Field, LifeEvent, hookimpl, say

class Side(Enum):
    \"\"\"Where.\"\"\"
    LEFT = 1
    "There."

def own(
    customer,
    side: Annotated[Side | None, "Which."] = None,
    word: Annotated[str, "A word."] = "",
    price: Annotated[Decimal, "A price."] = Decimal(0),
    many: Annotated[int, "How many."] = 7311,
):
    if customer.region == "Dali":
        raise ValueError(f"division of {customer.occupation} by zero")
    return 1

def of_product(product):
    return len(product.name_zh)

def of_programme(code):
    return 1 / 0

@hookimpl
def fields(register):
    register(Field("Customer", "own", int, own, "Its own."))
    register(Field("Product", "letters", int, of_product, "Its letters."))
    register(Field("Programme", "share", float, of_programme, "Its share."))

@hookimpl
def events(register):
    register(LifeEvent("MOVED", say("Moved.", "搬家。"), lambda customer: {}[customer.customer_no]))
"""


@pytest.fixture
def asked(plugin_folder, reports, request):
    """Return a function: the host of a plugin of fields and events, and its fields as a server asks them."""

    def make(isolation=THREADS):
        folder = [plugin_folder(mine=ASKED)]
        host = PluginHost.load(folder, shipped=(), isolation=isolation, reports=FailureReports(reports))
        request.addfinalizer(host.close)
        fields = [FieldCalls(checked_field(field), info, reports=host.reports) for field, info in host.of("fields")]
        return host, {calls.name: calls for calls in fields}

    return make


@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
async def test_a_field_is_reported_with_what_it_was_asked_of_and_with(asked, known, reports, isolation):
    host, fields = asked(isolation)
    host.wait()
    seen = CustomerView(replace(known, region="Dali"), TODAY)
    side = fields["Customer.own"].checked.parameters[0].shape.of.type.LEFT
    given = {"side": side, "word": "Its Name", "price": Decimal("7311.5"), "many": 7311}
    assert await fields["Customer.own"].values(["C1", "C-OWN-77"], [None, seen], given) == [None, None]

    [path] = files(reports)
    failure, text = read(path), path.read_text(encoding="utf-8")
    assert (failure.hook, failure.item, failure.place) == ("fields", "Customer.own", "ValueError in mine.py:21")
    assert failure.said == "division of xxx xxxxxxxxxx by zero"
    assert {mark for mark in MARKS if mark in text} == set()
    assert failure.customers[0].region == "Dali"
    assert failure.arguments | {"price": None} == {"side": "LEFT", "word": "xxx xxxx", "price": None}
    assert Decimal(failure.arguments["price"]) > 1_000


async def test_a_field_of_a_product_or_programme_is_reported_with_that(asked, product, reports):
    _, fields = asked()
    await fields["Product.letters"].values(["CARD"], [product("CARD")], {})
    await fields["Programme.share"].values(["CAMPUS"], ["CAMPUS"], {})
    told = {failure.item: failure for failure in map(read, files(reports))}
    assert [one.product_code for one in told["Product.letters"].products] == ["CARD"]
    assert told["Product.letters"].said == "object of type 'NoneType' has no len()"
    assert (told["Programme.share"].programme, told["Programme.share"].said) == ("CAMPUS", "division by zero")


@pytest.mark.usefixtures("hurried")
async def test_whom_a_field_took_too_long_for_is_reported(asked, known, reports, person):
    _, fields = asked()
    own, release = fields["Customer.own"], threading.Event()
    slow = replace(own.checked.field, resolve=lambda customer: release.wait(60) if customer.income else 1)
    calls = FieldCalls(checked_field(slow), own.plugin, reports=own._reports)
    seen = [CustomerView(person("C1"), TODAY), CustomerView(known, TODAY), CustomerView(person("C2"), TODAY)]
    try:
        assert await calls.values("abc", seen, {}) == [1, None, None]
    finally:
        release.set()
    [failure] = map(read, files(reports))
    assert (failure.place, [len(made.holdings) for made in failure.customers]) == ("TimeoutError", [1])
    assert failure.said.startswith("took longer than 000 ms")


@pytest.mark.parametrize("isolation", [THREADS, PROCESS], ids=["thread", "process"])
def test_a_life_event_is_reported_with_the_customer(asked, known, reports, isolation):
    host, _ = asked(isolation)
    host.wait()
    assert happenings(host, Lives(), CustomerView(known, TODAY), date(2000, 1, 1), TODAY) == []
    [path] = files(reports)
    failure, text = read(path), path.read_text(encoding="utf-8")
    assert (failure.hook, failure.item, failure.place) == ("events", "MOVED", "KeyError in mine.py:38")
    assert {mark for mark in MARKS if mark in text} == set()
    assert [held.product_code for held in failure.customers[0].holdings] == ["HELD"]
