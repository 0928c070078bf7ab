import hashlib
import json
import secrets
from types import SimpleNamespace

import httpx
import pytest
from pydantic import ValidationError

from api.limits import DEFAULT_LIMITS
from graph.errors import GuanxiError
from guanxi.commands.documents import Action, documents
from guanxi.settings import Settings
from tests.waiting import PATIENCE

OFFERS = """query Offers { viewer { customer { name ...Shown } } }
query Unused($n: Int!) { customers(first: $n) { nodes { name } } }
"""
SHOWN = "fragment Shown on Customer { offers { rank product { ...Named } } }"
NAMED = "fragment Named on Product { name }\nfragment Nobodys on Product { category }"
WHOLE = """query Offers {
  viewer {
    customer {
      name
      ...Shown
    }
  }
}

fragment Named on Product {
  name
}

fragment Shown on Customer {
  offers {
    rank
    product {
      ...Named
    }
  }
}"""

BY_THE_CLIENT = f"{OFFERS.splitlines()[0]} {SHOWN.replace('rank', 'rank __typename')} {NAMED.splitlines()[0]}"


@pytest.fixture
def app(tmp_path):
    """A client app's folder, with its operations in several files."""
    folder = tmp_path / "app"
    (folder / "src" / "parts").mkdir(parents=True)
    (folder / "node_modules" / "x").mkdir(parents=True)
    (folder / "src" / "offers.graphql").write_text(OFFERS)
    (folder / "src" / "parts" / "shown.graphql").write_text(SHOWN)
    (folder / "src" / "parts" / "named.gql").write_text(NAMED)
    (folder / "schema.graphql").write_text("type Query { x: Int }")
    (folder / "node_modules" / "x" / "other.graphql").write_text("{ nope }")
    return folder


@pytest.fixture
def register(tmp_path, capsys):
    """Return a function: ``guanxi documents register`` in this process, to ``out.json``."""

    def run(*paths):
        try:
            code = documents(Action.REGISTER, [*paths], tmp_path / "out.json")
        except GuanxiError as error:
            return SimpleNamespace(returncode=2, stdout="", stderr=f"{error}\n")
        said = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=said.out, stderr=said.err)

    return run


def manifest(tmp_path, name="out.json"):
    return json.loads((tmp_path / name).read_text())


def test_each_operation_is_registered_with_its_fragments_by_its_hash(register, app, tmp_path):
    done = register(app)

    assert (done.returncode, done.stderr) == (0, "")
    texts = manifest(tmp_path)
    assert texts[hashlib.sha256(WHOLE.encode()).hexdigest()] == WHOLE
    assert all(hashlib.sha256(text.encode()).hexdigest() == key for key, text in texts.items())
    assert len(texts) == 2
    assert done.stdout.startswith("2 operations, 2 of them new, in ")


@pytest.mark.parametrize(
    "written",
    [
        {"an-id": "query A { viewer { role } }"},
        {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "an-id", "name": "A", "type": "query", "body": "query A { viewer { role } }"}]},
    ],
    ids=["GraphQL Code Generator and Relay", "Apollo"],
)  # fmt: skip
def test_manifests_of_clients_keep_their_ids(register, tmp_path, written):
    (tmp_path / "persisted.json").write_text(json.dumps(written))

    done = register(tmp_path / "persisted.json")

    assert (done.returncode, manifest(tmp_path)) == (0, {"an-id": "query A { viewer { role } }"})


def test_what_was_registered_before_stays(register, app, tmp_path):
    (tmp_path / "out.json").write_text(json.dumps({"old": "{ __typename }"}))

    register(app)
    again = register(app)

    assert manifest(tmp_path)["old"] == "{ __typename }"
    assert again.stdout.startswith("2 operations, 0 of them new, in ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("query A { nope }", "A: Cannot query field 'nope' on type 'Query'. Did you mean 'node' or 'nodes'?"),
        ("query A { customers(first: 100) { nodes { relations(first: 100) { nodes { customer { accounts { nodes { balance } } } } } } } }",
         "A: The operation costs 230,201; 20,000 is the most. Ask for shorter lists, or for fewer in lists."),
        ("query A { " + " ".join(f"a{n}: __typename" for n in range(21)) + " }", "A: The document has 21 root fields; 20 is the most."),
        ("query A($n: Int = 30000) { customers(first: $n) { nodes { name } } }", "A: The operation costs 30,001; 20,000 is the most. Ask for shorter lists, or for fewer in lists."),
    ],
    ids=["not valid", "too dear", "too large", "too dear by a default"],
)  # fmt: skip
def test_an_operation_that_cannot_run_is_named_and_nothing_written(register, app, tmp_path, text, line):
    (app / "wrong.graphql").write_text(text)

    done = register(app)

    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", [line])
    assert not (tmp_path / "out.json").exists()


