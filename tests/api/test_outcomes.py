"""What came back from customers: stored once, heeded at once, refused with a typed error where it cannot be."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone

import jwt
import pytest

from api.decisions import sign
from api.global_ids import decoded, encoded
from graph import places
from graph.errors import StoreUnavailable
from graph.records import Product
from recommenders.contract import Context, Offer

RECORD_OUTCOME = """
mutation ($input: RecordOutcomeInput!) { recordOutcome(input: $input) {
  outcome { customerNo productCode outcome channel at } customer { offers { product { productCode } } }
  errors { code message path }
} }"""
RECORD_INTERACTION = """
mutation ($input: RecordInteractionInput!) { recordInteraction(input: $input) {
  interaction { interactionId channel kind at note product { productCode } }
  customer { offers { product { productCode } } } errors { code message path }
} }"""
SET_CONSENT = """
mutation ($input: SetConsentInput!) { setConsent(input: $input) {
  consent { marketing version } customer { marketingConsent offers { product { productCode } } } errors { code message path }
} }"""
OFFERS = "query ($no: String!) { customer(customerNo: $no) { offers { id product { productCode } } } }"
DECISION = """
query ($code: String!, $channel: Channel! = MOBILE) {
  decision(customerNo: "ANNA", productCode: $code, channel: $channel) { offered stoppedBy { gate code saw } }
}"""
ALL = ["CAMPUS-CARD", "CARD", "AUTOPAY"]
WROTE_NOTHING = {"outcome": None, "customer": None}


@pytest.fixture(autouse=True)
async def nothing_recorded(bank):
    """Each test starts with customers who never answered, and agree to offers."""
    await bank.write("MATCH (n) WHERE n:Outcome OR n:Interaction OR n:IdempotencyKey OR n:Consent DETACH DELETE n")
    await bank.write("UNWIND ['ANNA', 'BO'] AS no MATCH (c:Customer {customer_no: no}) SET c.marketing_consent = true")


@pytest.fixture
def offer_ids(server, bearers):
    """Return a function: a customer's offers' ids, by product."""

    async def read(customer_no="ANNA"):
        offers = (await server.ask(OFFERS, bearers.admin, no=customer_no))["data"]["customer"]["offers"]
        return {offer["product"]["productCode"]: offer["id"] for offer in offers}

    return read


@pytest.fixture
def record(server, bearers):
    """Return a function: the payload of a mutation."""

    async def send(document, bearer=bearers.anna, **given):
        answer = await server.ask(document, bearer, input=given)
        assert "errors" not in answer, answer
        [payload] = answer["data"].values()
        return payload

    return send


def outcome(offer_id, kind="IMPRESSION", key="key", **more):
    return {"offerId": offer_id, "outcome": kind, "channel": "MOBILE", "idempotencyKey": key} | more


def interaction(kind="call", **more):
    return {"customerNo": "ANNA", "channel": "PHONE", "kind": kind} | more


def codes(customer):
    return [offer["product"]["productCode"] for offer in customer["offers"]]


async def outcomes_of(bank, customer_no="ANNA"):
    rows = await bank.read(
        "MATCH (:Customer {customer_no: $no})-[:ANSWERED]->(o:Outcome) RETURN properties(o) AS outcome", no=customer_no
    )
    return [row["outcome"] for row in rows]


async def counted(bank, label):
    return (await bank.read(f"MATCH (n:{label}) RETURN count(n) AS n"))[0]["n"]


async def everything(bank):
    nodes = await bank.read("MATCH (n) WHERE NOT n:AuditEntry AND NOT n:AuditChain RETURN count(n) AS n")
    edges = await bank.read("MATCH ()-[r]->() RETURN count(r) AS n")
    return nodes[0]["n"], edges[0]["n"]


async def test_reading_offers_writes_nothing(server, bearers, bank):
    before = await everything(bank)

    found = await server.ask("{ viewer { customer { offers { id } bundles { id } } } }", bearers.anna)
    offer_id = found["data"]["viewer"]["customer"]["offers"][0]["id"]
    await server.ask("query ($id: ID!) { node(id: $id) { id } }", bearers.anna, id=offer_id)
    await server.ask(DECISION, bearers.admin, code="CARD")

    assert await everything(bank) == before


async def test_who_listens_is_told_of_an_acceptance_whose_place_the_store_could_not_tell(
    bank, serving, bearers, monkeypatch
):
    told = []

    @asynccontextmanager
    async def share(changes, _):
        changes.on_publish = told.append
        yield

    async def down(*_):
        raise StoreUnavailable("The store is down.")

    monkeypatch.setattr(places, "stand", down)
    async with serving(bank, share=share) as server:
        offers = (await server.ask(OFFERS, bearers.admin, no="ANNA"))["data"]["customer"]["offers"]
        offer_id = next(own["id"] for own in offers if own["product"]["productCode"] == "CAMPUS-CARD")
        answer = await server.ask(RECORD_OUTCOME, bearers.anna, input=outcome(offer_id, "ACCEPT"))

    assert "errors" in answer
    assert ([own["kind"] for own in await outcomes_of(bank)], told) == (["accept"], ["ANNA"])


async def test_an_outcome_sent_twice_is_stored_once(record, offer_ids, bank):
    given = outcome((await offer_ids())["CARD"], "CLICK")

    first, second = await record(RECORD_OUTCOME, **given), await record(RECORD_OUTCOME, **given)

    assert first == second
    assert first["errors"] == []
    told = {"customerNo": "ANNA", "productCode": "CARD", "outcome": "CLICK", "channel": "MOBILE"}
    assert first["outcome"] == told | {"at": first["outcome"]["at"]}
    assert len(await outcomes_of(bank)) == await counted(bank, "Outcome") == 1


@pytest.mark.parametrize("kind", ["IMPRESSION", "CLICK", "ACCEPT", "DISMISS", "COMPLAINT"])
async def test_an_outcome_is_stored_with_the_decision_it_answers(record, offer_ids, bank, kind):
    offer_id = (await offer_ids())["CARD"]

    payload = await record(RECORD_OUTCOME, **outcome(offer_id, kind, at="2026-02-01T09:00:00+08:00"))

    [stored] = await outcomes_of(bank)
    assert payload["outcome"]["outcome"] == kind
    assert datetime.fromisoformat(payload["outcome"]["at"]) == datetime(2026, 2, 1, 1, tzinfo=UTC)
    assert (stored["kind"], stored["product_code"], stored["channel"]) == (kind.lower(), "CARD", "mobile")
    assert (stored["model"], stored["arm"]) == ("fallback", "default")
    assert 0 < stored["propensity"] < 1
    assert stored["offered_at"] <= datetime.now(UTC)


async def test_what_is_dismissed_is_gone_at_once_and_the_gate_says_so(server, bearers, record, offer_ids):
    payload = await record(RECORD_OUTCOME, **outcome((await offer_ids())["CARD"], "DISMISS"))

    decision = (await server.ask(DECISION, bearers.manager, code="CARD"))["data"]["decision"]
    assert codes(payload["customer"]) == [code for code in ALL if code != "CARD"]
    assert decision == {
        "offered": False,
        "stoppedBy": {"gate": "contact", "code": "DISMISSED", "saw": f"dismissed on {datetime.now(UTC):%Y-%m-%d}"},
    }
    assert "CARD" in await offer_ids("BO")


@pytest.mark.parametrize("hours", [14, -12])
async def test_what_is_dismissed_is_gone_at_once_in_any_zone(record, offer_ids, hours):
    there = datetime.now(timezone(timedelta(hours=hours))).isoformat()

    payload = await record(RECORD_OUTCOME, **outcome((await offer_ids())["CARD"], "DISMISS", at=there))

    assert "CARD" not in codes(payload["customer"])


async def test_what_was_dismissed_long_ago_is_offered_again(record, offer_ids):
    long_ago = (datetime.now(UTC) - timedelta(days=91)).isoformat()

    payload = await record(RECORD_OUTCOME, **outcome((await offer_ids())["CARD"], "DISMISS", at=long_ago))

    assert "CARD" in codes(payload["customer"])


async def test_three_impressions_on_a_channel_are_enough_there(server, bearers, record, offer_ids):
    offer_id = (await offer_ids())["CARD"]
    left = [codes((await record(RECORD_OUTCOME, **outcome(offer_id, key=f"{n}")))["customer"]) for n in range(3)]

    stopped = {"gate": "contact", "code": "SHOWN_ENOUGH", "saw": "3 impressions on mobile"}
    mobile = (await server.ask(DECISION, bearers.manager, code="CARD"))["data"]["decision"]
    web = (await server.ask(DECISION, bearers.manager, code="CARD", channel="WEB"))["data"]["decision"]
    assert left == [ALL, ALL, [code for code in ALL if code != "CARD"]]
    assert mobile == {"offered": False, "stoppedBy": stopped}
    assert web == {"offered": True, "stoppedBy": None}


async def test_a_complaint_about_an_offer_pauses_selling_until_it_is_resolved(server, bearers, record, offer_ids):
    complained = await record(RECORD_OUTCOME, **outcome((await offer_ids())["CARD"], "COMPLAINT"))
    decision = (await server.ask(DECISION, bearers.manager, code="AUTOPAY"))["data"]["decision"]
    resolved = await record(RECORD_INTERACTION, **interaction("complaint_resolved"))

    assert complained["customer"] == {"offers": []}
    assert decision["stoppedBy"]["code"] == "OPEN_COMPLAINT"
    assert codes(resolved["customer"]) == ALL


async def test_what_was_accepted_is_not_offered_again_while_it_is_on_its_way(server, bearers, record, offer_ids):
    payload = await record(RECORD_OUTCOME, **outcome((await offer_ids())["CARD"], "ACCEPT"))
    decision = (await server.ask(DECISION, bearers.manager, code="CARD"))["data"]["decision"]

    assert codes(payload["customer"]) == [code for code in ALL if code != "CARD"]
    assert (decision["stoppedBy"]["gate"], decision["stoppedBy"]["code"]) == ("contact", "ACCEPTED")


async def test_accepting_clicking_and_being_shown_leave_the_other_offers(record, offer_ids):
    offer_id = (await offer_ids())["CARD"]

    for kind in ("IMPRESSION", "CLICK", "ACCEPT"):
        payload = await record(RECORD_OUTCOME, **outcome(offer_id, kind, key=kind))
        assert {"CAMPUS-CARD", "AUTOPAY"} <= set(codes(payload["customer"]))


def changed(text, at):
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def last_bit_changed(token):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + letters[letters.index(token[-1]) ^ 1]


def another_secrets(_):
    product = Product("CARD", "Credit card", "card")
    offer = Offer("ANNA", product, 1, 0.5, 0.1, 1.0, 1.0, ("popularity",), (), ())
    return encoded("Offer:" + sign(offer, Context(datetime.now(UTC).date()), "fallback", datetime.now(UTC), "x" * 32))


FORGED = {
    "changed at its start": lambda real: changed(real, 12),
    "changed in its middle": lambda real: changed(real, len(real) // 2),
    "changed at its end": lambda real: changed(real, len(real) - 1),
    "changed in the last bits of its signature": lambda real: encoded(last_bit_changed(decoded(real))),
    "cut by one": lambda real: real[:-1],
    "cut in half": lambda real: real[: len(real) // 2],
    "longer": lambda real: real + "AAAA",
    "with a blank": lambda real: f"{real[:9]} {real[9:]}",
    "with four blanks, which base64 passes over": lambda real: f"{real[:9]}    {real[9:]}",
    "empty": lambda _: "",
    "no base64": lambda _: "优惠",
    "without a signature": lambda _: encoded("Offer:" + jwt.encode({"c": "ANNA", "p": "CARD"}, None, "none")),
    "with a header of a list": lambda _: encoded("Offer:W10.e30.AAAA"),
    "with an algorithm of a list": lambda _: encoded("Offer:eyJhbGciOltdfQ.e30.AAAA"),
    "an integer": lambda _: 7,
    "a product": lambda _: encoded("Product:CARD"),
    "a customer": lambda _: encoded("Customer:ANNA"),
    "by another secret": another_secrets,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_an_offer_id_that_was_not_given_is_a_typed_error(record, offer_ids, bank, forge):
    payload = await record(RECORD_OUTCOME, **outcome(forge((await offer_ids())["CARD"])))

    [error] = payload.pop("errors")
    assert payload == WROTE_NOTHING
    assert (error["code"], error["path"]) == ("BAD_INPUT", ["input", "offerId"])
    assert error["message"] in {"This is no id of Offer.", "The offer id was not made here, or was changed."}
    assert await counted(bank, "Outcome") == 0


async def test_a_token_is_no_offer_id(record, bearers):
    payload = await record(RECORD_OUTCOME, **outcome(encoded(f"Offer:{bearers.anna}")))

    assert [error["code"] for error in payload["errors"]] == ["BAD_INPUT"]


@pytest.mark.parametrize("who", ["bo", "nothing", "marketing", "partner"])
async def test_only_who_sees_the_customer_says_what_became_of_his_offers(record, offer_ids, bearers, bank, who):
    given = outcome((await offer_ids())["CARD"])

    payload = await record(RECORD_OUTCOME, getattr(bearers, who), **given)

    assert payload == WROTE_NOTHING | {
        "errors": [{"code": "NOT_FOUND", "message": "There is no customer 'ANNA'.", "path": ["input", "offerId"]}]
    }
    assert await counted(bank, "Outcome") == 0


@pytest.mark.parametrize("who", ["anna", "manager", "admin"])
async def test_who_sees_the_customer_says_what_became_of_his_offers(record, offer_ids, bearers, bank, who):
    payload = await record(RECORD_OUTCOME, getattr(bearers, who), **outcome((await offer_ids())["CARD"]))

    assert payload["errors"] == []
    assert len(await outcomes_of(bank)) == 1


WRONG_OUTCOMES = {
    "another age": ({"at": "0001-01-01T00:00:00+14:00"}, "at", "It cannot have happened before 1900."),
    "a moment without zone": ({"at": "2026-01-31T09:00:00"}, "at", "Say the time zone, as in 2026-01-31T09:00:00Z."),
    "the future": ({"at": "2999-01-01T00:00:00Z"}, "at", "It cannot have happened in the future."),
    "an empty key": ({"idempotencyKey": ""}, "idempotencyKey", "A key has 1 to 200 characters."),
    "a long key": ({"idempotencyKey": "k" * 201}, "idempotencyKey", "A key has 1 to 200 characters."),
}


@pytest.mark.parametrize(("wrong", "field", "message"), WRONG_OUTCOMES.values(), ids=WRONG_OUTCOMES)
async def test_an_outcome_that_cannot_be_is_a_typed_error(record, offer_ids, bank, wrong, field, message):
    payload = await record(RECORD_OUTCOME, **outcome((await offer_ids())["CARD"]) | wrong)

    assert payload == WROTE_NOTHING | {"errors": [{"code": "BAD_INPUT", "message": message, "path": ["input", field]}]}
    assert await counted(bank, "Outcome") == 0


async def test_a_moment_that_cannot_be_read_is_an_error_of_the_document(server, bearers, offer_ids):
    given = outcome((await offer_ids())["CARD"], at="yesterday")

    answer = await server.ask(RECORD_OUTCOME, bearers.anna, input=given)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]


async def test_an_interaction_sent_twice_is_stored_once(record, bank):
    given = interaction(idempotencyKey="call-1", productCode="CARD", note="asked about fees")

    first, second = await record(RECORD_INTERACTION, **given), await record(RECORD_INTERACTION, **given)

    assert first == second
    assert first["errors"] == []
    assert first["interaction"] == {
        "interactionId": first["interaction"]["interactionId"],
        "channel": "PHONE",
        "kind": "call",
        "at": first["interaction"]["at"],
        "note": "asked about fees",
        "product": {"productCode": "CARD"},
    }
    assert await counted(bank, "Interaction") == 1
    edges = await bank.read(
        "MATCH (:Customer)-[d:DID]->(:Interaction)-[a:ABOUT]->(:Product) RETURN count(d) AS did, count(a) AS about"
    )
    assert edges == [{"did": 1, "about": 1}]


async def test_interactions_without_a_key_are_each_stored(record, server, bearers):
    for _ in range(2):
        assert (await record(RECORD_INTERACTION, **interaction()))["errors"] == []

    query = '{ customer(customerNo: "ANNA") { interactions { nodes { channel kind product { name } } } } }'
    found = (await server.ask(query, bearers.anna))["data"]["customer"]["interactions"]["nodes"]
    assert found == [{"channel": "PHONE", "kind": "call", "product": None}] * 2


WRONG_INTERACTIONS = {
    "an unknown customer": ({"customerNo": "NOBODY"}, "customerNo", "NOT_FOUND", "There is no customer 'NOBODY'."),
    "another customer": ({"customerNo": "BO"}, "customerNo", "NOT_FOUND", "There is no customer 'BO'."),
    "an unknown product": ({"productCode": "YACHT"}, "productCode", "NOT_FOUND", "There is no product 'YACHT'."),
    "no kind": ({"kind": ""}, "kind", "BAD_INPUT", "A kind has 1 to 200 characters."),
    "a long note": ({"note": "n" * 2_001}, "note", "BAD_INPUT", "A note has 2,000 characters at most."),
    "an empty key": ({"idempotencyKey": ""}, "idempotencyKey", "BAD_INPUT", "A key has 1 to 200 characters."),
    "a moment without zone": (
        {"at": "2026-01-31T09:00:00"},
        "at",
        "BAD_INPUT",
        "Say the time zone, as in 2026-01-31T09:00:00Z.",
    ),
    "the future": ({"at": "2999-01-01T00:00:00Z"}, "at", "BAD_INPUT", "It cannot have happened in the future."),
}


@pytest.mark.parametrize(("wrong", "field", "code", "message"), WRONG_INTERACTIONS.values(), ids=WRONG_INTERACTIONS)
async def test_an_interaction_that_cannot_be_is_a_typed_error(record, bank, wrong, field, code, message):
    payload = await record(RECORD_INTERACTION, **interaction() | wrong)

    error = {"code": code, "message": message, "path": ["input", field]}
    assert payload == {"interaction": None, "customer": None, "errors": [error]}
    assert await counted(bank, "Interaction") == 0


async def test_a_complaint_pauses_selling_and_its_resolution_resumes_it(server, bearers, record):
    complained = await record(RECORD_INTERACTION, **interaction("complaint"))
    decision = (await server.ask(DECISION, bearers.manager, code="CARD"))["data"]["decision"]
    resolved = await record(RECORD_INTERACTION, **interaction("complaint_resolved"))

    assert complained["customer"] == {"offers": []}
    assert decision["stoppedBy"] == {
        "gate": "contact",
        "code": "OPEN_COMPLAINT",
        "saw": f"complaint of {datetime.now(UTC):%Y-%m-%d}",
    }
    assert codes(resolved["customer"]) == ALL


async def test_a_complaint_resolved_at_the_moment_it_was_made_is_resolved(record):
    moment = datetime.now(UTC).isoformat()

    await record(RECORD_INTERACTION, **interaction("complaint_resolved", at=moment))
    payload = await record(RECORD_INTERACTION, **interaction("complaint", at=moment))

    assert codes(payload["customer"]) == ALL


async def test_consent_taken_back_stops_offers_at_once_and_given_brings_them_back(record, server, bearers):
    refused = await record(SET_CONSENT, customerNo="ANNA", marketing=False)
    decision = (await server.ask(DECISION, bearers.manager, code="CARD"))["data"]["decision"]
    given = await record(SET_CONSENT, customerNo="ANNA", marketing=True)

    assert (refused["customer"], refused["errors"]) == ({"marketingConsent": False, "offers": []}, [])
    assert given["consent"] == {"marketing": True, "version": refused["consent"]["version"] + 1}
    assert decision["stoppedBy"] == {"gate": "consent", "code": "NO_CONSENT", "saw": "no"}
    assert given["customer"]["marketingConsent"] is True
    assert codes(given["customer"]) == ALL


@pytest.mark.parametrize("who", ["bo", "marketing", "partner"])
@pytest.mark.parametrize(
    ("document", "given"),
    [(SET_CONSENT, {"customerNo": "ANNA", "marketing": False}), (RECORD_INTERACTION, interaction())],
    ids=["consent", "interaction"],
)
async def test_who_does_not_see_a_customer_writes_nothing_of_him(record, bearers, bank, who, document, given):
    before = await everything(bank)

    payload = await record(document, getattr(bearers, who), **given)

    message = "There is no customer 'ANNA'."
    assert payload["errors"] == [{"code": "NOT_FOUND", "message": message, "path": ["input", "customerNo"]}]
    assert payload["customer"] is None
    assert await everything(bank) == before
    anna = await bank.read("MATCH (c:Customer {customer_no: 'ANNA'}) RETURN c.marketing_consent AS consent")
    assert anna == [{"consent": True}]


async def test_nobody_knows_of_an_unknown_customers_consent(record, bearers):
    payload = await record(SET_CONSENT, bearers.admin, customerNo="NOBODY", marketing=True)

    error = {"code": "NOT_FOUND", "message": "There is no customer 'NOBODY'.", "path": ["input", "customerNo"]}
    assert payload == {"consent": None, "customer": None, "errors": [error]}


async def test_without_a_token_nothing_is_written(server, bank, offer_ids):
    given = outcome((await offer_ids())["CARD"])
    before = await everything(bank)

    answer = (await server.post(RECORD_OUTCOME, input=given)).json()

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert await everything(bank) == before


async def test_mutations_of_one_document_see_each_others_effect(server, bearers, offer_ids):
    ids = await offer_ids()
    document = """mutation ($card: RecordOutcomeInput!, $autopay: RecordOutcomeInput!) {
      card: recordOutcome(input: $card) { customer { offers { product { productCode } } } }
      autopay: recordOutcome(input: $autopay) { customer { offers { product { productCode } } } }
    }"""

    answer = await server.ask(
        document,
        bearers.anna,
        card=outcome(ids["CARD"], "DISMISS", "1"),
        autopay=outcome(ids["AUTOPAY"], "DISMISS", "2"),
    )

    assert codes(answer["data"]["card"]["customer"]) == ["CAMPUS-CARD", "AUTOPAY"]
    assert codes(answer["data"]["autopay"]["customer"]) == ["CAMPUS-CARD"]


# The last one: for some seconds after it, the server of this module may know the quota.
async def test_an_acceptance_beyond_the_quota_says_so_however_often_it_is_sent(bank, serving, bearers):
    programme = "MATCH (:Product {product_code: 'CAMPUS-CARD'})-[:PART_OF]->(g:Programme) SET g.quota = $quota"
    document = RECORD_OUTCOME.replace("outcome channel at", "place")
    try:
        await bank.write(programme, quota=1)
        async with serving(bank) as server:
            offers = (await server.ask(OFFERS, bearers.admin, no="ANNA"))["data"]["customer"]["offers"]
            offer_id = next(own["id"] for own in offers if own["product"]["productCode"] == "CAMPUS-CARD")

            async def told(kind, key):
                answer = await server.ask(document, bearers.anna, input=outcome(offer_id, kind, key))
                return answer["data"]["recordOutcome"]["outcome"]["place"]

            within = [await told("IMPRESSION", "shown"), await told("ACCEPT", "one")]
            await bank.write("MATCH ()-[r:ANSWERED]->(o:Outcome {kind: 'accept'}) SET o.customer_no = 'BO' DELETE r")
            over = await told("ACCEPT", "two")
            again = [await told("ACCEPT", key) for key in ("one", "two")]
    finally:
        await bank.write(programme, quota=None)

    assert (within, over, again) == ([None, "WITHIN"], "OVER_QUOTA", ["WITHIN", "OVER_QUOTA"])
