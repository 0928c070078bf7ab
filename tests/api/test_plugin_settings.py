"""Plugins are set at run time by staff, over HTTP: validated, versioned, audited, and taken by every server."""

import asyncio
import contextlib
import json

import pytest

from api import live_engine
from graph import plugin_settings
from graph.store import Store
from plugins.host import PluginHost
from plugins.settings.held import Sources
from tests.waiting import until

KEPT = "a secret nobody tells"
PLUGIN = """
from pydantic import BaseModel, Field, SecretStr
from guanxi import About, Proposal, hookimpl, recommender

class Settings(BaseModel, frozen=True):
    code: str = Field("CARD", description="What to propose.")
    score: float = Field(0.5, ge=0, le=1, description="How strongly.")
    key: SecretStr | None = Field(None, description="Opens a service.")

    def model_post_init(self, _):
        if self.code == "RAISES":
            raise RuntimeError(f"key {self.key}")

@hookimpl
def about():
    return About(settings=Settings)

@recommender("set-by-staff")
def propose(customer, catalogue, settings):
    yield Proposal(settings.code, settings.score)
"""
FIELDS = """plugin version error schema values { name value source secret }
    history { version settings setBy revertedTo }"""
READ = f'{{ pluginSettings(plugin: "set-card") {{ {FIELDS} }} }}'
SET = f"""mutation ($input: SetPluginSettingsInput!) {{ setPluginSettings(input: $input) {{
    pluginSettings {{ {FIELDS} }} errors {{ code message path currentVersion }} }} }}"""
REVERT = f"""mutation ($input: RevertPluginSettingsInput!) {{ revertPluginSettings(input: $input) {{
    pluginSettings {{ {FIELDS} }} errors {{ code message path currentVersion }} }} }}"""
OFFERS = """{ customer(customerNo: "ANNA") { offers(first: 20) { product { productCode } recommenders } } }"""


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(live_engine, "REFRESH_SECONDS", 0.05)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set_card.py").write_text(PLUGIN)
    return tmp_path


@pytest.fixture
def host(folder):
    """Return a function: a host as a server process makes it."""
    sources = Sources({"set_card": {"score": 0.25}}, {"GUANXI_PLUGIN_SET_CARD_KEY": KEPT})
    return lambda: PluginHost.load([folder], sources=sources)


@pytest.fixture
async def servers(bank, login, serving, host):
    """Two servers of one bank, each with a store and plugins of its own."""
    async with contextlib.AsyncExitStack() as held:
        other = await held.enter_async_context(Store(*login))
        yield [await held.enter_async_context(serving(store, host())) for store in (bank, other)]
    for label in ("PluginSettings", "PluginSettingsChange"):
        await bank.write(f"MATCH (n:{label}) DELETE n")


async def set_(server, bearer, **given):
    answer = await server.ask(SET, bearer, input={"plugin": "set_card", "settings": {}} | given)
    return answer["data"]["setPluginSettings"]


async def revert(server, bearer, to, **given):
    answer = await server.ask(REVERT, bearer, input={"plugin": "set_card", "toVersion": to} | given)
    return answer["data"]["revertPluginSettings"]


async def proposed(server, bearer):
    """What Anna is offered by the plugin."""
    offers = (await server.ask(OFFERS, bearer))["data"]["customer"]["offers"]
    return [offer["product"]["productCode"] for offer in offers if "set-by-staff" in offer["recommenders"]]


async def until_proposed(server, bearer, expected):
    await until(lambda: proposed(server, bearer), lambda found: found == expected)


async def test_marketing_reads_what_a_plugin_is_set_to_and_where_from(servers, bearers):
    told = (await servers[0].ask(READ, bearers.marketing))["data"]["pluginSettings"]

    assert (told["plugin"], told["version"], told["error"], told["history"]) == ("set_card", 0, None, [])
    assert told["values"] == [
        {"name": "code", "value": "CARD", "source": "DEFAULT", "secret": False},
        {"name": "score", "value": 0.25, "source": "FILE", "secret": False},
        {"name": "key", "value": None, "source": "ENVIRONMENT", "secret": True},
    ]
    assert told["schema"]["properties"]["score"]["maximum"] == 1