def test_the_limits_of_the_settings_hold(register, app, monkeypatch):
    monkeypatch.setenv("GUANXI_LIMIT_DEPTH", "3")
    done = register(app)

    assert (done.returncode, done.stderr) == (2, "Offers: The document has a depth of 4; 3 is the most.\n")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("two.graphql", "query Offers { __typename }", "Several operations are named 'Offers'; give each a name of its own."),
        ("broken.graphql", "query {", "is no GraphQL document: Syntax Error: Expected Name, found <EOF>."),
        ("broken.json", "[3]", "is no manifest of persisted documents."),
        ("broken.json", '{"a": 3}', "is no manifest of persisted documents."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_line(register, app, name, content, line):
    (app / name).write_text(content)

    done = register(app, app / name if name.endswith("json") else app)

    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr.splitlines()[0]


def test_limits_and_documents_are_settings(monkeypatch, tmp_path):
    assert Settings().limit == DEFAULT_LIMITS
    monkeypatch.setenv("GUANXI_LIMIT_DEPTH", "7")
    monkeypatch.setenv("GUANXI_LIMIT_CLIENT_RATE", "2.5")
    monkeypatch.setenv("GUANXI_TRUSTED_DOCUMENTS", str(tmp_path))

    settings = Settings()

    assert (settings.limit.depth, settings.limit.client_rate, settings.limit.aliases) == (7, 2.5, 30)
    assert settings.trusted_documents == tmp_path


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("GUANXI_LIMIT_DEPHT", "3", r"limit\.depht\s+Unexpected keyword argument"),
        ("GUANXI_LIMIT_DEPTH", "0", "limit_depth is above 0, not 0"),
        ("GUANXI_LIMIT_CLIENT_RATE", "inf", "limit_client_rate is finite, not inf"),
        ("GUANXI_LIMIT_CLIENT_RATE", "nan", "limit_client_rate is above 0, not nan"),
    ],
)
def test_a_limit_that_is_none_is_told(monkeypatch, name, value, line):
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=line):
        Settings()


@pytest.mark.embedded
def test_a_server_runs_registered_operations_only(guanxi, serve, journey, app, tmp_path):
    out = tmp_path / "out.json"
    assert guanxi(journey.home, "documents", "register", app, "--out", out).returncode == 0
    settings = {"GUANXI_JWT_SECRET": "s" * 40, "GUANXI_TRUSTED_DOCUMENTS": str(out), "GUANXI_DEVELOPMENT": "1"}
    token = guanxi(journey.home, "token", "--role", "admin", **settings).stdout.strip()
    bearer = {"Authorization": f"Bearer {token}"}
    with serve(**settings) as (server, url):
        asked = [
            httpx.post(f"{url}/graphql", json={"query": query}, headers=bearer, timeout=PATIENCE).json()
            for query in (BY_THE_CLIENT, "{ __typename }")
        ]
        server.terminate()
        server.wait(PATIENCE)

    assert asked[0]["data"] == {"viewer": {"customer": None}}
    assert asked[1]["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


def test_a_server_does_not_start_on_a_manifest_that_is_none(guanxi, tmp_path):
    done = guanxi(
        tmp_path / "home", "serve", GUANXI_JWT_SECRET=secrets.token_urlsafe(32), GUANXI_TRUSTED_DOCUMENTS=str(tmp_path)
    )

    assert done.returncode == 2
    assert done.stderr == f"{tmp_path} has no registered operations; guanxi documents register writes them.\n"
