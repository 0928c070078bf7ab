import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from api.errors import ApiError
from api.roles import Role
from api.tokens import TokenRules
from tests.api.issuer import (
    CLAIMS,
    FUTURE,
    PAST,
    PRIVATE,
    forged,
    key_set,
    published,
    rs256,
    signed_with_the_public_key,
)

NAME = "{ __typename }"
WRONG = "The token is not valid: its signature, algorithm or claims are wrong."
FOREIGN = "The token is not valid: it is for another audience."
EARLY = "The token is not valid: it is not valid yet."
EXPIRED = "The token is not valid: it has expired."
NO_KEY = "The token is not valid: its key is not in the key set."
UNSENT = "Send the header Authorization: Bearer TOKEN."


KIDS = [
    "/dev/null",
    "../../../etc/passwd",
    "' OR '1'='1",
    "old' UNION SELECT 'key",
    "old\0",
    " old",
    "OLD",
    "k" * 5_000,
]
NAMES = ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS512", "PS256", "ES256", "EdDSA", None, 1, ["RS256"]]


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
        *[
            (CLAIMS | {"aud": aud}, FOREIGN)
            for aud in ("another", ["another", "guanxi2"], ["GUANXI"], ["guanxi", 1], 1, {"guanxi": 1})
        ],
        (CLAIMS | {"aud": []}, missing("aud")),
        (CLAIMS | {"iss": "another"}, "The token is not valid: it is from another issuer."),
        *[(without(claim), missing(claim)) for claim in CLAIMS],
        (CLAIMS | {"nbf": FUTURE}, EARLY),
        (CLAIMS | {"iat": FUTURE}, EARLY),
        (CLAIMS | {"nbf": "now"}, WRONG),
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


async def test_an_issuer_that_is_a_list_is_refused(server, rules):
    token = forged({"alg": "HS256"}, rules.secret.encode(), CLAIMS | {"iss": ["guanxi"]})

    assert await refused(server, f"Bearer {token}") == "The token is not valid: it is from another issuer."


async def test_of_several_audiences_one_is_enough(server, rules):
    token = jwt.encode(CLAIMS | {"aud": ["another", "guanxi"]}, rules.secret, "HS256")

    assert await server.ask(NAME, token) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("claim", "seconds", "said"),
    [
        ("exp", -30, None), ("exp", -90, EXPIRED), ("nbf", 30, None), ("nbf", 90, EARLY),
        ("iat", 30, None), ("iat", 90, EARLY),
    ],
)  # fmt: skip
async def test_clocks_may_differ_by_the_leeway_and_no_more(rules, claim, seconds, said):
    rules = replace(rules, leeway=60)
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    bearer = f"Bearer {jwt.encode(CLAIMS | {claim: moment}, rules.secret, 'HS256')}"

    if said is None:
        assert (await rules.viewer(bearer)).expires_at > datetime.now(UTC)
    else:
        with pytest.raises(ApiError, match=said):
            await rules.viewer(bearer)


async def test_a_token_within_the_leeway_is_answered_to_its_end(bank, serving, rules):
    late = jwt.encode(CLAIMS | {"exp": datetime.now(UTC) - timedelta(seconds=5)}, rules.secret, "HS256")
    async with serving(bank, rules=replace(rules, leeway=10)) as lenient, serving(bank) as strict:
        assert (await lenient.ask("{ viewer { role } }", late))["data"] == {"viewer": {"role": "CUSTOMER"}}
        assert await refused(strict, f"Bearer {late}") == EXPIRED


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
        *[(rs256(kid=kid), NO_KEY) for kid in KIDS],
        *[(forged({"alg": "RS256", "kid": kid}), WRONG) for kid in (1, None, ["old"], {"kid": "old"}, True)],
        *[(forged({"alg": alg, "kid": "old"}, key), WRONG) for alg in NAMES for key in (b"", b"key")],
        (rs256(by="strange", header={"jwk": published("strange")}), WRONG),
        *[(rs256(by="strange", header={name: "http://127.0.0.1:1/keys"}), WRONG) for name in ("jku", "x5u")],
        (rs256(by="strange", header={"x5c": ["MII="]}), WRONG),
        (rs256(header={"crit": ["exp"]}), WRONG),
        (rs256(header={"b64": False}), WRONG),
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


def guanxi_token(home, *arguments, **settings):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GUANXI_", "NEO4J_"))}
    command = [sys.executable, "-m", "guanxi", "token", *arguments]
    return subprocess.run(
        command, env=inherited | {"GUANXI_HOME": str(home)} | settings, capture_output=True, text=True
    )


async def test_the_command_issues_tokens_in_development(tmp_path):
    arguments = ("--role", "customer", "--customer", "ANNA", "--hours", "1")
    done = guanxi_token(tmp_path, *arguments, GUANXI_DEVELOPMENT="1")
    rules = TokenRules("HS256", "guanxi", "guanxi", (tmp_path / "jwt.secret").read_text(), leeway=0)

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
