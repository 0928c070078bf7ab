import hashlib
import json
from urllib.parse import quote

import pytest

from api.limits import Limits

NAME = "query Name { viewer { customer { name } } }"
ROLE = "query Role { viewer { role } }"
WITH_TYPE_NAMES = "query Name{viewer{customer{name __typename}__typename}}"
NAMED = {"viewer": {"customer": {"name": "Anna"}}}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def persisted(text):
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}


@pytest.fixture(scope="module")
async def trusting(bank, serving, tmp_path_factory):
    manifest = tmp_path_factory.mktemp("trusted") / "app.json"
    manifest.write_text(json.dumps({sha256(NAME): NAME, "their-own-id": ROLE}))
    async with serving(bank, trusted=manifest, development=False) as running:
        yield running


@pytest.fixture
def ask(server, bearers):
    """Return a function: a request by POST, or by GET, with whatever members."""

    async def send(on=server, method="POST", bearer=bearers.anna, **members):
        headers = {"Authorization": f"Bearer {bearer}"}
        if method == "POST":
            return await on.client.post("/graphql", json=members, headers=headers)
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
        query = "&".join(f"{name}={quote(value)}" for name, value in texts.items())
        return await on.client.get(f"/graphql?{query}", headers=headers)

    return send


def outcome(response):
    errors = response.json().get("errors")
    return response.status_code, errors[0]["extensions"]["code"] if errors else None


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_hash_is_asked_for_its_text_once_and_then_suffices(ask, method):
    text = f"{NAME} # {method}"

    unknown = await ask(method=method, extensions=persisted(text))
    taught = await ask(method=method, query=text, extensions=persisted(text))
    known = await ask(method=method, extensions=persisted(text))

    assert outcome(unknown) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert (taught.json()["data"], known.json()["data"]) == (NAMED, NAMED)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_text_that_is_not_the_hashs_is_refused_and_not_kept(ask, method):
    wrong = await ask(method=method, query=ROLE + "#", extensions=persisted(NAME + "#"))
    after = await ask(method=method, extensions=persisted(NAME + "#"))

    assert (outcome(wrong), outcome(after)) == ((400, "BAD_REQUEST"), (200, "PERSISTED_QUERY_NOT_FOUND"))


async def test_the_least_used_text_makes_room(bank, serving, ask):
    async with serving(bank, limits=Limits(persisted=2)) as small:
        for text in (NAME, ROLE, NAME, NAME + "#"):
            await ask(small, query=text, extensions=persisted(text))
        kept = [outcome(await ask(small, extensions=persisted(text)))[1] for text in (NAME, ROLE, NAME + "#")]

    assert kept == [None, "PERSISTED_QUERY_NOT_FOUND", None]


async def test_a_mutation_that_is_kept_is_not_run_by_get(ask):
    text = "mutation { __typename }"
    await ask(query=text, extensions=persisted(text))

    assert outcome(await ask(method="GET", extensions=persisted(text))) == (405, "BAD_REQUEST")


@pytest.mark.parametrize(
    "extensions", [{"persistedQuery": None}, {"persistedQuery": {"sha256Hash": 3}}, {"persistedQuery": []}, {}]
)
async def test_extensions_that_name_no_text_are_no_request(ask, extensions):
    assert outcome(await ask(extensions=extensions)) == (400, "BAD_REQUEST")


async def test_a_hash_goes_over_a_socket_too(server, ask, bearers):
    await ask(query=NAME, extensions=persisted(NAME))

    async with server.socket(bearers.anna) as socket:
        payload = {"extensions": persisted(NAME)}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        message = json.loads(await socket.recv())

    assert (message["type"], message["payload"]["data"]) == ("next", NAMED)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    "members",
    [
        {"documentId": sha256(NAME)},
        {"extensions": persisted(NAME)},
        {"query": NAME},
        {"query": NAME, "extensions": persisted(NAME)},
        {"query": WITH_TYPE_NAMES},
        {"query": f"# ours\n{NAME}\n"},
    ],
    ids=["id", "hash", "text", "text and hash", "another layout", "a comment"],
)
async def test_a_registered_operation_runs_however_it_is_named(trusting, ask, method, members):
    answer = await ask(trusting, method, **members)

    assert answer.status_code == 200
    assert answer.json()["data"]["viewer"]["customer"]["name"] == "Anna"


async def test_an_id_need_not_be_a_hash(trusting, ask):
    assert (await ask(trusting, documentId="their-own-id")).json()["data"] == {"viewer": {"role": "CUSTOMER"}}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    "members",
    [
        {"documentId": sha256(ROLE)},
        {"extensions": persisted(ROLE + " ")},
        {"query": "{ viewer { role } }"},
        {"query": "query Name { viewer { customer { name region } } }"},
        {"query": "query Name { viewer { customer { name a: __typename } } }"},
        {"query": "query Name { viewer { customer { name __typename @skip(if: true) } } }"},
        {"query": "{"},
        {"query": "{ a " * 400},
        {"query": NAME + ROLE},
    ],
    ids=["id", "hash", "text", "one field more", "an alias", "a directive", "no document", "nested", "two at once"],
)
async def test_nothing_else_runs(trusting, ask, method, members):
    answer = await ask(trusting, method, **members)

    assert outcome(answer) == (400, "DOCUMENT_NOT_TRUSTED")


async def test_nothing_else_runs_over_a_socket(trusting, bearers):
    async with trusting.socket(bearers.anna) as socket:
        for key, payload in (("1", {"query": "{ __typename }"}), ("2", {"documentId": sha256(NAME)})):
            await socket.send(json.dumps({"id": key, "type": "subscribe", "payload": payload}))
        heard = {said["id"]: said for said in [json.loads(await socket.recv()) for _ in range(2)]}

    assert heard["1"]["payload"][0]["extensions"] == {"code": "DOCUMENT_NOT_TRUSTED"}
    assert heard["2"]["payload"]["data"] == NAMED


async def test_a_server_without_registered_operations_says_so_to_an_id(ask):
    assert outcome(await ask(documentId="x")) == (400, "DOCUMENT_NOT_TRUSTED")


async def test_what_is_registered_later_runs_and_a_broken_manifest_takes_nothing_away(bank, serving, ask, tmp_path):
    (tmp_path / "one.json").write_text(json.dumps({"role": ROLE}))
    async with serving(bank, trusted=tmp_path) as running:
        before = await ask(running, documentId="name")
        (tmp_path / "two.json").write_text(json.dumps({"name": NAME}))
        after = await ask(running, documentId="name")
        (tmp_path / "two.json").write_text("{")
        broken = [await ask(running, documentId=key) for key in ("other", "name", "role")]

    assert [outcome(answer)[1] for answer in (before, after)] == ["DOCUMENT_NOT_TRUSTED", None]
    assert [outcome(answer)[1] for answer in broken] == ["DOCUMENT_NOT_TRUSTED", None, None]


async def test_a_registered_operation_is_limited_too(bank, serving, bearers, ask, tmp_path):
    (tmp_path / "app.json").write_text(
        json.dumps({"page": "query Page($n: Int!) { customers(first: $n) { nodes { name } } }"})
    )
    async with serving(bank, trusted=tmp_path, limits=Limits(cost=10)) as strict:
        answers = [await ask(strict, bearer=bearers.admin, documentId="page", variables={"n": n}) for n in (9, 10)]

    assert [outcome(answer)[1] for answer in answers] == [None, "LIMIT_COST"]
