"""A plugin of a file in a folder, as its fields are served over HTTP."""

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from graphql import GraphQLError, build_schema, parse, validate

from api.plugin_schema import Addition, Additions, fitting
from api.schema import printed
from plugins.failures.reports import FailureReports
from plugins.fields.checks import checked_facts
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from recommenders.contract import Reason
from recommenders.gates import say
from tests.waiting import until

HOSPITAL = '''
import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated

from graph.words import CustomerKind
from guanxi import About, Facts, Field, Proposal, hookimpl, recommender


class Need(Enum):
    """How urgent it is.

    Not for the schema.
    """

    HIGH = "h"
    "Now."
    LOW = "l"
    "Later."


@dataclass(frozen=True)
class Bed:
    """A bed."""

    number: int
    "Its number."


@dataclass(frozen=True)
class Ward:
    """A ward."""

    name: str
    "What it is called."
    need: Annotated[Need, "How urgent."]
    beds: tuple[Bed, ...]
    "Its beds."
    opened_on: date | None
    "Its first day."
    price: Decimal
    "Of a day."


@dataclass(frozen=True)
class SteadySalary:
    """Salary has come for so long."""

    months_in_a_row: int
    "Months."


def ward(
    customer,
    need: Annotated[Need, "Of which urgency."] = Need.LOW,
    beds: Annotated[int, "How many."] = 2,
    names: Annotated[tuple[str, ...], "What it may be called."] = ("A", "B"),
    since: Annotated[date | None, "From when."] = None,
):
    return Ward("/".join(names), need, tuple(Bed(n) for n in range(beds)), since, Decimal("1.50"))


def worth(customer):
    return customer.scores.value and customer.scores.value.amount


def fails(customer):
    raise ValueError(f"{customer.customer_no} is not here")


def slow(customer):
    while not Path(__file__).with_name("go-on").exists():
        time.sleep(0.01)
    return 1


def some_fail(customer):
    return 1 / (customer.customer_no != "BO")


@hookimpl
def about():
    return About(permissions=["identifiers", "scores"])


@hookimpl
def fields(register):
    register(Field("Customer", "ward", Ward, ward, "His ward.", for_customers=True, cost=3))
    register(Field("Customer", "number", str, lambda customer: customer.customer_no, "His number."))
    register(Field("Customer", "worth", float | None, worth, "What he is worth.", for_customers=True))
    register(Field("Customer", "kind_of", CustomerKind, lambda customer: customer.kind, "What he is."))
    register(Field("Customer", "fails", int, fails, "It fails."))
    register(Field("Customer", "slow", int, slow, "It is slow."))
    register(Field("Customer", "some_fail", float, some_fail, "It fails for one."))
    register(Field("Customer", "wrong", int, lambda customer: "one", "It is no number."))
    register(Field("Customer", "endless", float, lambda customer: float("nan"), "It is no number either."))
    register(Field("Customer", "half", str, lambda customer: "\\ud800", "It is half a character."))
    register(Field("Product", "letters", int, lambda product: len(product.product_code), "How long its code is."))
    register(Field("Programme", "code", str, lambda code: code, "Its code.", for_customers=True))


@hookimpl
def facts(register):
    register(Facts(SteadySalary))


@recommender("hospital")
def propose(customer, catalogue):
    wrong = SteadySalary("many") if customer.customer_no == "BO" else SteadySalary(36)
    yield Proposal("AUTOPAY", 0.9, "Three years of salary.", facts=wrong)
'''


@dataclass(frozen=True)
class Said:
    """What was said."""

    word: str
    "In a word."


DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "plugins-graphql.md").read_text()
WARD = "{ name need beds { number } openedOn price }"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("plugins")
    (found / "hospital.py").write_text(HOSPITAL)
    return found


@pytest.fixture
def host(folder):
    return PluginHost.load([folder])


@pytest.fixture
async def hospital(bank, serving, host):
    async with serving(bank, host, federation=True) as running:
        running.plugin = next(plugin for plugin in host.plugins if plugin.name == "hospital")
        yield running


async def told(server, bearer, selected, no="ANNA"):
    answer = await server.ask(f'{{ customer(customerNo: "{no}") {{ name hospital {{ {selected} }} }} }}', bearer)
    assert "errors" not in answer, answer
    return answer["data"]["customer"]["hospital"]


