"""Keys of a URL: a real HTTP server that rotates, fails, is slow and talks rubbish."""

import asyncio
import gzip
import json
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from api import key_sets
from api.errors import ApiError
from api.key_sets import Pace
from api.roles import Role
from api.tokens import TokenRules
from tests.api.issuer import CURVE, WEAK, key_set, published, rs256, signed_with_the_public_key
from tests.waiting import until

WRONG = "The token is not valid: its signature, algorithm or claims are wrong."
NO_KEY = "The token is not valid: its key is not in the key set."
UNREADABLE = "The token is not valid: the key set cannot be read now."
ALWAYS = Pace(fresh=0, again=0)
OFTEN = Pace(fresh=60, again=0)


async def drip():
    while True:
        yield b" "
        await asyncio.sleep(0.01)


async def silence():
    await asyncio.sleep(60)
    yield b""


HOARD = json.dumps(key_set("old")).encode() + b" " * key_sets.MOST_BYTES
RUBBISH = {
    "an error": lambda: Response("{}", 500),
    "a page": lambda: Response("<html>"),
    "null": lambda: Response("null"),
    "a list": lambda: Response("[]"),
    "no keys": lambda: Response('{"keys": []}'),
    "keys that are none": lambda: Response('{"keys": [1, {"kty": "RSA"}, null]}'),
    "text for keys": lambda: Response('{"keys": "old"}'),
    "deep nesting": lambda: Response("[" * 100_000),
    "bytes": lambda: Response(b"\xff\xfe\x00"),
    "too much": lambda: Response(HOARD),
    "what was packed": lambda: Response(gzip.compress(HOARD), headers={"Content-Encoding": "gzip"}),
    "another address": lambda: RedirectResponse("/elsewhere"),
    "an endless answer": lambda: StreamingResponse(drip()),
    "nothing in time": lambda: StreamingResponse(silence()),
}


@pytest.fixture
async def issuer(start):
    """A key set behind a URL: the keys it has, how it answers, and how often it was read."""
    state = SimpleNamespace(kids=["old"], reads=0, answer=None, open=asyncio.Event())
    state.open.set()

    async def keys(_):
        state.reads += 1
        await state.open.wait()
        return state.answer() if state.answer else Response(json.dumps(key_set(*state.kids)))

    async def elsewhere(_):
        return Response(json.dumps(key_set("strange")))

    server, task = await start(Starlette(routes=[Route("/keys", keys), Route("/elsewhere", elsewhere)]))
    state.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/keys"
    state.rules = lambda pace=None, algorithm="RS256": TokenRules(
        algorithm, "guanxi", "guanxi", jwks=state.url, pace=pace or Pace()
    )
    yield state
    state.open.set()
    server.should_exit = True
    await task


async def taken(rules, token):
    return (await rules.viewer(f"Bearer {token}")).key


async def said(rules, token):
    with pytest.raises(ApiError) as error:
        await rules.viewer(f"Bearer {token}")
    return str(error.value)


async def outcome(rules, token):
    try:
        return await taken(rules, token)
    except ApiError as error:
        return str(error)


async def test_keys_are_read_once_and_again_for_a_new_one(issuer):
    rules = issuer.rules(OFTEN)

    assert [await taken(rules, rs256()) for _ in range(3)] == ["ANNA"] * 3
    assert issuer.reads == 1

    issuer.kids = ["new", "strange"]
    assert await taken(rules, rs256(kid="new", by="new")) == "ANNA"
    assert issuer.reads == 2
    assert await said(rules, rs256()) == NO_KEY
    assert await said(rules, rs256(kid="")) == NO_KEY
    assert await said(rules, rs256(kid="new", by="strange")) == WRONG
    assert await said(rules, signed_with_the_public_key(kid="new")) == WRONG


async def test_the_one_key_of_a_set_needs_no_name(issuer):
    rules = issuer.rules()

    assert await taken(rules, rs256(kid="")) == "ANNA"
    assert await said(rules, rs256(kid="", by="new")) == WRONG


async def test_a_key_that_was_taken_back_stops_while_its_tokens_come(issuer):
    rules = issuer.rules(Pace(fresh=0.05, again=0))
    assert await taken(rules, rs256()) == "ANNA"

    issuer.kids = ["new"]

    await until(lambda: outcome(rules, rs256()), lambda found: found != "ANNA")
    assert await said(rules, rs256()) == NO_KEY


async def test_a_server_that_was_idle_looks_before_it_takes_an_old_key(issuer):
    rules = issuer.rules(Pace(fresh=0.01, again=60))
    assert await taken(rules, rs256()) == "ANNA"

    issuer.kids = ["new"]
    await asyncio.sleep(0.05)

    assert await said(rules, rs256()) == NO_KEY


async def test_keys_that_do_not_exist_are_not_looked_for_again_and_again(issuer):
    rules = issuer.rules()

    assert (await rules.viewer(f"Bearer {rs256()}")).role is Role.CUSTOMER
    for number in range(10):
        assert await said(rules, rs256(kid=f"k{number}")) == NO_KEY

    assert issuer.reads == 1


async def test_requests_that_come_together_read_once(issuer):
    rules = issuer.rules()

    assert await asyncio.gather(*(taken(rules, rs256()) for _ in range(50))) == ["ANNA"] * 50
    assert issuer.reads == 1


