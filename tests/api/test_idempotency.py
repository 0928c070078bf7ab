"""A request sent again records nothing new, at once or later; two who edit the same thing learn of each other."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

OUTCOME = """
mutation ($input: RecordOutcomeInput!) { recordOutcome(input: $input) {
  outcome { customerNo productCode outcome channel at } errors { code message path currentVersion }
} }"""
INTERACTION = """
mutation ($input: RecordInteractionInput!) { recordInteraction(input: $input) {
  interaction { interactionId channel kind at note } errors { code message path currentVersion }
} }"""
CONSENT = """
mutation ($input: SetConsentInput!) { setConsent(input: $input) {
  consent { marketing version at } errors { code message path currentVersion }
} }"""
REUSED = {
    "code": "IDEMPOTENCY_KEY_REUSED",
    "message": "The key stands for another input; send what is new with a new key.",
    "path": ["input", "idempotencyKey"],
    "currentVersion": None,
}
AT_ONCE = 16


@pytest.fixture(autouse=True)
async def nothing_recorded(bank):
    await bank.write("MATCH (n) WHERE n:Outcome OR n:Interaction OR n:IdempotencyKey OR n:Consent DETACH DELETE n")
    await bank.write(
        "MATCH (c:Customer) WHERE c.customer_no IN ['ANNA', 'BO'] "
        "SET c.marketing_consent = true REMOVE c.consent_version, c.consent_at"
    )


@pytest.fixture
def send(server, bearers):
    """Return a function: what a mutation's payload has, and its errors."""

    async def payload(document, given, bearer=bearers.anna):
        answer = await server.ask(document, bearer, input=given)
        assert "errors" not in answer, answer
        [found] = answer["data"].values()
        errors = found.pop("errors")
        [recorded] = found.values()
        return recorded, errors

    return payload


@pytest.fixture
async def inputs(server, bearers):
    """An input of every mutation, under one key, and others with a field changed."""
    query = "query ($no: String!) { customer(customerNo: $no) { offers { id product { productCode } } } }"
    offers = (await server.ask(query, bearers.admin, no="ANNA"))["data"]["customer"]["offers"]
    card, autopay = (
        next(offer["id"] for offer in offers if offer["product"]["productCode"] == code) for code in ("CARD", "AUTOPAY")
    )
    key = {"idempotencyKey": "one"}
    outcome = {"offerId": card, "outcome": "CLICK", "channel": "MOBILE"} | key
    interaction = {"customerNo": "ANNA", "channel": "PHONE", "kind": "call", "note": "fees"} | key
    consent = {"customerNo": "ANNA", "marketing": False, "expectedVersion": 0} | key
    at = {"at": "2026-01-01T00:00:00Z"}
    return {
        "outcome": (OUTCOME, outcome, [outcome | {"offerId": autopay}, outcome | {"outcome": "DISMISS"}, outcome | {"channel": "WEB"}, outcome | at]),
        "interaction": (INTERACTION, interaction, [interaction | {"kind": "visit"}, interaction | {"note": None}, interaction | {"productCode": "CARD"}, interaction | at]),
        "consent": (CONSENT, consent, [consent | {"marketing": True}, consent | {"channel": "WEB"}, consent | {"purpose": "PARTNERS"}, consent | {"expectedVersion": 1}, consent | {"expectedVersion": None}]),
    }  # fmt: skip


async def recorded(bank):
    """How much was recorded, of which kind, and how often consent was set."""
    rows = await bank.read(
        "MATCH (n) WHERE n:Outcome OR n:Interaction RETURN labels(n)[0] AS kind, count(n) AS n "
        "UNION ALL MATCH (n:Consent {customer_no: 'ANNA', source: 'api'}) RETURN 'Consent' AS kind, count(n) AS n"
    )
    return {row["kind"].lower(): row["n"] for row in rows if row["n"]}


MUTATIONS = ["outcome", "interaction", "consent"]


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_request_sent_again_records_nothing_and_is_answered_alike(send, inputs, bank, mutation):
    document, given, _ = inputs[mutation]

    first, second = await send(document, given), await send(document, given)

    assert first == second
    assert first[0]
    assert first[1] == []
    assert await recorded(bank) == {mutation: 1}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_request_sent_many_times_at_once_is_recorded_once(send, inputs, bank, mutation):
    document, given, _ = inputs[mutation]

    answers = await asyncio.gather(*(send(document, given) for _ in range(AT_ONCE)))

    assert answers == [answers[0]] * AT_ONCE
    assert answers[0][1] == []
    assert await recorded(bank) == {mutation: 1}
    edges = await bank.read("MATCH (:Customer)-[r:DID|ANSWERED]->() RETURN count(r) AS n")
    assert edges == [{"n": 0 if mutation == "consent" else 1}]


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_another_input_under_the_same_key_is_refused(send, inputs, bank, mutation):
    document, given, others = inputs[mutation]
    first = await send(document, given)

    for other in others:
        assert await send(document, other) == (None, [REUSED]), other
    assert await send(document, given) == first
    assert await recorded(bank) == {mutation: 1}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_different_inputs_under_one_key_at_once_record_one(send, inputs, bank, mutation):
    document, given, others = inputs[mutation]

    answers = await asyncio.gather(*(send(document, each) for each in [given, *others[:1]] * 6))

    assert await recorded(bank) == {mutation: 1}
    assert sum(errors == [] for _, errors in answers) == 6
    assert all(errors in ([], [REUSED]) for _, errors in answers)


