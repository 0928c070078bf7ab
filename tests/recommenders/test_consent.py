"""The latest word holds."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from graph.records import Consent, Customer
from graph.words import Channel, CustomerKind, Purpose
from recommenders.consent import answer, held, history

MARKETING, PARTNERS = Purpose.MARKETING, Purpose.PARTNERS
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def words(channels):
    return st.lists(st.builds(Consent, st.sampled_from(Purpose), st.booleans(), st.sampled_from(channels)))


@given(words([None, Channel.WEB, Channel.PHONE]), st.sampled_from(Purpose), st.sampled_from(["web", "phone", "kiosk"]))
def test_the_latest_word_about_a_channel_or_all_holds(said, purpose, channel):
    about = [one.granted for one in said if one.purpose is purpose and one.channel in (None, channel)]

    assert answer(held(said, purpose), channel) is (about[-1] if about else None)


@given(words([None, *Channel]), st.sampled_from(Purpose))
def test_without_a_channel_one_that_is_granted_is_enough(said, purpose):
    holds = held(said, purpose)
    on_each = {answer(holds, channel) for channel in Channel}

    assert answer(holds, None) is (True if True in on_each else False if False in on_each else None)


def test_of_whom_no_word_on_marketing_is_kept_his_property_is_the_first():
    partners = Consent(PARTNERS, granted=False, at=MAY, version=1)
    person = Customer("C1", CustomerKind.PERSON, marketing_consent=True, consents=(partners,))
    marketing = Consent(MARKETING, granted=False, at=MAY, version=2)

    assert history(person) == (Consent(MARKETING, granted=True), partners)
    assert history(replace(person, marketing_consent=None)) == (partners,)
    assert history(replace(person, consents=(marketing,))) == (marketing,)
