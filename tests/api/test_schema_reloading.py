"""The schema of a running server as files of plugins change: no request fails, and each has one schema from end to end."""

import asyncio
import gc
import json
import weakref

import pytest

from api import live_engine
from api.current_schema import CurrentSchema
from api.requests import HttpContext
from api.schema import build_schema
from graph.records import StoredSettings
from plugins.host import PluginHost
from plugins.life.reloading import STAYS, Reloading
from tests.waiting import PATIENCE, until

WARD = '''
from dataclasses import dataclass
from typing import Annotated

from guanxi import Facts, Field, Proposal, hookimpl, recommender


@dataclass(frozen=True)
class Steady:
    """Salary comes."""

    months: int
    "So long."


@hookimpl
def fields(register):
    register(Field("Customer", "number", int, lambda customer: 1, "His number."))


@hookimpl
def facts(register):
    register(Facts(Steady))


@recommender("ward")
def propose(customer, catalogue):
    yield Proposal("AUTOPAY", 0.9, "Salary comes.", facts=Steady(36))
'''
FIELD = '    register(Field("Customer", "number", int, lambda customer: 1, "His number."))\n'
LETTER = '    register(Field("Customer", "letter", str, lambda customer: "A", "His letter."))\n'
MORE = """    def twice(customer, of: Annotated[int, "What is doubled."] = 1):
        return 2 * of
    register(Field("Customer", "number", int, twice, "His number."))
"""
OTHER = WARD.replace('@recommender("ward")', '@recommender("other")')
SET = """
from guanxi import About, Field, hookimpl
from pydantic import BaseModel, Field as Setting


class Settings(BaseModel, frozen=True):
    number: int = Setting(1, ge=1, description="The number.")


@hookimpl
def about():
    return About(settings=Settings)


@hookimpl
def fields(register, settings):
    register(Field("Product", "number", int, lambda product: settings.number, "Its number."))
"""
TYPES = '{ __type(name: "WardCustomer") { fields { name args { name } } } }'
LISTENING = """subscription { offersChanged(customerNo: "ANNA") {
  ward { number } offers(first: 20) { typedReasons { facts { ... on WardSteady { months } } } } } }"""
REFUSE = """mutation { setConsent(input: {customerNo: "ANNA", marketing: true}) { errors { code } } }"""


def asked(selection):
    return f'{{ customer(customerNo: "ANNA") {{ {selection} }} }}'


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """The server looks for what changed without keeping the tests waiting."""
    monkeypatch.setattr(live_engine, "REFRESH_SECONDS", 0.05)


@pytest.fixture
def ward(tmp_path):
    """A plugin's file, beside another's."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "other.py").write_text(OTHER)
    (folder / "ward.py").write_text(WARD)
    return folder / "ward.py"


@pytest.fixture
async def served(bank, serving, ward, bearers):
    """A server with both, and what it answers to an administrator."""
    async with serving(bank, PluginHost.load([ward.parent])) as server:

        async def answers(query, data):
            found = await until(lambda: server.ask(query, bearers.admin), lambda answer: answer.get("data") == data)
            assert found == {"data": data}

        server.answers = answers
        yield server


async def health(server, bearers):
    plugins = (await server.ask("{ plugins { name state error } }", bearers.admin))["data"]["plugins"]
    return next((plugin["state"], plugin["error"]) for plugin in plugins if plugin["name"] == "ward")


def refused(answer, field):
    return f"Cannot query field '{field}'" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("change", "selection", "gives", "fields", "gone"),
    [
        (FIELD + LETTER, "number letter", {"number": 1, "letter": "A"}, {"number": [], "letter": []}, None),
        (LETTER, "letter", {"letter": "A"}, {"letter": []}, "number"),
        (MORE, "number(of: 4)", {"number": 8}, {"number": ["of"]}, None),
        (FIELD.replace("customer: 1", "customer: 2"), "number", {"number": 2}, {"number": []}, None),
    ],
    ids=["added", "renamed", "with an argument", "another code alone"],
)
async def test_a_changed_field_answers_while_no_request_fails(
    served, ward, bearers, change, selection, gives, fields, gone
):
    going, answered = True, []

    async def keep_asking(query):
        while going:
            answered.append(await served.ask(query, bearers.admin))

    asking = [asyncio.create_task(keep_asking(asked(own))) for own in ("name other { number }", "number: name")]
    ward.write_text(WARD.replace(FIELD, change))
    await served.answers(asked(f"ward {{ {selection} }}"), {"customer": {"ward": gives}})
    going = False
    await asyncio.gather(*asking)

    assert len(answered) > 1
    assert all("errors" not in answer for answer in answered)
    [told] = (await served.ask(TYPES, bearers.admin))["data"].values()
    assert {one["name"]: [own["name"] for own in one["args"]] for one in told["fields"]} == fields
    assert gone is None or refused(await served.ask(asked(f"ward {{ {gone} }}"), bearers.admin), gone)


async def test_fields_of_a_file_that_comes_or_goes_come_and_go(served, ward, bearers):
    query = asked("ward { number }")
    source = ward.read_text()
    ward.unlink()
    await served.answers(TYPES, {"__type": None})
    assert refused(await served.ask(query, bearers.admin), "ward")
    ward.write_text(source)
    await served.answers(query, {"customer": {"ward": {"number": 1}}})


async def test_a_request_in_flight_ends_on_the_schema_that_it_began_with(served, ward, bearers):
    begun, done = ward.with_name("begun"), ward.with_name("done")
    waiting = f"""    def number(customer):
        from pathlib import Path
        import time
        Path({str(begun)!r}).touch()
        while not Path({str(done)!r}).exists():
            time.sleep(0.01)
        return 7
    register(Field("Customer", "number", int, number, "His number."))