@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH)
async def test_known_keys_hold_while_the_key_server_fails(issuer, answer, caplog, monkeypatch):
    rules = issuer.rules(ALWAYS)
    assert await taken(rules, rs256()) == "ANNA"

    issuer.answer = answer

    with monkeypatch.context() as hurry:
        hurry.setattr(key_sets, "READ_SECONDS", 0.2)
        assert await taken(rules, rs256()) == "ANNA"
        assert await said(rules, rs256(kid="strange", by="strange")) == NO_KEY
    assert {message.partition(":")[0] for message in caplog.messages} == {"the key set cannot be read"}
    issuer.answer, issuer.kids = None, ["new"]
    assert await taken(rules, rs256(kid="new", by="new")) == "ANNA"


@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH)
async def test_without_known_keys_a_failing_key_server_lets_nobody_in(issuer, answer, caplog, monkeypatch):
    monkeypatch.setattr(key_sets, "READ_SECONDS", 0.2)
    issuer.answer = answer

    assert await said(issuer.rules(), rs256()) == UNREADABLE
    assert len(caplog.messages) == 1


async def test_known_keys_hold_for_as_long_as_was_set_and_no_longer(issuer):
    rules = issuer.rules(Pace(fresh=0, again=0, kept=0.05))
    assert await taken(rules, rs256()) == "ANNA"

    issuer.answer = RUBBISH["an error"]
    await asyncio.sleep(0.1)

    assert await said(rules, rs256()) == UNREADABLE


async def test_who_has_a_known_key_never_waits_for_a_slow_key_server(issuer):
    rules = issuer.rules(OFTEN)
    assert await taken(rules, rs256()) == "ANNA"

    issuer.open.clear()
    strangers = [asyncio.create_task(said(rules, rs256(kid=f"k{n}"))) for n in range(20)]
    await until(lambda: issuer.reads == 2)

    assert await asyncio.gather(*(taken(rules, rs256()) for _ in range(20))) == ["ANNA"] * 20
    assert not any(stranger.done() for stranger in strangers)
    issuer.open.set()
    assert set(await asyncio.gather(*strangers)) == {NO_KEY}
    assert issuer.reads == 2


async def test_keys_past_their_time_are_read_beside_the_requests(issuer):
    rules = issuer.rules(Pace(fresh=0.2, again=0))
    assert await taken(rules, rs256()) == "ANNA"

    issuer.open.clear()
    await asyncio.sleep(0.25)

    assert await asyncio.gather(*(taken(rules, rs256()) for _ in range(20))) == ["ANNA"] * 20
    await until(lambda: issuer.reads == 2)


async def test_a_failed_key_server_is_not_asked_by_every_request(issuer):
    rules = issuer.rules(Pace(fresh=0.01, again=60))
    issuer.answer = RUBBISH["an error"]
    assert await said(rules, rs256()) == UNREADABLE

    rules_that_waits_less = issuer.rules(Pace(fresh=60, again=60))
    assert {await said(rules_that_waits_less, rs256()) for _ in range(10)} == {UNREADABLE}
    assert issuer.reads == 2


async def test_a_cancelled_request_takes_nobody_elses_keys(issuer):
    rules = issuer.rules()
    issuer.open.clear()
    first, second = (asyncio.create_task(taken(rules, rs256())) for _ in range(2))
    await until(lambda: issuer.reads == 1)

    first.cancel()
    issuer.open.set()

    assert await second == "ANNA"
    assert issuer.reads == 1


@pytest.mark.parametrize(
    "key",
    [
        published("old", use="enc"),
        published("old", alg="RS512"),
        published("old", WEAK),
        published("old", CURVE),
        {"kty": "oct", "kid": "old", "k": "c2VjcmV0"},
    ],
    ids=["for encryption", "for another algorithm", "of 1,024 bits", "of another kind", "a shared secret"],
)
async def test_a_key_that_may_not_sign_as_agreed_is_none(issuer, key):
    issuer.answer = lambda: Response(json.dumps({"keys": [key]}))

    assert await said(issuer.rules(), rs256()) == UNREADABLE


async def test_a_key_of_the_other_kind_under_the_same_name_does_not_hide_the_right_one(issuer):
    issuer.answer = lambda: Response(json.dumps({"keys": [published("old", CURVE), *key_set("old")["keys"]]}))

    assert await taken(issuer.rules(), rs256()) == "ANNA"


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/keys", "http://[/keys", "/nowhere/jwks.json"])
async def test_a_key_set_that_cannot_be_read_lets_nobody_in_and_is_logged(place, caplog):
    rules = TokenRules("RS256", "guanxi", "guanxi", jwks=place)

    assert await said(rules, rs256()) == UNREADABLE
    assert {message.partition(":")[0] for message in caplog.messages} == {"the key set cannot be read"}


async def test_a_file_that_is_gone_or_half_written_leaves_its_keys(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(key_set("old")))
    rules = TokenRules("RS256", "guanxi", "guanxi", jwks=str(path))
    assert await taken(rules, rs256()) == "ANNA"

    path.write_text('{"keys": [')
    assert await taken(rules, rs256()) == "ANNA"
    path.unlink()
    assert await taken(rules, rs256()) == "ANNA"

    path.write_text(json.dumps(key_set("new")))
    assert await said(rules, rs256()) == NO_KEY
