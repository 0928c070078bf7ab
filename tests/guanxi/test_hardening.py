"""What must not be in production: named by guanxi check-config, and refused by guanxi serve."""

import json
import secrets

import pytest

from graph.errors import SettingsError
from guanxi import strength
from guanxi.hardening import findings
from guanxi.secret_files import kept
from guanxi.serving import app_of
from guanxi.settings import Settings

SECRET = "wJ2vQ9xLr7TzKc4NfYpB1sHd6GmUe3Xa"
CURE = "set one of python -c 'import secrets; print(secrets.token_urlsafe(32))'."
INSIDE = "in which the server's own machine answers: name the networks that receivers are in, and no wider."
KEYS = {"GUANXI_JWT_ALGORITHM": "RS256"}
WRONG = {
    "development": ({"GUANXI_DEVELOPMENT": "1"}, "GUANXI_DEVELOPMENT serves GraphiQL and introspection and issues tokens: unset it in production."),
    "asyncio's debug mode": ({"PYTHONASYNCIODEBUG": "1"}, "Python runs in its debug mode: unset PYTHONDEVMODE and PYTHONASYNCIODEBUG, leave out -X dev."),
    "a simple secret": ({"GUANXI_JWT_SECRET": "x" * 40}, f"GUANXI_JWT_SECRET can be guessed: it has about 0 bits, of 80 at least: {CURE}"),
    "a known secret": ({"GUANXI_JWT_SECRET": "your-256-bit-secret-" * 2}, f"GUANXI_JWT_SECRET is, or contains, one that documentation shows: {CURE}"),
    "a simple decision secret": ({"GUANXI_DECISION_SECRET": "ab" * 20}, f"GUANXI_DECISION_SECRET can be guessed: it has about 0 bits, of 80 at least: {CURE}"),
    "a simple audit secret": ({"GUANXI_AUDIT_SECRET": "ab" * 20}, f"GUANXI_AUDIT_SECRET can be guessed: it has about 0 bits, of 80 at least: {CURE}"),
    "the audit log's secret is that of tokens": ({"GUANXI_AUDIT_SECRET": SECRET}, f"GUANXI_AUDIT_SECRET is GUANXI_JWT_SECRET as well: {CURE}"),
    "one secret for both": ({"GUANXI_DECISION_SECRET": SECRET}, f"GUANXI_DECISION_SECRET is GUANXI_JWT_SECRET as well: {CURE}"),
    "a simple webhook secret": ({"GUANXI_WEBHOOK_SECRET": "ab" * 20}, f"GUANXI_WEBHOOK_SECRET can be guessed: it has about 0 bits, of 80 at least: {CURE}"),
    "one secret for tokens and webhooks": ({"GUANXI_WEBHOOK_SECRET": SECRET}, f"GUANXI_WEBHOOK_SECRET is GUANXI_JWT_SECRET as well: {CURE}"),
    "webhooks to loopback": ({"GUANXI_WEBHOOK_NETWORKS": "10.0.0.0/8,127.0.0.1"}, f"GUANXI_WEBHOOK_NETWORKS has 127.0.0.1/32, {INSIDE}"),
    "webhooks to the metadata service": ({"GUANXI_WEBHOOK_NETWORKS": "169.254.169.254"}, f"GUANXI_WEBHOOK_NETWORKS has 169.254.169.254/32, {INSIDE}"),
    "webhooks to everywhere": ({"GUANXI_WEBHOOK_NETWORKS": "::/0"}, f"GUANXI_WEBHOOK_NETWORKS has ::/0, {INSIDE}"),
    "a key set over plain HTTP": ({"GUANXI_JWT_JWKS": "http://issuer.bank/keys"} | KEYS, "GUANXI_JWT_JWKS is plain HTTP, which whoever is on the way can answer: use https://."),
    "a key set that is none": ({"GUANXI_JWT_JWKS": "nowhere.json"} | KEYS, "GUANXI_JWT_JWKS names no file, nowhere.json: name the file or the URL of the key set."),
    "every origin": ({"GUANXI_ORIGINS": "https://bank.example,*"}, "GUANXI_ORIGINS is open to every page (*): name the origins of your own pages."),
    "the null origin": ({"GUANXI_ORIGINS": "null"}, "GUANXI_ORIGINS is open to every page (null): name the origins of your own pages."),
    "a pattern": ({"GUANXI_ORIGINS": "https://*.bank.example"}, "GUANXI_ORIGINS has 'https://*.bank.example', which is no origin: write it as https://host[:port]."),
    "a page": ({"GUANXI_ORIGINS": "https://bank.example/"}, "GUANXI_ORIGINS has 'https://bank.example/', which is no origin: write it as https://host[:port]."),
    "an origin over plain HTTP": ({"GUANXI_ORIGINS": "http://bank.example"}, "GUANXI_ORIGINS has http://bank.example, whose pages whoever is on the way can change: use https://."),
    "every proxy": ({"GUANXI_TRUSTED_PROXIES": "0.0.0.0/0"}, "GUANXI_TRUSTED_PROXIES believes everybody: name your proxies' addresses."),
    "trusted documents of a subgraph": ({"GUANXI_FEDERATION": "1", "GUANXI_TRUSTED_DOCUMENTS": "documents.json"}, "GUANXI_TRUSTED_DOCUMENTS shuts out the supergraph's router, which makes what it asks anew for each operation: unset it and let the router hold the documents, or unset GUANXI_FEDERATION."),
    "a store without a password": ({"NEO4J_URI": "bolt://127.0.0.1:1"}, "NEO4J_PASSWORD is empty, or the one that Neo4j comes with: set one of your own."),
}  # fmt: skip


@pytest.fixture
def found(monkeypatch, tmp_path):
    """Return a function: what is found in settings of the environment, with a good secret where there is no key set."""

    def find(**given):
        secret = {} if "GUANXI_JWT_JWKS" in given else {"GUANXI_JWT_SECRET": SECRET}
        for name, value in ({"GUANXI_HOME": str(tmp_path)} | secret | given).items():
            monkeypatch.setenv(name, value)
        return [str(finding) for finding in findings(Settings())]

    return find


@pytest.mark.parametrize(("settings", "line"), WRONG.values(), ids=WRONG)
def test_what_must_not_be_is_named_with_the_next_step(found, settings, line):
    assert found(**settings) == [line]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "GUANXI_ORIGINS": "https://bank.example,https://bank.example:8443,http://127.0.0.1:3000,http://localhost:3000"
        },
        {"GUANXI_JWT_JWKS": "https://issuer.bank/keys"} | KEYS,
        {"GUANXI_JWT_JWKS": "http://127.0.0.1:9000/keys"} | KEYS,
        {"GUANXI_JWT_JWKS": "http://[::1]:9000/keys"} | KEYS,
        {"GUANXI_TRUSTED_PROXIES": "10.0.0.0/8"},
        {"GUANXI_WEBHOOK_NETWORKS": "10.20.0.0/16,fd00::/8"},
        {"NEO4J_URI": "bolt://127.0.0.1:1", "NEO4J_PASSWORD": "of its own"},
    ],
)
def test_what_may_be_is_let_through(found, settings):
    assert found(**settings) == []


def test_the_secret_of_development_is_named(found, tmp_path):
    made = tmp_path / "jwt.secret"

    assert found(GUANXI_JWT_SECRET=kept(made)) == [
        f"GUANXI_JWT_SECRET is the one that development made in {made}, whose tokens would hold: {CURE}"
    ]


def test_files_that_others_can_use_are_named(found, tmp_path):
    secret, keys = tmp_path / "decision.secret", tmp_path / "keys.json"
    secret.write_text(SECRET)
    keys.write_text(json.dumps({"keys": []}))
    secret.chmod(0o640)
    keys.chmod(0o664)

    assert found(GUANXI_JWT_JWKS=str(keys), **KEYS) == [
        f"{secret} can be read by other users: chmod 600 {secret}.",
        f"GUANXI_JWT_JWKS can be written by other users in {keys}: chmod go-w {keys}.",
    ]


def test_the_application_itself_refuses_whatever_serves_it(found):
    found(GUANXI_ORIGINS="*")

    with pytest.raises(SettingsError, match="GUANXI_ORIGINS is open to every page"):
        app_of(Settings())


def test_a_start_warns_of_what_sets_nothing_of_a_plugin(found, caplog):
    found(GUANXI_DEVELOPMENT="1", GUANXI_PLUGIN_SETTING="plugins.toml")
    app_of(Settings())

    assert caplog.messages == [
        "GUANXI_PLUGIN_SETTING sets nothing of a plugin that is loaded; is 'GUANXI_PLUGIN_SETTINGS' meant?"
    ]


def test_the_command_names_all_that_is_found(tmp_path, guanxi):
    wrong = guanxi(tmp_path, "check-config", GUANXI_JWT_SECRET="x" * 32, GUANXI_ORIGINS="*", GUANXI_DEVELOPMENT="1")
    right = guanxi(tmp_path, "check-config", GUANXI_JWT_SECRET=SECRET)

    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert [line.split()[0] for line in wrong.stdout.splitlines()] == ["GUANXI_DEVELOPMENT", "GUANXI_JWT_SECRET", "GUANXI_ORIGINS"]  # fmt: skip
    assert (right.returncode, right.stdout, right.stderr) == (0, "The settings may serve in production.\n", "")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GUANXI_JWT_SECRET": "short", "GUANXI_ORIGINS": "*"}, "The setting jwt_secret is wrong: Value error, a secret has 32 characters or more.\n"),
        ({}, "Set GUANXI_JWT_SECRET or GUANXI_JWT_JWKS, or GUANXI_DEVELOPMENT=1 to try things out.\n"),
    ],
)  # fmt: skip
def test_the_command_names_settings_that_cannot_be_read_too(tmp_path, guanxi, settings, said):
    done = guanxi(tmp_path, "check-config", **settings)

    assert (done.returncode, done.stdout, done.stderr) == (1, said, "")


def test_what_must_not_be_is_not_served(tmp_path, guanxi):
    done = guanxi(tmp_path, "serve", "--port", 0, GUANXI_JWT_SECRET=SECRET, GUANXI_ORIGINS="*")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "Not served, for this is production (GUANXI_DEVELOPMENT is not set):",
        "GUANXI_ORIGINS is open to every page (*): name the origins of your own pages.",
    ]


@pytest.mark.parametrize(
    "secret",
    ["0123456789" * 4, "abcdefghijklmnopqrstuvwxyz012345", "aB3" * 12, "0" * 31 + "1", "Pa55word" * 5, "CHANGEME" + SECRET, "9876543210zyxwvutsrqponmlkjihgfe"],
)  # fmt: skip
def test_a_run_a_repeat_and_a_placeholder_are_weak(secret):
    assert strength.weakness(secret) is not None


def test_random_secrets_are_not_called_weak():
    made = [make(size) for make, size in ((secrets.token_hex, 16), (secrets.token_urlsafe, 24)) for _ in range(2_000)]

    assert [secret for secret in made if strength.weakness(secret)] == []
