import base64
import hmac
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from api.errors import ApiError
from api.roles import Role
from api.tokens import TokenRules

NAME = "{ __typename }"
WRONG = "The token is not valid: its signature, algorithm or claims are wrong."
UNSENT = "Send the header Authorization: Bearer TOKEN."
PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
CLAIMS = {"sub": "anna", "role": "CUSTOMER", "customer_no": "ANNA", "iss": "guanxi", "aud": "guanxi", "exp": FUTURE}
PRIVATE = {kid: rsa.generate_private_key(65_537, 2_048) for kid in ("old", "new", "strange")}


def key_set(*kids):
    published = [jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE[kid].public_key(), as_dict=True) for kid in kids]
    return {
        "keys": [key | {"kid": kid, "use": "sig", "alg": "RS256"} for kid, key in zip(kids, published, strict=True)]
    }


def rs256(kid="old", by="old", **claims):
    return jwt.encode(CLAIMS | claims, PRIVATE[by], "RS256", {"kid": kid} if kid else {})


def signed_with_the_public_key(kid="old"):
    """What a verifier takes that lets the token say the algorithm; PyJWT itself refuses to make it."""
    public = PRIVATE["old"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = CLAIMS | {"exp": int(FUTURE.timestamp())}
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "HS256", "kid": kid}, claims))  # fmt: skip
    signature = hmac.digest(public, head + b"." + body, "sha256")
    return b".".join([head, body, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def without(claim):
    return {name: value for name, value in CLAIMS.items() if name != claim}


def missing(claim):
    return f"The token is not valid: the claim {claim} is missing."


async def refused(server, authorization):
    """What is said to a token that is refused even for a name that anybody might know."""
    response = await server.post(NAME, headers={"Authorization": authorization})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    return error["message"]


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        (CLAIMS | {"exp": PAST}, "The token is not valid: it has expired."),
        (CLAIMS | {"aud": "another"}, "The token is not valid: it is for another audience."),
        (CLAIMS | {"iss": "another"}, "The token is not valid: it is from another issuer."),
        *[(without(claim), missing(claim)) for claim in CLAIMS],
        (CLAIMS | {"nbf": FUTURE}, WRONG),
        (CLAIMS | {"role": "ROOT"}, WRONG),
        (CLAIMS | {"role": "customer"}, WRONG),
        (CLAIMS | {"role": ["ADMIN"]}, WRONG),
        (CLAIMS | {"customer_no": ""}, WRONG),
        (CLAIMS | {"customer_no": ["ANNA"]}, WRONG),
        (CLAIMS | {"exp": "soon"}, WRONG),
        (CLAIMS | {"exp": 10**30}, WRONG),
        (CLAIMS | {"role": "RELATIONSHIP_MANAGER"}, missing("manager_no")),
        (CLAIMS | {"role": "PARTNER"}, missing("partner_code")),
        (CLAIMS | {"more": "x" * 8_192}, UNSENT),
    ],
    ids=lambda given: str(given)[:100],
)
async def test_claims_that_do_not_hold_are_refused(server, rules, claims, message):
    assert await refused(server, f"Bearer {jwt.encode(claims, rules.secret, 'HS256')}") == message


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(CLAIMS, "another secret that nobody should take", "HS256"),
        jwt.encode(CLAIMS, None, "none"),
        rs256(),
        "x", "a.b.c", "..", "\xff", "null", "[" * 2_000, jwt.encode(CLAIMS, None, "none") + "x",
        base64.urlsafe_b64encode(b'{"alg":"HS256"}' + b"[" * 4_000).decode() + ".e30.e30",
    ],
    ids=lambda token: token[:40],
)  # fmt: skip
async def test_a_token_that_is_not_signed_as_agreed_is_refused(server, token):
    assert await refused(server, f"Bearer {token}".encode("latin-1")) == WRONG


async def test_the_right_secret_with_another_algorithm_is_refused(server, rules):
    secret = rules.secret * 2
    assert await refused(server, f"Bearer {jwt.encode(CLAIMS, secret, 'HS512')}") == WRONG


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YTpi", "x" * 9_000])
async def test_another_authorization_never_counts_as_none(server, authorization):
    assert await refused(server, authorization) == UNSENT


async def test_the_role_and_its_key_are_the_tokens(server, rules):
    token = jwt.encode(CLAIMS, rules.secret, "HS256")
    answer = await server.ask("{ viewer { role key customer { name } } }", token)

    assert answer["data"]["viewer"] == {"role": "CUSTOMER", "key": "ANNA", "customer": {"name": "Anna"}}