async def test_a_key_is_its_senders_own_and_of_one_mutation(send, inputs, bank, bearers):
    for mutation in MUTATIONS:
        document, given, _ = inputs[mutation]
        assert (await send(document, given))[1] == []
    document, given, _ = inputs["interaction"]
    assert (await send(document, given, bearers.manager))[1] == []
    assert (await send(document, given | {"customerNo": "BO"}, bearers.bo))[1] == []

    assert await recorded(bank) == {"outcome": 1, "interaction": 3, "consent": 1}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_request_that_was_refused_may_be_sent_again_mended(send, inputs, bank, mutation):
    document, given, _ = inputs[mutation]
    wrong = given | ({"offerId": "nonsense"} if mutation == "outcome" else {"customerNo": "NOBODY"})

    assert len((await send(document, wrong))[1]) == 1
    assert (await send(document, given))[1] == []
    assert await recorded(bank) == {mutation: 1}


async def test_interactions_without_a_key_are_each_recorded(send, inputs, bank):
    document, given, _ = inputs["interaction"]

    ids = {(await send(document, given | {"idempotencyKey": None}))[0]["interactionId"] for _ in range(3)}

    assert len(ids) == 3
    assert await recorded(bank) == {"interaction": 3}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_key_that_has_expired_is_free_again(send, inputs, bank, mutation):
    document, given, _ = inputs[mutation]
    given |= {} if mutation != "consent" else {"expectedVersion": None}
    await send(document, given)
    [kept] = await bank.read("MATCH (k:IdempotencyKey) RETURN k.expires_at AS until")
    await bank.write("MATCH (k:IdempotencyKey) SET k.expires_at = $past", past=datetime.now(UTC) - timedelta(seconds=1))

    answers = await asyncio.gather(*(send(document, given) for _ in range(AT_ONCE)))

    assert timedelta(days=6, hours=23) < kept["until"] - datetime.now(UTC) < timedelta(days=7)
    assert answers == [answers[0]] * AT_ONCE
    assert await recorded(bank) == {mutation: 2}


@pytest.mark.parametrize("mutation", ["outcome", "interaction"])
async def test_what_was_erased_is_not_recorded_again_by_its_key(send, inputs, bank, mutation):
    document, given, _ = inputs[mutation]
    await send(document, given)
    await bank.write("MATCH (n) WHERE n:Outcome OR n:Interaction DETACH DELETE n")

    assert await send(document, given) == (None, [REUSED])
    assert await recorded(bank) == {}


async def test_consent_is_set_only_where_its_version_is_the_expected_one(send, server, bearers):
    query = '{ customer(customerNo: "ANNA") { marketingConsent consentVersion } }'
    given = {"customerNo": "ANNA", "marketing": False, "expectedVersion": 0}

    first = await send(CONSENT, given)
    second = await send(CONSENT, given | {"marketing": True}, bearers.manager)
    third = await send(CONSENT, given | {"marketing": True, "expectedVersion": 1}, bearers.manager)

    assert (first[0]["marketing"], first[0]["version"], first[1]) == (False, 1, [])
    conflict = {
        "code": "VERSION_CONFLICT",
        "message": "Somebody else has changed it: it is version 1. Read it again, and then decide.",
        "path": ["input", "expectedVersion"],
        "currentVersion": 1,
    }
    assert second == (None, [conflict])
    assert (third[0]["version"], third[1]) == (2, [])
    found = (await server.ask(query, bearers.anna))["data"]["customer"]
    assert found == {"marketingConsent": True, "consentVersion": 2}


async def test_of_many_who_set_one_version_of_consent_at_once_one_does(send, bank):
    given = {"customerNo": "ANNA", "marketing": False, "expectedVersion": 0}

    answers = await asyncio.gather(*(send(CONSENT, given) for _ in range(AT_ONCE)))

    won = [consent for consent, errors in answers if not errors]
    assert [consent["version"] for consent in won] == [1]
    assert [errors[0]["currentVersion"] for _, errors in answers if errors] == [1] * (AT_ONCE - 1)
    assert await recorded(bank) == {"consent": 1}


async def test_consent_set_at_once_without_a_version_counts_every_word(send, bank):
    given = {"customerNo": "ANNA", "marketing": False}

    answers = await asyncio.gather(*(send(CONSENT, given) for _ in range(AT_ONCE)))

    assert sorted(consent["version"] for consent, _ in answers) == list(range(1, AT_ONCE + 1))
    assert await recorded(bank) == {"consent": AT_ONCE}


async def test_a_repeated_consent_does_not_undo_what_was_said_since(send, server, bearers):
    refused = {"customerNo": "ANNA", "marketing": False, "idempotencyKey": "no"}
    first = await send(CONSENT, refused)
    await send(CONSENT, {"customerNo": "ANNA", "marketing": True, "idempotencyKey": "yes"})

    assert await send(CONSENT, refused) == first
    found = await server.ask('{ customer(customerNo: "ANNA") { marketingConsent consentVersion } }', bearers.anna)
    assert found["data"]["customer"] == {"marketingConsent": True, "consentVersion": 2}
