"""What customers said of purposes and channels: the latest word holds, and every word is kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.consents import SAID_SO_FAR, set_consent, statements
from graph.customers import load
from graph.errors import VersionConflict
from graph.imports import import_rows
from graph.once import Request
from graph.records import Consent
from graph.words import Channel, ConsentSource, Purpose
from recommenders.consent import answer, held, history

MARKETING, PARTNERS = Purpose.MARKETING, Purpose.PARTNERS
MAY = datetime(2026, 5, 1, tzinfo=UTC)


@given(st.permutations([(None, 0), (MAY, 3), (MAY, 4), (MAY + timedelta(1), 1), (MAY + timedelta(2), 2)]))
def test_words_come_by_their_time_the_undated_first_and_at_one_time_by_version(shuffled):
    found = statements([("marketing", True, None, at, "file", None, version) for at, version in shuffled])

    assert [said.version for said in found] == [0, 3, 4, 1, 2]


def row(key, digest="1", **properties):
    return {"key": key, "digest": digest, "properties": properties}


def person(granted, digest="1"):
    return row("C1", digest, customer_no="C1", kind="person", name="An", marketing_consent=granted)


def word(granted, at=MAY, channel=None, purpose=MARKETING, digest=None):
    key = f"C1|{purpose}|{channel or ''}|{at}"
    own = {"customer_no": "C1", "purpose": purpose, "channel": channel, "granted": granted, "at": at}
    return row(key, digest or str(granted), **own)


@pytest.fixture
async def told(empty_store):
    """Return a function: whether offers may be made at all, and the words, without source and who recorded."""
    await import_rows(empty_store, "customers", [person(granted=True)])

    async def tell():
        [customer] = await load(empty_store, ["C1"])
        words = [(said.purpose, said.granted, said.channel, said.at, said.version) for said in history(customer)]
        return customer.marketing_consent, words

    return tell


async def say(store, granted, now=MAY, *, channel=None, purpose=MARKETING, expected=None, by=None, key=None):
    said = Consent(purpose, granted, channel, recorded_by=by)
    key = key or f"{purpose} {channel} {granted} {now}"
    return await set_consent(store, "C1", said, Request(key, "F", key, now), expected)


async def test_what_is_said_is_added_to_what_the_file_said(empty_store, told):
    said = await say(empty_store, granted=False, channel=Channel.PHONE, by="ADMIN a1")

    assert said == Consent(MARKETING, False, Channel.PHONE, MAY, ConsentSource.API, "ADMIN a1", 1)
    assert await told() == (True, [(MARKETING, True, None, None, 0), (MARKETING, False, Channel.PHONE, MAY, 1)])
    [customer] = await load(empty_store, ["C1"])
    assert customer.consents[1] == said
    assert customer.consent_version == 1


async def test_what_is_said_twice_under_one_key_is_said_once(empty_store, told):
    first = await say(empty_store, granted=False, key="K")
    again = await say(empty_store, granted=False, key="K", now=MAY + timedelta(hours=1))

    assert first == again
    assert len((await told())[1]) == 2


async def test_the_refusal_of_every_channel_one_by_one_is_a_refusal(empty_store, told):
    seen = []
    for hours, channel in enumerate(Channel):
        await say(empty_store, granted=False, now=MAY + timedelta(hours=hours), channel=channel)
        seen.append((await told())[0])

    assert seen == [True] * (len(Channel) - 1) + [False]


async def test_of_other_purposes_nothing_is_told_of_marketing(empty_store, told):
    await say(empty_store, granted=False, purpose=PARTNERS)

    assert await told() == (True, [(MARKETING, True, None, None, 0), (PARTNERS, False, None, MAY, 1)])
    await import_rows(empty_store, "consents", [word(granted=True, purpose=PARTNERS)])
    await import_rows(empty_store, "customers", [person(granted=None, digest="2")])
    assert (await told())[0] is False


async def test_a_clock_that_is_late_does_not_make_a_later_word_an_earlier(empty_store, told):
    await say(empty_store, granted=False)
    later = await say(empty_store, granted=True, now=MAY - timedelta(seconds=3))

    assert (later.at, later.version) == (MAY, 2)
    assert (await told())[0] is True


async def test_who_read_another_version_says_nothing(empty_store, told):
    await say(empty_store, granted=False, expected=0)

    with pytest.raises(VersionConflict) as conflict:
        await say(empty_store, granted=True, now=MAY + timedelta(hours=1), expected=0)

    assert conflict.value.current == 1
    assert len((await told())[1]) == 2


async def test_all_who_speak_at_once_are_heard(empty_store, told):
    said = await asyncio.gather(*(say(empty_store, granted=bool(n % 2), key=str(n)) for n in range(6)))

    _, words = await told()
    assert [version for *_, version in words] == list(range(7))
    assert sorted(one.version for one in said) == list(range(1, 7))


async def test_a_file_that_says_otherwise_adds_a_word_and_an_empty_cell_takes_back_a_yes(empty_store, told):
    before = datetime.now(UTC)
    await import_rows(empty_store, "customers", [person(granted=True, digest="2")])
    same = await told()
    await import_rows(empty_store, "customers", [person(granted=False, digest="3")])
    refused, words = await told()
    await import_rows(empty_store, "customers", [person(granted=True, digest="4")])
    await import_rows(empty_store, "customers", [person(granted=None, digest="5")])
    now, all_words = await told()

    assert same == (True, [(MARKETING, True, None, None, 0)])
    assert refused is False
    assert [granted for _, granted, *_ in words] == [True, False]
    assert words[1][3] >= before
    assert now is False
    assert [granted for _, granted, *_ in all_words] == [True, False, True, False]


async def test_the_first_that_a_customers_file_says_is_of_no_time(empty_store, told):
    await empty_store.write("MATCH (c:Customer) REMOVE c.marketing_consent")
    silent = await told()
    await import_rows(empty_store, "customers", [person(granted=False, digest="2")])

    assert silent == (None, [])
    assert await told() == (False, [(MARKETING, False, None, None, 0)])


@pytest.mark.parametrize("own", ["by the API", "by the file of consents"])
async def test_what_he_said_himself_holds_against_the_customers_file(empty_store, told, own):
    if own == "by the API":
        await say(empty_store, granted=False)
    else:
        await import_rows(empty_store, "consents", [word(granted=False)])
    before = await told()

    for digest, granted in enumerate([False, True, None, True], 2):
        await import_rows(empty_store, "customers", [person(granted, digest=str(digest))])

    assert before[0] is False
    assert await told() == before


async def test_rows_of_consents_count_by_their_own_time(empty_store, told):
    june = MAY + timedelta(days=31)
    await say(empty_store, granted=True, now=june)
    older, newer = word(granted=False), word(granted=False, at=june + timedelta(days=1), channel=Channel.WEB)
    await import_rows(empty_store, "consents", [older])
    unmoved = await told()
    await import_rows(empty_store, "consents", [newer, older, word(granted=True, purpose=PARTNERS)])
    summary, words = await told()
    [customer] = await load(empty_store, ["C1"])

    assert unmoved[0] is True
    assert summary is True
    assert words == [
        (MARKETING, True, None, None, 0),
        (MARKETING, False, None, MAY, 2),
        (PARTNERS, True, None, MAY, 4),
        (MARKETING, True, None, june, 1),
        (MARKETING, False, Channel.WEB, june + timedelta(days=1), 3),
    ]
    assert customer.consent_version == 4
    assert answer(held(customer.consents, MARKETING), "web") is False


async def test_a_file_that_corrects_itself_is_kept_beside_what_it_said(empty_store, told):
    written = [
        await import_rows(empty_store, "consents", [word(granted, digest=digest)])
        for granted, digest in [(False, "1"), (True, "2"), (True, "2"), (False, "1")]
    ]

    assert [(done.created, done.updated, done.unchanged) for done in written] == [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 0)]  # fmt: skip
    summary, words = await told()
    assert summary is False
    assert words == [(MARKETING, granted, None, at, n) for n, (granted, at) in enumerate([(True, None), (False, MAY), (True, MAY), (False, MAY)])]  # fmt: skip


@pytest.mark.usefixtures("told")
async def test_the_property_is_always_what_the_words_come_to(empty_store):
    chance = Random(7)
    channels = [None, None, *Channel]
    for step in range(60):
        granted, channel, purpose = chance.random() < 0.4, chance.choice(channels), chance.choice(list(Purpose))
        if chance.random() < 0.5:
            at = MAY + timedelta(minutes=chance.randrange(60))
            await import_rows(empty_store, "consents", [word(granted, at, channel, purpose, digest=str(step))])
        else:
            now = MAY + timedelta(minutes=chance.randrange(60))
            await say(empty_store, granted, now, channel=channel, purpose=purpose, key=str(step))
        [customer] = await load(empty_store, ["C1"])
        assert customer.marketing_consent is answer(held(history(customer), MARKETING), None)
        assert customer.consent_version == max(said.version for said in customer.consents) == step + 1
    assert {one.purpose for one in customer.consents} == set(Purpose)


async def test_a_graph_of_before_keeps_what_was_said_last(empty_store):
    await empty_store.write(
        "CREATE (:Customer {customer_no: 'OWN', kind: 'person', marketing_consent: false, consent_at: $at, consent_version: 3}) "
        "CREATE (:Customer {customer_no: 'FILE', kind: 'person', marketing_consent: true})",
        at=MAY,
    )
    for _ in range(2):
        await empty_store.write(SAID_SO_FAR)
    own, file = await load(empty_store, ["OWN", "FILE"])

    assert history(own) == (Consent(MARKETING, False, None, MAY, ConsentSource.API, None, 3),)
    assert history(file) == (Consent(MARKETING, granted=True),)