@pytest.fixture(scope="module")
async def by_file(bank, serving, tmp_path_factory):
    """A server that takes the keys of a file."""
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_text(json.dumps(key_set("old")))
    async with serving(bank, rules=TokenRules("RS256", "guanxi", "guanxi", jwks=str(path))) as running:
        running.path = path
        yield running


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (rs256(by="strange"), WRONG),
        (rs256(kid="strange", by="strange"), "The token is not valid: its key is not in the key set."),
        (rs256(exp=PAST), "The token is not valid: it has expired."),
        (rs256(aud="another"), "The token is not valid: it is for another audience."),
        (signed_with_the_public_key(), WRONG),
        (signed_with_the_public_key(kid=""), WRONG),
        (jwt.encode(CLAIMS, None, "none", {"kid": "old"}), WRONG),
        (jwt.encode(CLAIMS, PRIVATE["old"], "RS512", {"kid": "old"}), WRONG),
        ("x", WRONG),
    ],
)
async def test_a_token_that_no_key_of_the_set_signed_is_refused(by_file, token, message):
    assert await refused(by_file, f"Bearer {token}") == message


async def test_keys_of_a_file_are_taken_and_rotated(by_file):
    assert (await by_file.ask(NAME, rs256())) == (await by_file.ask(NAME, rs256(kid=""))) == {"data": {"__typename": "Query"}}  # fmt: skip

    by_file.path.write_text(json.dumps(key_set("new", "strange")))

    assert (await by_file.ask(NAME, rs256(kid="new", by="new"))) == {"data": {"__typename": "Query"}}
    for token in (rs256(), rs256(kid="", by="new")):
        assert await refused(by_file, f"Bearer {token}") == "The token is not valid: its key is not in the key set."


@pytest.fixture
async def published(start):
    """A key set behind a URL: the keys it has, and how often it was read."""
    state = SimpleNamespace(kids=["old"], reads=0)

    async def answer(_):
        state.reads += 1
        return JSONResponse(key_set(*state.kids))

    server, task = await start(Starlette(routes=[Route("/keys", answer)]))
    state.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/keys"
    yield state
    server.should_exit = True
    await task


async def said(rules, token):
    with pytest.raises(ApiError) as error:
        await rules.viewer(f"Bearer {token}")
    return str(error.value)


async def test_keys_of_a_url_are_read_once_and_again_for_a_new_one(published):
    rules = TokenRules("RS256", "guanxi", "guanxi", jwks=published.url, refetch=0)

    assert [(await rules.viewer(f"Bearer {rs256()}")).key for _ in range(3)] == ["ANNA"] * 3
    assert published.reads == 1

    published.kids = ["new"]
    assert (await rules.viewer(f"Bearer {rs256(kid='new', by='new')}")).key == "ANNA"
    assert published.reads == 2
    for token in (rs256(), rs256(kid="strange", by="strange"), rs256(kid="")):
        assert await said(rules, token) == "The token is not valid: its key is not in the key set."
    assert await said(rules, rs256(kid="new", by="strange")) == WRONG
    assert await said(rules, signed_with_the_public_key(kid="new")) == WRONG


async def test_keys_that_do_not_exist_are_not_looked_for_again_and_again(published):
    rules = TokenRules("RS256", "guanxi", "guanxi", jwks=published.url)

    assert (await rules.viewer(f"Bearer {rs256()}")).role is Role.CUSTOMER
    for number in range(10):
        assert await said(rules, rs256(kid=f"k{number}")) == "The token is not valid: its key is not in the key set."

    assert published.reads == 1


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/keys", "/nowhere/jwks.json"])
async def test_a_key_set_that_cannot_be_read_lets_nobody_in_and_is_logged(place, caplog):
    rules = TokenRules("RS256", "guanxi", "guanxi", jwks=place)

    assert await said(rules, rs256()) == "The token is not valid: the key set cannot be read now."
    assert [message.partition(":")[0] for message in caplog.messages] == ["the key set cannot be read"]


def guanxi_token(home, *arguments, **settings):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GUANXI_", "NEO4J_"))}
    command = [sys.executable, "-m", "guanxi", "token", *arguments]
    return subprocess.run(
        command, env=inherited | {"GUANXI_HOME": str(home)} | settings, capture_output=True, text=True
    )


async def test_the_command_issues_tokens_in_development(tmp_path):
    arguments = ("--role", "customer", "--customer", "ANNA", "--hours", "1")
    done = guanxi_token(tmp_path, *arguments, GUANXI_DEVELOPMENT="1")
    rules = TokenRules("HS256", "guanxi", "guanxi", (tmp_path / "jwt.secret").read_text())

    viewer = await rules.viewer(f"Bearer {done.stdout.strip()}")

    assert (done.returncode, done.stderr, viewer.role, viewer.key) == (0, "", Role.CUSTOMER, "ANNA")
    assert timedelta(minutes=50) < viewer.expires_at - datetime.now(UTC) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((), {"GUANXI_JWT_SECRET": "x" * 32}, "Tokens are issued in development mode only: set GUANXI_DEVELOPMENT=1."),
        (("--hours", "1"), {"GUANXI_DEVELOPMENT": "1"}, "A token of CUSTOMER needs --customer."),
    ],
)
def test_the_command_issues_none_otherwise(tmp_path, arguments, settings, message):
    done = guanxi_token(tmp_path, "--role", "CUSTOMER", *arguments, **settings)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []
