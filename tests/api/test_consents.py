"""Consent by purpose and channel: what holds, what was said, who reads it, and what is offered by it."""

from datetime import UTC, datetime

import pytest

from graph.imports import import_rows

SET = """
mutation ($input: SetConsentInput!) { setConsent(input: $input) {
  consent { purpose channel granted marketing version at } errors { code message path }
} }"""
HOLDS = """
query ($no: String!) { customer(customerNo: $no) { marketingConsent consents { purpose channel granted allowed } } }"""
HISTORY = """
query ($no: String!, $first: Int, $last: Int, $after: String, $before: String) { customer(customerNo: $no) {
  consentHistory(first: $first, last: $last, after: $after, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { purpose channel granted at source version recordedBy }
  }
} }"""
DECISION = """
query ($code: String!, $channel: Channel!) {
  decision(customerNo: "ANNA", productCode: $code, channel: $channel) {
    offered refusals { gate code text saw unlock }
  }
}"""
ALL = ["BRANCH", "PHONE", "WEB", "MOBILE", "ATM", "POS"]


@pytest.fixture(autouse=True)
async def nothing_said(bank):
    """Each test starts with customers who have agreed to offers by the bank's files, and said nothing else."""
    yield
    await bank.write("MATCH (n) WHERE n:Consent OR n:IdempotencyKey DETACH DELETE n")
    await bank.write(
        "MATCH (c:Customer) WHERE c.consent_version > 0 "
        "SET c.marketing_consent = true REMOVE c.consent_version, c.consent_at"
    )


@pytest.fixture
def say(server, bearers):
    """Return a function: what ``setConsent`` answers."""

    async def said(bearer=bearers.anna, **given):
        answer = await server.ask(SET, bearer, input={"customerNo": "ANNA"} | given)
        assert "errors" not in answer, answer
        return answer["data"]["setConsent"]

    return said


@pytest.fixture
def seen(server):
    """Return a function: a customer's field as somebody sees him."""

    async def ask(document, bearer, **variables):
        answer = await server.ask(document, bearer, **{"no": "ANNA"} | variables)
        assert "errors" not in answer, answer
        return answer["data"]["customer"]

    return ask


def granted(found, purpose, word="granted"):
    return {one["channel"]: one[word] for one in found["consents"] if one["purpose"] == purpose}


async def test_a_word_on_one_channel_leaves_the_others(say, seen, bearers):
    before = datetime.now(UTC)
    payload = await say(channel="PHONE", granted=False)
    found = await seen(HOLDS, bearers.anna)

    assert payload["errors"] == []
    assert datetime.fromisoformat(payload["consent"].pop("at")) >= before
    assert payload["consent"] == {"purpose": "MARKETING", "channel": "PHONE", "granted": False, "marketing": False, "version": 1}  # fmt: skip
    assert found["marketingConsent"] is True
    assert granted(found, "MARKETING") == dict.fromkeys(ALL, True) | {"PHONE": False}
    assert granted(found, "MARKETING", "allowed") == granted(found, "MARKETING")


async def test_of_what_he_never_spoke_nothing_is_granted_and_partners_are_as_others(say, seen, bearers):
    await say(channel="PHONE", granted=False)
    anna, nothing = [await seen(HOLDS, bearers.admin, no=no) for no in ("ANNA", "NOTHING")]
    await say(purpose="PARTNERS", channel="WEB", granted=False)
    later = await seen(HOLDS, bearers.admin)

    assert granted(anna, "PARTNERS") == dict.fromkeys(ALL)
    assert granted(anna, "PARTNERS", "allowed") == dict.fromkeys(ALL, True) | {"PHONE": False}
    assert granted(later, "PARTNERS", "allowed") == dict.fromkeys(ALL, True) | {"PHONE": False, "WEB": False}
    assert granted(nothing, "PROFILING") == dict.fromkeys(ALL)
    assert granted(nothing, "PROFILING", "allowed") == dict.fromkeys(ALL, True)
    assert nothing["marketingConsent"] is None
    assert granted(nothing, "MARKETING") == dict.fromkeys(ALL)
    assert (
        granted(nothing, "MARKETING", "allowed") == granted(nothing, "PARTNERS", "allowed") == dict.fromkeys(ALL, False)
    )


async def test_who_objects_to_profiling_on_one_channel_is_profiled_on_none(say, seen, bearers):
    await say(purpose="PROFILING", channel="WEB", granted=False)
    found = await seen(HOLDS, bearers.anna)

    assert granted(found, "PROFILING") == dict.fromkeys(ALL) | {"WEB": False}
    assert granted(found, "PROFILING", "allowed") == dict.fromkeys(ALL, False)
    assert found["marketingConsent"] is True


async def test_offers_are_refused_where_he_refused_them_and_nowhere_else(say, server, bearers):
    async def refusals(code, channel):
        answer = await server.ask(DECISION, bearers.manager, code=code, channel=channel)
        return [one for one in answer["data"]["decision"]["refusals"] if one["gate"] == "consent"]

    await say(channel="PHONE", granted=False)
    await say(purpose="PARTNERS", channel="WEB", granted=False)

    assert await refusals("CARD", "PHONE") == [
        {
            "gate": "consent",
            "code": "NO_CONSENT",
            "text": "There is no consent to marketing on the channel phone.",
            "saw": "no",
            "unlock": "consent to marketing on the channel phone",
        }
    ]
    assert await refusals("CARD", "WEB") == await refusals("CAMPUS-CARD", "MOBILE") == []
    assert [one["code"] for one in await refusals("CAMPUS-CARD", "WEB")] == ["NO_PARTNER_CONSENT"]


async def test_all_that_he_said_is_told_the_latest_first_and_who_recorded_it_to_staff_alone(say, seen, bearers):
    await say(channel="PHONE", granted=False)
    await say(bearers.manager, granted=False)
    await say(purpose="PARTNERS", granted=True)

    own, staffs = [(await seen(HISTORY, bearer))["consentHistory"] for bearer in (bearers.anna, bearers.manager)]

    assert own["totalCount"] == 4
    times = [word["at"] and datetime.fromisoformat(word["at"]) for word in own["nodes"]]
    assert times[:3] == sorted(times[:3], reverse=True)
    assert times[3] is None
    assert [(word["purpose"], word["channel"], word["granted"], word["source"], word["version"]) for word in own["nodes"]] == [
        ("PARTNERS", None, True, "API", 3),
        ("MARKETING", None, False, "API", 2),
        ("MARKETING", "PHONE", False, "API", 1),
        ("MARKETING", None, True, "FILE", 0),
    ]  # fmt: skip
    assert [word["recordedBy"] for word in own["nodes"]] == [None] * 4
    roles = [word["recordedBy"] and word["recordedBy"].split()[0] for word in staffs["nodes"]]
    assert roles == ["CUSTOMER", "RELATIONSHIP_MANAGER", "CUSTOMER", None]


async def test_the_history_is_walked_both_ways_while_it_grows(say, seen, bearers):
    for answer in (False, True, False):
        await say(granted=answer)
    walked, after = [], None
    while len(walked) < 4:
        page = (await seen(HISTORY, bearers.anna, first=1, after=after))["consentHistory"]
        walked += [word["version"] for word in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        await say(granted=True)
    back = (await seen(HISTORY, bearers.anna, last=2, before=after))["consentHistory"]

    assert walked == [3, 2, 1, 0]
    assert page["pageInfo"]["hasNextPage"] is False
    assert [word["version"] for word in back["nodes"]] == [2, 1]


async def test_a_foreign_cursor_is_refused_or_is_a_place(say, server, bearers):
    await say(granted=False)
    account = '{ customer(customerNo: "ANNA") { accounts { pageInfo { endCursor } } } }'
    other = (await server.ask(account, bearers.anna))["data"]["customer"]["accounts"]["pageInfo"]["endCursor"]
    placed, refused = [await server.ask(HISTORY, bearers.anna, no="ANNA", after=after) for after in (other, "x")]

    assert placed["data"]["customer"]["consentHistory"]["totalCount"] == 2
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["BAD_INPUT"]


async def test_what_the_file_of_consents_says_is_in_the_history(bank, seen, bearers):
    said = {"customer_no": "ANNA", "purpose": "marketing", "channel": "phone", "granted": False, "at": datetime(2026, 1, 1, tzinfo=UTC)}  # fmt: skip
    await import_rows(bank, "consents", [{"key": "ANNA|marketing|phone|2026", "digest": "d", "properties": said}])

    found = (await seen(HISTORY, bearers.manager))["consentHistory"]

    assert found["nodes"][0] == {
        "purpose": "MARKETING", "channel": "PHONE", "granted": False, "at": "2026-01-01T00:00:00+00:00",
        "source": "FILE", "version": 1, "recordedBy": None,
    }  # fmt: skip


@pytest.mark.parametrize("given", [{}, {"granted": None}, {"granted": True, "marketing": False}])
async def test_one_answer_has_to_be_given(say, seen, bearers, given):
    payload = await say(**given)

    assert payload["consent"] is None
    assert payload["errors"] == [
        {"code": "BAD_INPUT", "message": "Say whether he consents: granted, and nothing else beside.", "path": ["input", "granted"]}
    ]  # fmt: skip
    assert (await seen(HISTORY, bearers.anna))["consentHistory"]["totalCount"] == 1


async def test_callers_of_before_say_marketing(say, seen, bearers):
    payload = await say(marketing=False)

    assert (payload["consent"]["granted"], payload["consent"]["marketing"]) == (False, False)
    assert (await seen(HOLDS, bearers.anna))["marketingConsent"] is False


@pytest.mark.parametrize("who", ["bo", "marketing", "partner"])
async def test_who_does_not_see_him_says_nothing_for_him(say, bearers, bank, who):
    payload = await say(getattr(bearers, who), granted=False)

    assert [error["code"] for error in payload["errors"]] == ["NOT_FOUND"]
    assert await bank.read("MATCH (s:Consent) RETURN s.consent_key AS key") == []