async def test_introspection_shows_types_and_descriptions(hospital, bearers):
    query = """{
      ward: __type(name: "HospitalWard") { description fields { name description type { kind ofType { name kind } } } }
      need: __type(name: "HospitalNeed") { description enumValues { name description } }
      own: __type(name: "HospitalCustomer") { fields { name description args { name description defaultValue } } }
      facts: __type(name: "PluginFacts") { possibleTypes { name } }
    }"""
    found = (await hospital.ask(query, bearers.admin))["data"]

    assert found["need"] == {
        "description": "How urgent it is.",
        "enumValues": [{"name": "HIGH", "description": "Now."}, {"name": "LOW", "description": "Later."}],
    }
    assert {field["name"]: field["description"] for field in found["ward"]["fields"]} == {
        "name": "What it is called.", "need": "How urgent.", "beds": "Its beds.", "openedOn": "Its first day.", "price": "Of a day.",
    }  # fmt: skip
    ward = found["own"]["fields"][0]
    assert (ward["name"], ward["description"]) == ("ward", "His ward.")
    assert {one["name"]: (one["description"], one["defaultValue"]) for one in ward["args"]} == {
        "need": ("Of which urgency.", "LOW"), "beds": ("How many.", "2"),
        "names": ("What it may be called.", '["A", "B"]'), "since": ("From when.", "null"),
    }  # fmt: skip
    assert found["facts"] == {"possibleTypes": [{"name": "HospitalSteadySalary"}]}


async def test_values_and_arguments_are_typed(hospital, bearers):
    said = 'need: HIGH, beds: 1, names: ["X"], since: "2020-02-01"'
    found = await told(hospital, bearers.manager, f"ward {WARD} other: ward({said}) {WARD} number kindOf")
    assert found == {
        "ward": {"name": "A/B", "need": "LOW", "beds": [{"number": 0}, {"number": 1}], "openedOn": None, "price": "1.50"},
        "other": {"name": "X", "need": "HIGH", "beds": [{"number": 0}], "openedOn": "2020-02-01", "price": "1.50"},
        "number": "ANNA", "kindOf": "PERSON",
    }  # fmt: skip


@pytest.mark.parametrize(
    "said", ['beds: "two"', "need: MEDIUM", "names: [null]", 'since: "soon"', "beds: null", "bed: 1"]
)
async def test_arguments_of_other_types_are_refused(hospital, bearers, said):
    answer = await hospital.ask(
        f"{{ viewer {{ customer {{ hospital {{ ward({said}) {{ name }} }} }} }} }}", bearers.anna
    )
    assert answer["errors"]
    assert hospital.plugin.state == "loaded"


async def test_staff_reads_all_and_a_customer_what_is_for_him(hospital, bearers):
    assert await told(hospital, bearers.anna, "number ward { name }") == {"number": None, "ward": {"name": "A/B"}}
    assert await told(hospital, bearers.admin, "number") == {"number": "ANNA"}
    query = '{ product(productCode: "CAMPUS-CARD") { hospital { letters } programme { hospital { code } } } }'
    for bearer, letters in ((bearers.marketing, 11), (bearers.partner, None), (bearers.anna, None)):
        found = (await hospital.ask(query, bearer))["data"]["product"]
        assert found == {"hospital": {"letters": letters}, "programme": {"hospital": {"code": "CAMPUS"}}}


async def test_scores_are_told_for_those_who_serve_a_customer_and_not_for_himself(hospital, bearers):
    query = '{ customer(customerNo: "ANNA") { value { amount } hospital { worth } } }'
    for bearer in (bearers.manager, bearers.admin):
        found = (await hospital.ask(query, bearer))["data"]["customer"]
        assert found["hospital"]["worth"] == found["value"]["amount"]
    assert (await hospital.ask(query, bearers.anna))["data"]["customer"] == {"value": None, "hospital": {"worth": None}}


@pytest.mark.parametrize("name", ["fails", "wrong", "endless", "half"])
async def test_a_failing_field_is_null_alone_and_is_counted(hospital, bearers, name):
    assert await told(hospital, bearers.admin, f"{name} number") == {name: None, "number": "ANNA"}
    assert (hospital.plugin.state, hospital.plugin.failures) == ("failing", 1)
    assert hospital.plugin.error.startswith(f"field Customer.{name}: ")


async def test_of_a_page_only_that_customer_is_null_whose_value_failed(hospital, bearers):
    query = "{ nodes: customers(first: 4) { nodes { customerNo hospital { someFail } } } }"
    found = (await hospital.ask(query, bearers.admin))["data"]["nodes"]["nodes"]
    assert {one["customerNo"]: one["hospital"]["someFail"] for one in found}["BO"] is None
    assert sum(one["hospital"]["someFail"] == 1 for one in found) == 3
    assert await told(hospital, bearers.admin, "someFail") == {"someFail": 1}
    assert (hospital.plugin.state, hospital.plugin.failures) == ("loaded", 1)


