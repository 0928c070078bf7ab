"""Marketing puts a plugin on a stage: who may, what is wrong, and what servers then do."""

import asyncio
import json

import pytest

from api import live_engine, storing
from graph import audit, plugin_days, plugin_stages
from plugins.deciding import build_engine
from plugins.host import PluginHost
from plugins.life import reloading
from plugins.life.stages import is_in_share
from tests.waiting import PATIENCE, until

PLUGIN = """
from guanxi import Proposal, recommender

@recommender("pushy")
def propose(customer):
    yield Proposal("AUTOPAY", 1.0, "because")
"""
MOVED = """
from guanxi import LifeEvent, hookimpl, say

@hookimpl
def events(register):
    register(LifeEvent("MOVED", say("Has moved.", "已搬家。"), lambda customer: customer.today))
"""
PEOPLE = ["ANNA", "BO"]
SET = """mutation ($input: SetPluginStageInput!) { setPluginStage(input: $input) {
    decision { plugin version stage share reason decidedBy } errors { code message path currentVersion } } }"""
OFFERS = (
    """{ customer(customerNo: "ANNA") { offers(first: 5) { product { productCode } rank propensity recommenders } } }"""
)


@pytest.fixture
async def pushy(bank, serving, tmp_path, monkeypatch):
    """A server with a plugin on which nobody has decided."""
    monkeypatch.setattr(live_engine, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(storing, "STORE_SECONDS", 0.05)
    (tmp_path / "pushy.py").write_text(PLUGIN)
    async with serving(bank, PluginHost.load([tmp_path])) as running:
        yield running
    await bank.write("MATCH (n) WHERE n:PluginStage OR n:PluginDay OR n:IdempotencyKey DETACH DELETE n")


async def put(server, bearer, stage, **own):
    given = {"plugin": "pushy", "stage": stage, "reason": "try it"} | own
    return await server.ask(SET, bearer, input=given)


async def test_marketing_puts_a_plugin_on_a_stage_and_the_server_follows_at_once(pushy, bearers):
    live = await pushy.ask(OFFERS, bearers.admin)
    told = await put(pushy, bearers.marketing, "SHADOW")
    shadow = await pushy.ask(OFFERS, bearers.admin)
    await put(pushy, bearers.marketing, "LIVE", force=True)

    assert told["data"]["setPluginStage"]["decision"] == {
        "plugin": "pushy", "version": 1, "stage": "SHADOW", "share": None, "reason": "try it", "decidedBy": "marketing",
    }  # fmt: skip
    assert "pushy" in str(live)
    assert "pushy" not in str(shadow)
    assert await pushy.ask(OFFERS, bearers.admin) == live


async def test_the_same_again_writes_nothing(pushy, bank, bearers):
    first, again = [await put(pushy, bearers.marketing, "SHADOW", reason=reason) for reason in ("one", "two")]

    assert again == first
    assert [own.reason for own in await plugin_stages.history(bank)] == ["one"]


async def test_under_a_key_the_same_is_decided_once_and_another_decision_is_refused(pushy, bank, bearers):
    key = {"idempotencyKey": "one", "expectedVersion": 0}
    at_once = await asyncio.gather(*(put(pushy, bearers.marketing, "SHADOW", **key) for _ in range(4)))
    await put(pushy, bearers.marketing, "LIVE", force=True)
    later = await put(pushy, bearers.marketing, "SHADOW", **key)
    other = await put(pushy, bearers.marketing, "RETIRED", **key)
    another_viewer = await put(pushy, bearers.admin, "RETIRED", idempotencyKey="one")

    assert [answer == later for answer in at_once] == [True] * 4
    assert later["data"]["setPluginStage"]["decision"]["version"] == 1
    assert other["data"]["setPluginStage"]["errors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert another_viewer["data"]["setPluginStage"]["decision"]["version"] == 3
    assert [own.stage for own in await plugin_stages.history(bank)] == ["shadow", "live", "retired"]


async def test_a_key_stands_for_the_decision_that_it_found(pushy, bank, bearers):
    first = await put(pushy, bearers.marketing, "RETIRED")
    found = await put(pushy, bearers.marketing, "RETIRED", idempotencyKey="found")
    await put(pushy, bearers.marketing, "SHADOW")

    assert await put(pushy, bearers.marketing, "RETIRED", idempotencyKey="found") == found == first
    assert len(await plugin_stages.history(bank)) == 2


async def test_another_server_follows_within_its_interval(pushy, bank, bearers, serving, tmp_path):
    async with serving(bank, PluginHost.load([tmp_path])) as other:
        assert "pushy" in str(await other.ask(OFFERS, bearers.admin))
        await put(pushy, bearers.admin, "RETIRED")
        await until(lambda: other.ask(OFFERS, bearers.admin), lambda answer: "pushy" not in str(answer))


async def test_life_events_of_a_plugin_are_those_of_customers_of_whom_it_decides(pushy, bearers, tmp_path):
    (tmp_path / "pushy.py").write_text(PLUGIN + MOVED)
    query, seen = "query ($no: String!) { customer(customerNo: $no) { lifeEvents { code } } }", {}
    await until(lambda: pushy.ask(query, bearers.admin, no="ANNA"), lambda answer: "MOVED" in str(answer))
    for stage, own in {"SHARE": {"share": 50}, "SHADOW": {}, "RETIRED": {}, "LIVE": {}}.items():
        await put(pushy, bearers.marketing, stage, force=True, **own)
        answers = {no: await pushy.ask(query, bearers.admin, no=no) for no in PEOPLE}
        seen[stage] = [no for no, answer in answers.items() if answer["data"]["customer"]["lifeEvents"]]

    assert [is_in_share("pushy", no, 50) for no in PEOPLE] == [True, False]
    assert seen == {"SHARE": ["ANNA"], "SHADOW": [], "RETIRED": [], "LIVE": PEOPLE}


async def test_plugins_tell_their_stages(pushy, bearers):
    query = "{ plugins { name stage share } }"
    unstaged = await pushy.ask(query, bearers.marketing)
    await put(pushy, bearers.marketing, "SHARE", share=20, force=True)
    share = await pushy.ask(query, bearers.marketing)

    told = [{own["name"]: own for own in answer["data"]["plugins"]} for answer in (unstaged, share)]
    assert [own["pushy"] for own in told] == [
        {"name": "pushy", "stage": "LIVE", "share": None},
        {"name": "pushy", "stage": "SHARE", "share": 20},
    ]
    assert {(own["stage"], own["share"]) for name, own in told[1].items() if name != "pushy"} == {("LIVE", None)}


@pytest.mark.parametrize("role", ["anna", "manager", "partner"])
async def test_nobody_else_may(pushy, bank, bearers, role):
    answer = await put(pushy, getattr(bearers, role), "RETIRED")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await plugin_stages.history(bank) == []


@pytest.mark.parametrize(
    ("own", "code", "path", "message"),
    [
        ({"plugin": "nobody"}, "NOT_FOUND", "plugin", "There is no plugin 'nobody'."),
        ({"plugin": "shipped"}, "BAD_INPUT", "stage",
         "The plugin shipped has the bank's own gates and its fallback: it is always live."),
        ({"stage": "SHARE"}, "BAD_INPUT", "share", "A share is a whole number of percent, from 1 to 99."),
        ({"stage": "SHARE", "share": -5}, "BAD_INPUT", "share", "A share is a whole number of percent, from 1 to 99."),
        ({"share": 5}, "BAD_INPUT", "share", "The stage retired has no share."),
        ({"reason": " "}, "BAD_INPUT", "reason", "A reason has 1 to 500 characters."),
        ({"reason": "x" * 501}, "BAD_INPUT", "reason", "A reason has 1 to 500 characters."),
        ({"expectedVersion": 3}, "VERSION_CONFLICT", "expectedVersion",
         "Somebody else has changed it: it is version 0. Read it again, and then decide."),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_and_nothing_is_kept(pushy, bank, bearers, own, code, path, message):
    answer = await put(pushy, bearers.marketing, **{"stage": "RETIRED"} | own)

    payload = answer["data"]["setPluginStage"]
    assert payload["decision"] is None
    assert [(e["code"], e["path"], e["message"]) for e in payload["errors"]] == [(code, ["input", path], message)]
    assert await plugin_stages.history(bank) == []


async def test_one_that_is_gone_is_put_nowhere_and_what_is_near_is_named(pushy, bank, bearers, serving, tmp_path):
    await put(pushy, bearers.marketing, "SHADOW")
    (tmp_path / "pushy.py").rename(tmp_path / "pushyer.py")
    async with serving(bank, PluginHost.load([tmp_path])) as other:
        answer = await put(other, bearers.marketing, "RETIRED")

    [error] = answer["data"]["setPluginStage"]["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "plugin"])
    assert error["message"] == "There is no plugin 'pushy'. Is pushyer meant?"
    assert [str(own.stage) for own in await plugin_stages.history(bank)] == ["shadow"]


async def test_a_decision_is_in_the_audit_log(pushy, bank, bearers):
    await put(pushy, bearers.marketing, "SHADOW")

    last = [entry async for entry in audit.entries(bank, 0)][-1]
    assert (last["actor"], last["action"], last["operation"]) == ("marketing", "write", "setPluginStage")
    assert json.loads(last["details"]) == {"fields": [["setPluginStage"]], "plugin": "pushy"}


async def test_what_a_plugin_in_shadow_would_have_done_is_stored_and_not_by_the_request(pushy, bank, bearers):
    await put(pushy, bearers.marketing, "SHADOW")
    for _ in range(3):
        await pushy.ask(OFFERS, bearers.admin)
    nothing = plugin_days.Count()
    counted = await until(
        lambda: plugin_days.counted(bank, "pushy"), lambda counted: counted.get(None, nothing).asked >= 3
    )

    assert (counted["AUTOPAY"].asked, counted["AUTOPAY"].proposed) == (3, 3)
    assert await plugin_days.foreseen(bank, "pushy") == plugin_days.Foreseen(1, 0)


async def test_no_request_fails_while_a_file_changes_back_and_forth(pushy, bearers, tmp_path):
    path, seen, wrong = tmp_path / "pushy.py", set(), []
    good = {}
    for name in ("pushy", "gentle"):
        source = PLUGIN.replace("pushy", name)
        path.write_text(source)
        answer = await until(lambda: pushy.ask(OFFERS, bearers.admin), lambda answer, own=name: own in str(answer))
        good[str(answer)] = source
    changing = True

    async def ask():
        while changing:
            response = await pushy.post(OFFERS, bearers.admin)
            answer = response.json()
            answer.pop("extensions", None)
            seen.add(str(answer))
            if response.status_code != 200 or str(answer) not in good:
                wrong.append(answer)

    askers = [asyncio.create_task(ask()) for _ in range(20)]
    for text, source in [*good.items()] * 3:
        path.write_text("def broken(:")
        await asyncio.sleep(0.5)
        seen.clear()
        path.write_text(source)
        await until(lambda own=text: own in seen)
    changing = False
    await asyncio.gather(*askers)

    assert wrong == []


async def test_a_change_with_which_no_engine_can_be_built_leaves_what_serves_and_comes_once_one_can(
    bank, serving, bearers, tmp_path, monkeypatch, caplog
):
    unfit = [True]

    def build(catalogue, host, *arguments):
        if unfit and any(hasattr(own.plugin, "UNFIT") for own in host.loaded):
            raise ValueError("no such engine")
        return build_engine(catalogue, host, *arguments)

    monkeypatch.setattr(live_engine, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(live_engine, "build_engine", build)
    monkeypatch.setattr(reloading, "AGAIN_SECONDS", 0.05)
    (tmp_path / "pushy.py").write_text(PLUGIN)
    async with serving(bank, PluginHost.load([tmp_path])) as server:
        served = await server.ask(OFFERS, bearers.admin)
        (tmp_path / "pushy.py").write_text(f"UNFIT = True\n{PLUGIN.replace('pushy', 'gentle')}")
        async with asyncio.timeout(PATIENCE):
            while ("failing", reloading.AGAIN) not in await states(server, bearers):
                assert await server.ask(OFFERS, bearers.admin) == served
        unfit.clear()
        await until(lambda: server.ask(OFFERS, bearers.admin), lambda answer: "gentle" in str(answer))
        assert ("loaded", None) in await states(server, bearers)
    assert "the plugins in service stay: ValueError: no such engine" in caplog.messages


async def states(server, bearers):
    answer = await server.ask("{ plugins { name state error } }", bearers.admin)
    return [(own["state"], own["error"]) for own in answer["data"]["plugins"] if own["name"] == "pushy"]


async def test_a_name_is_known_with_hyphens_and_with_underscores(bank, serving, bearers, tmp_path):
    (tmp_path / "salary_card.py").write_text(PLUGIN)
    async with serving(bank, PluginHost.load([tmp_path])) as server:
        told = await put(server, bearers.marketing, "SHADOW", plugin="salary-card")
        card = await server.ask('{ pluginScoreCard(plugin: "salary-card") { plugin stage } }', bearers.marketing)
    await bank.write("MATCH (n:PluginStage) DETACH DELETE n")

    assert told["data"]["setPluginStage"]["decision"]["plugin"] == "salary_card"
    assert card["data"]["pluginScoreCard"] == {"plugin": "salary_card", "stage": "SHADOW"}


async def test_what_is_wrong_in_loading_is_told_with_its_line_and_what_may_quote_a_customer_is_not(
    bank, serving, bearers, tmp_path
):
    (tmp_path / "syntax.py").write_text("x = 1\ndef broken(:")
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(3)")
    (tmp_path / "quotes.py").write_text(
        PLUGIN.replace("    yield", "    raise ValueError(customer.customer_no)\n    yield")
    )
    async with serving(bank, PluginHost.load([tmp_path])) as server:
        await server.ask(OFFERS, bearers.admin)
        answer = await server.ask("{ plugins { name state error lastPlace } }", bearers.marketing)
    found = {own["name"]: own for own in answer["data"]["plugins"]}

    assert found["syntax"]["error"].startswith("SyntaxError: ")
    assert [found[name]["lastPlace"] for name in ("syntax", "ends", "quotes")] == [
        "SyntaxError in syntax.py:2", "SystemExit in ends.py:2", "ValueError in quotes.py:6",
    ]  # fmt: skip
    assert (found["quotes"]["state"], found["quotes"]["error"]) == ("failing", None)