"""
    ward.write_text(WARD.replace(FIELD, waiting + LETTER))
    await served.answers(asked("ward { letter }"), {"customer": {"ward": {"letter": "A"}}})
    flying = asyncio.create_task(served.ask(asked("ward { number letter }"), bearers.admin))
    await until(begun.exists)
    ward.write_text(WARD.replace(FIELD, LETTER.replace('"A"', '"B"')))
    await served.answers(asked("ward { letter }"), {"customer": {"ward": {"letter": "B"}}})
    assert not flying.done()
    done.touch()
    assert await flying == {"data": {"customer": {"ward": {"number": 7, "letter": "A"}}}}


async def test_an_open_subscription_goes_on_and_the_sockets_next_operation_has_the_new_schema(served, ward, bearers):
    async def hear():
        message = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
        return message["id"], message["payload"]

    def subscribe(key, query):
        return socket.send(json.dumps({"id": key, "type": "subscribe", "payload": {"query": query}}))

    def months(payload):
        customer = payload["data"]["offersChanged"]
        found = [
            one["facts"]["months"] for offer in customer["offers"] for one in offer["typedReasons"] if one["facts"]
        ]
        return customer["ward"]["number"], *found

    async with served.socket(bearers.admin) as socket:
        await subscribe("open", LISTENING)
        hearing = asyncio.create_task(hear())
        while not hearing.done():
            await served.ask(REFUSE, bearers.admin)
            await asyncio.wait([hearing], timeout=0.1)
        key, payload = hearing.result()
        assert (key, "errors" in payload, months(payload)) == ("open", False, (1, 36))

        ward.write_text(WARD.replace(FIELD, LETTER).replace("Steady(36)", "Steady(48)"))
        await served.answers(asked("ward { letter }"), {"customer": {"ward": {"letter": "A"}}})
        while (told := months(payload)) == (1, 36):
            key, payload = await hear()
            assert (key, "errors" in payload) == ("open", False)
        assert told == (1, 48)

        await subscribe("new", asked("ward { letter }"))
        while key != "new":
            key, payload = await hear()
        assert payload["data"] == {"customer": {"ward": {"letter": "A"}}}
    assert await health(served, bearers) == ("loaded", None)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def broken(:", STAYS),
        (WARD.replace("int, lambda", "object, lambda"), STAYS),
    ],
    ids=["no Python", "no type of a field"],
)
async def test_of_a_broken_file_the_version_before_serves(served, ward, bearers, source, said):
    ward.write_text(source)
    told = await until(lambda: health(served, bearers), lambda told: told[0] == "failing")
    assert said in told[1]
    assert await served.ask(asked("ward { number }"), bearers.admin) == {"data": {"customer": {"ward": {"number": 1}}}}

    ward.write_text(WARD.replace("customer: 1", "customer: 3"))
    await served.answers(asked("ward { number }"), {"customer": {"ward": {"number": 3}}})
    assert await health(served, bearers) == ("loaded", None)


def changed(ward, source, host):
    """The host once a file has another source."""
    looking = Reloading(host)
    ward.write_text(source)
    return looking.look(host)


def test_fields_that_would_not_fit_stay_as_they_were_and_the_plugin_says_why(ward):
    page = ward.rename(ward.with_name("page.py"))
    host = PluginHost.load([page.parent])
    first = build_schema(host)
    clashing = WARD.replace("Steady", "Info").replace("customer: 1", "customer: 2")
    before = first.additions.of(host.plugins[-1])

    host = changed(page, clashing, host)
    second = build_schema(host, before=first)
    assert second.as_str() == first.as_str()
    assert second.additions.of(host.plugins[-1]).fields is before.fields
    [info] = [info for info in host.plugins if info.name == "page"]
    assert info.state == "failing"
    assert info.error.startswith("schema: what it added before stays: ")
    assert "PageInfo" in info.error

    host = changed(page, WARD.replace(FIELD, LETTER), host)
    third = build_schema(host, before=second)
    assert "letter" in third._schema.type_map["PageCustomer"].fields
    assert [info.state for info in host.plugins if info.name == "page"] == ["loaded"]


async def test_fields_that_stay_are_counted_with_the_plugin_that_is_listed(ward):
    page = ward.rename(ward.with_name("page.py"))
    host = PluginHost.load([page.parent])
    first = build_schema(host)
    host = changed(page, WARD.replace("Steady", "Info"), host)
    second = build_schema(host, before=first)

    [info] = [info for info in host.plugins if info.name == "page"]
    [number] = second.additions.of(info).calls
    assert info.failures == 1
    assert await number.values(["C1"], ["no customer"], {}) == [None]
    assert info.failures == 2
    assert info.error.startswith("field Customer.number: ")


def test_what_does_not_fit_is_not_tried_again_until_something_changes(ward):
    page = ward.rename(ward.with_name("page.py"))
    page.write_text(WARD.replace("Steady", "Info"))
    host = PluginHost.load([page.parent])
    first = build_schema(host)
    [info] = [info for info in host.plugins if info.name == "page"]
    assert build_schema(host, before=first) is first
    assert (info.state, info.failures) == ("failing", 1)

    other = page.with_name("other.py")
    host = changed(other, OTHER.replace("customer: 1", "customer: 2"), host)
    second = build_schema(host, before=first)
    assert build_schema(host, before=second) is second
    assert (info.state, info.failures) == ("failing", 2)


def test_a_newcomer_takes_no_name_that_a_changed_plugin_falls_back_to(ward):
    old = ward.rename(ward.with_name("create_webhook.py"))
    host = PluginHost.load([old.parent])
    first = build_schema(host)
    looking = Reloading(host)
    old.write_text(WARD.replace("Steady", "Input"))
    old.with_name("create.py").write_text(OTHER.replace("other", "another").replace("Steady", "WebhookSteady"))
    host = looking.look(host)
    second = build_schema(host, before=first)
    assert second.as_str() == first.as_str()
    states = {info.name: info.state for info in host.plugins if info.name.startswith("create")}
    assert states == {"create": "failing", "create_webhook": "failing"}


def test_a_newcomer_takes_no_name_of_one_that_serves_until_that_is_gone(ward):
    def states():
        return {info.name: info.state for info in host.plugins if info.name.startswith("my")}

    mine = ward.rename(ward.with_name("my_card.py"))
    host = PluginHost.load([mine.parent])
    first = build_schema(host)
    looking = Reloading(host)
    mine.write_text(WARD.replace("customer: 1", "customer: 2"))
    mine.with_name("my-card.py").write_text(OTHER.replace("other", "another"))
    host = looking.look(host)
    second = build_schema(host, before=first)
    assert second.as_str() == first.as_str()
    assert states() == {"my-card": "failing", "my_card": "loaded"}

    mine.unlink()
    third = build_schema(looking.look(host), before=second)
    assert third.as_str() == first.as_str().replace("my_card", "my-card")
    assert states()["my-card"] == "loaded"


def test_plugins_that_have_not_changed_keep_their_fields_with_their_health(ward):
    host = PluginHost.load([ward.parent])
    first = build_schema(host)
    assert build_schema(host, before=first) is first

    host = changed(ward, WARD.replace("customer: 1", "customer: 2"), host)
    second = build_schema(host, before=first)
    for info in host.plugins:
        assert (second.additions.of(info) is first.additions.of(info)) == (info.name != "ward")


def test_fields_follow_what_staff_sets_and_stay_while_it_cannot_be(ward):
    ward.write_text(SET)
    host = PluginHost.load([ward.parent])
    first = build_schema(host)
    [info] = [info for info in host.plugins if info.name == "ward"]

    host.take_settings({"ward": StoredSettings("ward", 1, {"number": 5})})
    second = build_schema(host, before=first)
    assert [field.resolve(None) for field in second.additions.of(info).made_of] == [5]

    host.take_settings({"ward": StoredSettings("ward", 2, {"number": 0})})
    assert info.state == "broken"
    assert build_schema(host, before=second).additions.of(info) is second.additions.of(info)


async def test_a_schema_that_serves_no_more_is_forgotten_with_its_documents(ward):
    host = PluginHost.load([ward.parent])
    current = CurrentSchema(host, build_schema)
    document, context = '{ __type(name: "WardCustomer") { name } nodes(ids: []) { id } }', HttpContext(None, None)
    assert not (await current.execute(document, context_value=context)).errors
    old = weakref.ref(current._schema)
    current.follow(changed(ward, WARD.replace(FIELD, LETTER), host))
    gc.collect()
    assert old() is None
    assert not (await current.execute(document, context_value=context)).errors


def test_where_no_schema_can_be_built_the_last_one_serves(ward, caplog):
    host = PluginHost.load([ward.parent])

    def build(host, before=None):
        if before is not None:
            raise ValueError("no such schema")
        return build_schema(host)

    current = CurrentSchema(host, build)
    first = current._schema
    current.follow(host)
    assert current._schema is first
    assert "the schema stays as it was" in caplog.text