async def test_a_slow_field_is_null_and_is_not_asked_while_it_still_runs(hospital, bearers, budget):
    budget(0.5)
    assert await told(hospital, bearers.admin, "slow number") == {"slow": None, "number": "ANNA"}
    assert "took longer than" in hospital.plugin.error
    assert await told(hospital, bearers.admin, "slow number") == {"slow": None, "number": "ANNA"}
    assert hospital.plugin.failures == 1
    Path(hospital.plugin.source).with_name("go-on").touch()
    await until(lambda: told(hospital, bearers.admin, "slow"), lambda found: found == {"slow": 1})


async def test_a_page_is_read_with_as_many_queries_as_one_customer(hospital, bank, bearers, monkeypatch):
    reads, read = [], bank.read

    async def counted(cypher, **parameters):
        reads.append(cypher)
        return await read(cypher, **parameters)

    monkeypatch.setattr(bank, "read", counted)
    counts = []
    for first in (1, 50):
        query = f"{{ customers(first: {first}) {{ nodes {{ customerNo hospital {{ number }} }} }} }}"
        own = []
        for _ in range(3):  # now and then the engine is refreshed, which reads, too
            reads.clear()
            found = (await hospital.ask(query, bearers.admin))["data"]["customers"]["nodes"]
            own.append(len(reads))
        assert [one["hospital"]["number"] for one in found] == [one["customerNo"] for one in found]
        assert len(found) == first
        counts.append(min(own))
    assert counts[0] == counts[1]


async def test_reasons_have_facts_of_the_plugins_own_type(hospital, bearers):
    query = """query ($no: String!) { customer(customerNo: $no) { offers(first: 20) {
      reasons typedReasons { recommender text facts { __typename plugin ... on HospitalSteadySalary { monthsInARow } } }
    } } }"""
    offers = (await hospital.ask(query, bearers.anna, no="ANNA"))["data"]["customer"]["offers"]
    for offer in offers:
        assert [reason["text"] for reason in offer["typedReasons"]] == offer["reasons"]
    given = [reason for offer in offers for reason in offer["typedReasons"] if reason["facts"]]
    assert given == [
        {
            "recommender": "hospital",
            "text": "Three years of salary.",
            "facts": {"__typename": "HospitalSteadySalary", "plugin": "hospital", "monthsInARow": 36},
        }
    ]
    assert hospital.plugin.failures == 0
    answer = await hospital.ask(query, bearers.bo, no="BO")
    assert "errors" not in answer
    reasons = [reason for offer in answer["data"]["customer"]["offers"] for reason in offer["typedReasons"]]
    assert [reason["facts"] for reason in reasons if reason["recommender"] == "hospital"] == [None]
    assert "months_in_a_row is str, not int" in hospital.plugin.error


async def test_wrong_facts_are_reported_away_from_the_event_loop(monkeypatch):
    threads = []
    monkeypatch.setattr(FailureReports, "tell", lambda *_: threads.append(threading.current_thread()))
    owner = PluginInfo("mine", "here")
    added = Additions(owners={"mine": owner})
    assert await added.facts(Reason("mine", (), say("Mine.", "我的。"), object())) is None
    assert owner.failures == 1
    assert [thread is threading.main_thread() for thread in threads] == [False]


async def test_facts_with_half_a_character_are_none_and_are_counted():
    owner, shape = PluginInfo("mine", "here"), checked_facts(Said)
    added = Additions([Addition(owner, "mine", {}, {Said: (shape, Said)})], {"mine": owner})
    assert await added.facts(Reason("mine", (), say("Mine.", "我的。"), Said("\ud800"))) is None
    assert owner.last_place.endswith("its facts.word has a lone surrogate, which is no text")


async def test_it_is_priced(hospital, bearers):
    query = '{ customer(customerNo: "ANNA") { hospital { ward { name beds { number } } number } } }'
    answer = (await hospital.post(query, bearers.admin)).json()
    assert answer["extensions"]["cost"]["requested"] == 1 + 1 + (3 + 1 + 20) + 5


async def test_a_subgraph_has_it_too(hospital, bearers):
    sdl = (await hospital.ask("{ _service { sdl } }", bearers.admin))["data"]["_service"]["sdl"]
    assert "type HospitalWard" in sdl


async def test_without_the_plugin_nothing_else_has_changed(bank, serving, bearers, hospital):
    query = '{ customer(customerNo: "ANNA") { name hospital { number } } }'
    async with serving(bank) as bare:
        assert "hospital" in (await bare.ask(query, bearers.admin))["errors"][0]["message"]
        assert await bare.ask("{ customers { nodes { name } } }", bearers.admin) == await hospital.ask(
            "{ customers { nodes { name } } }", bearers.admin
        )