@pytest.mark.parametrize("name", ["campus", "nothing", "", "x" * 500])
async def test_a_plugin_without_settings_has_none_to_read_or_set(servers, bearers, name):
    read = await servers[0].ask("query ($name: String!) { pluginSettings(plugin: $name) { version } }", bearers.admin, name=name)  # fmt: skip
    assert read["data"] == {"pluginSettings": None}
    for done in (await set_(servers[0], bearers.admin, plugin=name), await revert(servers[0], bearers.admin, 0, plugin=name)):  # fmt: skip
        [error] = done["errors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "plugin"])


async def test_a_change_is_the_next_version_and_every_server_takes_it(servers, bearers):
    one, other = servers
    await until_proposed(other, bearers.anna, ["CARD"])

    done = await set_(one, bearers.marketing, settings={"code": "AUTOPAY"})
    assert done["errors"] == []
    assert done["pluginSettings"]["version"] == 1
    assert done["pluginSettings"]["values"][0] == {"name": "code", "value": "AUTOPAY", "source": "STAFF", "secret": False}  # fmt: skip
    await until_proposed(one, bearers.anna, ["AUTOPAY"])
    await until_proposed(other, bearers.anna, ["AUTOPAY"])

    await set_(other, bearers.admin, settings={"score": 0.75}, expectedVersion=1)
    await revert(one, bearers.marketing, 1)
    done = await set_(one, bearers.marketing, settings={}, reset=["code"])
    assert [(v["version"], v["settings"], v["revertedTo"]) for v in done["pluginSettings"]["history"]] == [
        (4, {}, None),
        (3, {"code": "AUTOPAY"}, 1),
        (2, {"code": "AUTOPAY", "score": 0.75}, None),
        (1, {"code": "AUTOPAY"}, None),
    ]
    assert {version["setBy"] for version in done["pluginSettings"]["history"]} == {"marketing", "admin"}
    await until_proposed(other, bearers.anna, ["CARD"])


async def test_no_request_is_dropped_while_settings_change(servers, bearers):
    one, other = servers
    answered, stop = [], asyncio.Event()

    async def ask():
        while not stop.is_set():
            answered.append(await proposed(other, bearers.anna))

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    for code in ("AUTOPAY", "CARD", "AUTOPAY"):
        await set_(one, bearers.admin, settings={"code": code})
        await until_proposed(other, bearers.anna, [code])
    stop.set()
    await asyncio.gather(*asking)
    assert {tuple(offers) for offers in answered} == {("AUTOPAY",), ("CARD",)}


@pytest.mark.parametrize(
    ("settings", "path", "told"),
    [
        ({"score": 2}, ["score"], "The setting 'score' set at run time: Input should be less than or equal to 1."),
        ({"score": "x"}, ["score"], "The setting 'score' set at run time: Input should be a valid number, unable to parse string as a number."),
        ({"scor": 1}, ["scor"], "The setting 'scor' set at run time: there is no setting 'scor'; is 'score' meant?"),
        ({}, [], "Nothing is set, and nothing reset."),
        ({"key": "a secret of a caller"}, ["key"], "The setting 'key' set at run time: 'key' is a secret; set it in the environment alone."),
        ({"code": "x" * 20_001}, [], "They are longer than 20,000 characters."),
        ({"code": "RAISES"}, [], "The plugin cannot run under them: RuntimeError in set_card.py:12."),
        ([], [], "They are an object of settings by name."),
        ("code", [], "They are an object of settings by name."),
        (1, [], "They are an object of settings by name."),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_and_nothing_stored(servers, bearers, bank, caplog, settings, path, told):
    done = await set_(servers[0], bearers.admin, settings=settings)

    assert done["pluginSettings"] is None
    assert done["errors"] == [
        {"code": "BAD_INPUT", "message": told, "path": ["input", "settings", *path], "currentVersion": None}
    ]
    assert await plugin_settings.every(bank) == {}
    assert "a secret of a caller" not in f"{done}{caplog.text}"


@pytest.mark.parametrize(
    ("settings", "reset", "told"),
    [
        ({}, "scor", "There is no setting 'scor'; is 'score' meant?"),
        ({}, "weather", "There is no setting 'weather'."),
        ({"score": 0.25}, "score", "The setting 'score' is set and reset at once."),
    ],
)
async def test_what_cannot_be_reset_is_told_with_its_name(servers, bearers, bank, settings, reset, told):
    done = await set_(servers[0], bearers.admin, settings=settings, reset=[reset])

    assert done["errors"] == [
        {"code": "BAD_INPUT", "message": told, "path": ["input", "reset", reset], "currentVersion": None}
    ]
    assert await plugin_settings.every(bank) == {}


async def test_who_has_seen_another_version_is_told(servers, bearers):
    await set_(servers[0], bearers.admin, settings={"score": 0.5})
    for done in (
        await set_(servers[1], bearers.marketing, settings={"score": 1}, expectedVersion=0),
        await revert(servers[1], bearers.marketing, 0, expectedVersion=2),
    ):
        [error] = done["errors"]
        assert (error["code"], error["path"], error["currentVersion"]) == ("VERSION_CONFLICT", ["input", "expectedVersion"], 1)  # fmt: skip
    [error] = (await revert(servers[1], bearers.marketing, 9))["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "toVersion"])


async def test_of_many_at_once_all_are_done_where_no_version_is_expected(servers, bearers):
    done = await asyncio.gather(
        *(set_(servers[n % 2], bearers.admin, settings={"score": n / 8}) for n in range(8)),
    )
    assert [one["errors"] for one in done] == [[]] * 8
    last = (await servers[0].ask(READ, bearers.admin))["data"]["pluginSettings"]
    assert sorted(version["settings"]["score"] for version in last["history"]) == [n / 8 for n in range(8)]


async def test_what_is_sent_again_is_done_once(servers, bearers):
    given = {"settings": {"score": 0.5}, "expectedVersion": 0, "idempotencyKey": "again"}
    first = await set_(servers[0], bearers.admin, **given)
    again = await set_(servers[1], bearers.admin, **given)
    other = await set_(servers[1], bearers.admin, **given | {"settings": {"score": 1}})

    assert first == again
    assert (first["errors"], first["pluginSettings"]["version"]) == ([], 1)
    assert [error["code"] for error in other["errors"]] == ["IDEMPOTENCY_KEY_REUSED"]


@pytest.mark.parametrize("role", ["anna", "manager", "partner"])
async def test_others_neither_read_nor_set(servers, bearers, bank, role):
    bearer = getattr(bearers, role)
    for query, given in [(READ, {}), (SET, {"plugin": "set_card", "settings": {}}), (REVERT, {"plugin": "set_card", "toVersion": 0})]:  # fmt: skip
        answer = await servers[0].ask(query, bearer, input=given)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await plugin_settings.every(bank) == {}


@pytest.mark.parametrize(
    ("settings", "outcome", "codes"), [({"code": "AUTOPAY"}, "ALLOWED", []), ({"scor": 1}, "FAILED", ["BAD_INPUT"])]
)
async def test_a_change_is_in_the_audit_log_with_its_plugin_and_without_its_values(
    servers, bearers, settings, outcome, codes
):
    await set_(servers[0], bearers.marketing, settings=settings)
    query = "{ auditEntries(first: 1) { nodes { operation role outcome details } } }"
    [entry] = (await servers[0].ask(query, bearers.admin))["data"]["auditEntries"]["nodes"]
    assert entry == {
        "operation": "setPluginSettings",
        "role": "MARKETING",
        "outcome": outcome,
        "details": {"fields": [["setPluginSettings", *codes]], "plugin": "set_card"},
    }


async def test_a_plugin_that_there_is_not_is_not_in_the_audit_log(servers, bearers):
    done = await set_(servers[0], bearers.marketing, plugin="set_cards", settings={})
    [entry] = (await servers[0].ask("{ auditEntries(first: 1) { nodes { details } } }", bearers.admin))["data"]["auditEntries"]["nodes"]  # fmt: skip
    assert entry == {"details": {"fields": [["setPluginSettings", "NOT_FOUND"]]}}
    assert [error["message"] for error in done["errors"]] == [
        "There is no plugin with settings 'set_cards'. Is set_card meant?"
    ]


async def test_no_secret_leaves_the_server(servers, bearers, bank, caplog):
    done = await set_(servers[0], bearers.admin, settings={"score": 1})
    read = await servers[0].ask(READ, bearers.admin)
    kept = await bank.read("MATCH (n) WHERE n:PluginSettings OR n:PluginSettingsChange RETURN properties(n) AS n")
    assert KEPT not in json.dumps([done, read, kept], default=str) + caplog.text


async def test_what_was_set_and_cannot_be_any_more_breaks_the_plugin_alone_and_is_told(bank, serving, host, bearers):
    await bank.write("CREATE (:PluginSettings {plugin: 'set_card', version: 3, settings: '{\"gone\": 1}'})")
    try:
        async with serving(bank, host()) as server:
            assert await proposed(server, bearers.anna) == []
            told = (await server.ask(READ, bearers.admin))["data"]["pluginSettings"]
            assert (told["version"], told["values"][0]["value"]) == (3, "CARD")
            assert told["error"] == "the setting 'gone' set at run time: there is no setting 'gone'"
            done = await revert(server, bearers.admin, 0)
            assert (done["errors"], done["pluginSettings"]["error"]) == ([], None)
            await until_proposed(server, bearers.anna, ["CARD"])
    finally:
        await bank.write("MATCH (n:PluginSettings) DELETE n")
        await bank.write("MATCH (n:PluginSettingsChange) DELETE n")


HALF = r"""
class Halves(Settings, frozen=True):
    model_config = {"json_schema_extra": {"note": "a half \udc80"}}

    @field_validator("code")
    @classmethod
    def _halved(cls, code):
        return "\udc80" if code == "HALF" else code

Settings = Halves
"""


async def test_a_lone_surrogate_that_a_validator_makes_is_refused_and_costs_nobody_the_answer(
    bank, serving, folder, host, bearers
):
    source = PLUGIN.replace("import BaseModel,", "import BaseModel, field_validator,")
    (folder / "set_card.py").write_text(source.replace("@hookimpl", HALF + "@hookimpl", 1))
    await bank.write("CREATE (:PluginSettings {plugin: 'set_card', version: 3, settings: '{\"code\": \"HALF\"}'})")
    try:
        async with serving(bank, host()) as server:
            told = (await server.ask(READ, bearers.admin))["data"]["pluginSettings"]
            done = await set_(server, bearers.admin, settings={"code": "HALF"})
    finally:
        await bank.write("MATCH (n:PluginSettings) DELETE n")

    wrong = "the setting 'code' set at run time: it has a lone surrogate, which is no text"
    assert (told["error"], told["values"][0]["value"]) == (wrong, "CARD")
    assert told["schema"]["note"] == "a half ?"
    assert [(error["code"], error["path"]) for error in done["errors"]] == [
        ("BAD_INPUT", ["input", "settings", "code"])
    ]


UNBOUND = """
class Unbound(Settings, frozen=True):
    most: float = Field(float("inf"), description="At most.")

Settings = Unbound
"""


async def test_a_number_that_json_cannot_say_is_told_as_a_text_and_costs_nobody_the_answer(
    bank, serving, folder, host, bearers
):
    path = folder / "set_card.py"
    path.write_text(path.read_text().replace("@hookimpl", UNBOUND + "@hookimpl", 1))
    async with serving(bank, host()) as server:
        answer = (await server.post(READ, bearers.admin)).text

    told = json.loads(answer, parse_constant=pytest.fail)["data"]["pluginSettings"]
    assert [one["value"] for one in told["values"] if one["name"] == "most"] == ["Infinity"]
    assert told["schema"]["properties"]["most"]["default"] == "Infinity"
