"""What holds by what a customer said: the latest word about a channel, or about all channels."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from graph.records import Consent, Customer
from graph.words import Channel, Purpose

Held: TypeAlias = Mapping[str | None, bool]
"""What holds for a purpose, by channel; under None for channels that are not there."""


def history(customer: Customer) -> tuple[Consent, ...]:
    """Return all that a customer said, oldest first, what is known by his property alone too."""
    given, said = customer.marketing_consent, customer.consents
    if given is None or any(one.purpose is Purpose.MARKETING for one in said):
        return said
    return (Consent(Purpose.MARKETING, given), *said)


def held(said: Sequence[Consent], purpose: Purpose) -> Held:
    """Return what holds for a purpose by what was said, oldest first."""
    found: dict[str | None, bool] = {}
    for one in said:
        if one.purpose is purpose:
            found = {None: one.granted} if one.channel is None else found | {one.channel: one.granted}
    return found


def answer(held: Held, channel: str | None) -> bool | None:
    """Return what holds on a channel; without one, whether it is granted on one channel at least. None: unknown."""
    if channel is not None:
        return held.get(channel, held.get(None))
    known = [said for one in Channel if (said := held.get(one, held.get(None))) is not None]
    return max(known, default=None)