def test_the_printed_schema_is_one_for_code_generators_and_has_more_by_the_plugin_alone(host):
    with_it, without = build_schema(printed(host)), build_schema(printed())
    new = set(with_it.type_map) - set(without.type_map)
    assert new == {
        "HospitalBed", "HospitalCustomer", "HospitalNeed", "HospitalProduct", "HospitalProgramme",
        "HospitalSteadySalary", "HospitalWard", "Decimal",
    }  # fmt: skip
    for name, kind in without.type_map.items():
        more = set(getattr(with_it.type_map[name], "fields", ())) - set(getattr(kind, "fields", ()))
        assert more == ({"hospital"} if name in ("Customer", "Product", "Programme") else set())


def test_what_the_documentation_shows_is_served_as_it_is(tmp_path):
    source, query = (DOCUMENTATION.split(f"```{language}\n")[1].split("```")[0] for language in ("python", "graphql"))
    (tmp_path / "hospital.py").write_text(source)
    host = PluginHost.load([tmp_path])
    assert validate(build_schema(printed(host)), parse(query)) == []
    assert host.plugins[-1].error is None


ONE = """
from guanxi import Field, hookimpl

@hookimpl
def fields(register):
    register(Field("Customer", "number", str, lambda customer: customer.customer_no, "His number."))
"""
BED = (
    ONE.replace("str, lambda customer: customer.customer_no", "Paging, lambda customer: None")
    .replace(
        "@hookimpl",
        'from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Info:\n    """A page."""\n    size: int\n    "Its size."\n\n@hookimpl',
    )
    .replace("Paging", "Info")
)


@pytest.mark.parametrize(
    ("file", "source", "said"),
    [
        ("name.py", ONE, "Customer has a field named name already"),
        ("customer_no.py", ONE, "Customer has a field named customerNo already"),
        ("page.py", BED, "Type PageInfo is defined multiple times"),
        ("customer.py", BED.replace("Info", "Kind"), "Type CustomerKind is defined multiple times"),
        ("date.py", BED.replace("Info", "Time"), "Type DateTime is defined multiple times"),
        ("plugin.py", BED.replace("Info", "Facts"), "Type PluginFacts is defined multiple times"),
        ("create-webhook.py", BED.replace("Info", "Input"), "Type CreateWebhookInput is defined multiple times"),
        ("医院.py", ONE, "cannot begin the names of its types"),
        ("7up.py", ONE, "cannot begin the names of its types"),
    ],
)
def test_what_clashes_with_the_bank_is_left_out(tmp_path, file, source, said):
    (tmp_path / file).write_text(source)
    host = PluginHost.load([tmp_path], reports=FailureReports(tmp_path / "failures"))
    assert printed(host) == printed()
    assert host.plugins[-1].state == "failing"
    assert said in host.plugins[-1].error
    [told] = host.reports.counts.take()
    assert (told.plugin, told.hook, said in told.said) == (file.removesuffix(".py"), "schema", True)


def test_of_two_plugins_of_one_prefix_the_first_has_it(tmp_path):
    for name in ("my-card", "my_card"):
        (tmp_path / f"{name}.py").write_text(ONE)
    host = PluginHost.load([tmp_path])
    assert printed(host).count("type MyCardCustomer ") == 1
    assert [plugin.state for plugin in host.plugins[-2:]] == ["loaded", "failing"]
    assert "my-card" in host.plugins[-1].error


def test_of_two_plugins_whose_types_have_one_name_the_first_has_it(tmp_path):
    for name, kind in (("my", "CardSeat"), ("my_card", "Seat")):
        (tmp_path / f"{name}.py").write_text(BED.replace("Info", kind))
    host = PluginHost.load([tmp_path])
    types = build_schema(printed(host)).type_map
    assert {"MyCustomer", "MyCardSeat"} == {name for name in types if name.startswith("My")}
    assert [plugin.state for plugin in host.plugins[-2:]] == ["loaded", "failing"]
    assert "MyCardSeat" in host.plugins[-1].error


def test_what_makes_the_schema_fail_unforeseen_is_left_out_alone():
    def build(added):
        if any(one.plugin.name == "bad" for one in added.each):
            raise GraphQLError("no such schema")
        return [one.plugin.name for one in added.each]

    each = [Addition(PluginInfo(name, "here"), name, {}, {}) for name in ("a", "bad", "b")]
    assert fitting(Additions(each), build) == ["a", "b"]
    assert each[1].plugin.error == "schema: GraphQLError: no such schema"
