"""The mutations: each returns what it wrote, or typed errors about its input."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from api import decisions
from api.costs import WRITE, assumed
from api.errors import ApiError
from api.events import Recorded
from api.global_ids import key_of
from api.idempotency import request_of
from api.requests import Asked
from api.session import Session
from api.types.consents import GRANTED_INSTEAD, Consent
from api.types.customers import Customer
from api.types.holdings import Interaction
from api.user_errors import UserError, UserErrorCode, Wrong, recording, typed_errors
from graph import consents, feedback, places, records
from graph.words import Channel, OutcomeKind, ProgrammePlace, Purpose

LONGEST_KIND = 200
LONGEST_NOTE = 2_000
FIRST_YEAR = 1900
SENT_AGAIN = (
    "The caller's key for this request, 200 characters at most: for 7 days, the same input sent again with it records "
    "nothing and is answered with what was recorded; another input is refused."
)


async def customer_after(payload: strawberry.Parent["Payload"], info: Asked) -> Customer | None:
    """The customer of a payload as he is now, who is read when he is asked for; of one with errors, none."""
    session = info.context.session
    found = await session.customer(payload.customer_no) if payload.customer_no else None
    return Customer.of(session, found) if found else None


@strawberry.input(description="Something that happened between bank and customer.")
class RecordInteractionInput:
    """The input of ``recordInteraction``."""

    customer_no: str = strawberry.field(description="The customer's number.")
    channel: Channel = strawberry.field(description="Where.")
    kind: str = strawberry.field(description="visit, call, login, complaint, complaint_resolved, enquiry, …")
    at: datetime | None = strawberry.field(default=None, description="When, with its zone; now by default.")
    product_code: str | None = strawberry.field(default=None, description="The product it was about.")
    note: str | None = strawberry.field(default=None, description="A note of at most 2,000 characters.")
    idempotency_key: str | None = strawberry.field(
        default=None, description=f"{SENT_AGAIN} Without one each call records an interaction."
    )


@strawberry.type(description="What came of `recordInteraction`.")
class RecordInteractionPayload:
    """The interaction that is stored, or errors."""

    interaction: Interaction | None = strawberry.field(default=None, description="What is stored.")
    customer_no: strawberry.Private[str | None] = None
    customer: Customer | None = strawberry.field(resolver=customer_after, description="The customer, after it.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when stored.", directives=[assumed(5)]
    )


@strawberry.input(description="What became of an offer.")
class RecordOutcomeInput:
    """The input of ``recordOutcome``."""

    offer_id: strawberry.ID = strawberry.field(description="The offer's id, as it was given.")
    outcome: OutcomeKind = strawberry.field(description="What became of it.")
    channel: Channel = strawberry.field(description="Where.")
    at: datetime | None = strawberry.field(default=None, description="When, with its zone; now by default.")
    idempotency_key: str = strawberry.field(description=SENT_AGAIN)


@strawberry.type(description="An outcome as it is stored.")
class Outcome:
    """What became of an offer."""

    customer_no: str = strawberry.field(description="Whose offer it was.")
    product_code: str = strawberry.field(description="What was offered.")
    outcome: OutcomeKind = strawberry.field(description="What became of it.")
    channel: Channel = strawberry.field(description="Where.")
    at: datetime = strawberry.field(description="When.")
    place: ProgrammePlace | None = strawberry.field(
        description="How the place that it takes stands to the contract with the partner, for good once it is told; "
        "null for what takes none: what is no `ACCEPT`, is of before the contract or before the customer's latest "
        "`DISMISS`, or has neither quota nor budget to count by."
    )


@strawberry.type(description="What came of `recordOutcome`.")
class RecordOutcomePayload:
    """The outcome that is stored, or errors."""

    outcome: Outcome | None = strawberry.field(default=None, description="What is stored.")
    customer_no: strawberry.Private[str | None] = None
    customer: Customer | None = strawberry.field(resolver=customer_after, description="The customer, after it.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when stored.", directives=[assumed(5)]
    )


@strawberry.input(description="What a customer says of being offered something.")
class SetConsentInput:
    """The input of ``setConsent``."""

    customer_no: str = strawberry.field(description="The customer's number.")
    purpose: Purpose = strawberry.field(default=Purpose.MARKETING, description="To what.")
    channel: Channel | None = strawberry.field(
        default=None, description="The channel that it is about; without one, every channel."
    )
    granted: bool | None = strawberry.field(
        default=None, description="Whether he consents; it has to be said here, or in `marketing`."
    )
    marketing: bool | None = strawberry.field(
        default=None, description="The same as `granted`.", deprecation_reason=GRANTED_INSTEAD
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="The `consentVersion` that was read: where it is another by now, nothing is set. Without one, the "
        "last word holds.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=SENT_AGAIN)


@strawberry.type(description="What came of `setConsent`.")
class SetConsentPayload:
    """The consent that was recorded, or errors."""

    consent: Consent | None = strawberry.field(default=None, description="What was recorded.")
    customer_no: strawberry.Private[str | None] = None
    customer: Customer | None = strawberry.field(resolver=customer_after, description="The customer, after it.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when stored.", directives=[assumed(5)]
    )


Payload: TypeAlias = RecordInteractionPayload | RecordOutcomePayload | SetConsentPayload


@strawberry.type(description="All that can be written.")
class Mutation:
    """The root of mutations."""

    @strawberry.mutation(
        description="Record something that happened between bank and customer, once.", directives=[WRITE]
    )
    @typed_errors(RecordInteractionPayload)
    async def record_interaction(
        self,
        info: Asked,
        input: Annotated[RecordInteractionInput, strawberry.argument(description="What happened.")],  # noqa: A002
    ) -> RecordInteractionPayload:
        """Write an interaction."""
        return await _record_interaction(info.context.session, input)

    @strawberry.mutation(
        description="Record what became of an offer, once; the contact gates heed it at once.", directives=[WRITE]
    )
    @typed_errors(RecordOutcomePayload)
    async def record_outcome(
        self,
        info: Asked,
        input: Annotated[RecordOutcomeInput, strawberry.argument(description="What became of which offer.")],  # noqa: A002
    ) -> RecordOutcomePayload:
        """Write an outcome."""
        return await _record_outcome(info.context.session, input)

    @strawberry.mutation(
        description="Record what a customer says of being offered something; the consent gates heed it at once.",
        directives=[WRITE],
    )
    @typed_errors(SetConsentPayload)
    async def set_consent(
        self,
        info: Asked,
        input: Annotated[SetConsentInput, strawberry.argument(description="Whose consent.")],  # noqa: A002
    ) -> SetConsentPayload:
        """Write consent."""
        return await _set_consent(info.context.session, input)


async def _record_interaction(session: Session, given: RecordInteractionInput) -> RecordInteractionPayload:
    customer = await _customer(session, given.customer_no)
    if not 0 < len(given.kind) <= LONGEST_KIND:
        raise Wrong("kind", UserErrorCode.BAD_INPUT, f"A kind has 1 to {LONGEST_KIND} characters.")
    if len(given.note or "") > LONGEST_NOTE:
        raise Wrong("note", UserErrorCode.BAD_INPUT, f"A note has {LONGEST_NOTE:,} characters at most.")
    if given.product_code is not None and given.product_code not in await session.catalogue():
        raise Wrong("productCode", UserErrorCode.NOT_FOUND, f"There is no product {given.product_code!r}.")
    request = request_of(session, "recordInteraction", given)
    happened = records.Interaction(
        request.recorded_as, given.channel, given.kind, _moment(session, given.at), given.product_code, given.note
    )
    with recording():
        stored = await feedback.record_interaction(session.services.store, customer.customer_no, happened, request)
    if stored.interaction_id == request.recorded_as:
        session.services.interactions.publish(
            Recorded(stored.interaction_id, customer.customer_no, customer.manager_no)
        )
    _changed(session, customer.customer_no)
    return RecordInteractionPayload(interaction=Interaction.of(session, stored), customer_no=customer.customer_no)


async def _record_outcome(session: Session, given: RecordOutcomeInput) -> RecordOutcomePayload:
    _ = session.viewer
    try:
        token = key_of(given.offer_id, "Offer")
        told = decisions.verify(token, session.services.offer_secret)
    except ApiError as error:
        raise Wrong("offerId", UserErrorCode(error.code), str(error)) from error
    await _customer(session, told.customer_no, "offerId")
    at = _moment(session, given.at)
    became = records.Outcome(token, told.product_code, given.outcome, given.channel, at)
    with recording():
        stored = await feedback.record_outcome(
            session.services.store,
            told.customer_no,
            became,
            told.properties(),
            request_of(session, "recordOutcome", given),
        )
    _changed(session, told.customer_no)
    outcome = Outcome(
        customer_no=stored["customer_no"],
        product_code=stored["product_code"],
        outcome=OutcomeKind(stored["kind"]),
        channel=Channel(stored["channel"]),
        at=stored["at"],
        place=await _place(session, stored) if given.outcome is OutcomeKind.ACCEPT else None,
    )
    return RecordOutcomePayload(outcome=outcome, customer_no=told.customer_no)


async def _place(session: Session, stored: Mapping[str, Any]) -> ProgrammePlace | None:
    catalogue = await session.catalogue()
    product = catalogue.get(stored["product_code"])
    programmes = {programme.programme_code: programme for programme in await session.services.programmes.value()}
    programme = programmes.get(product.programme_code or "") if product else None
    if programme is None:
        return None
    own = [other.product_code for other in catalogue.values() if other.programme_code == programme.programme_code]
    return await places.stand(session.services.store, stored, programme, own)


async def _set_consent(session: Session, given: SetConsentInput) -> SetConsentPayload:
    customer = await _customer(session, given.customer_no)
    recorded_by = f"{session.viewer.role} {session.viewer.subject}"
    said = records.Consent(given.purpose, _granted(given), given.channel, recorded_by=recorded_by)
    request = request_of(session, "setConsent", given)
    with recording():
        stored = await consents.set_consent(
            session.services.store, customer.customer_no, said, request, given.expected_version
        )
    _changed(session, customer.customer_no)
    return SetConsentPayload(consent=Consent.of(stored, stored.at or session.now), customer_no=customer.customer_no)


def _granted(given: SetConsentInput) -> bool:
    """The one answer that was given, under its name of today or of before."""
    answers = {given.granted, given.marketing} - {None}
    if len(answers) != 1:
        raise Wrong("granted", UserErrorCode.BAD_INPUT, "Say whether he consents: granted, and nothing else beside.")
    return answers.pop() is True


async def _customer(session: Session, customer_no: str, field: str = "customerNo") -> records.Customer:
    found = await session.profile(customer_no)
    if found is None:
        raise Wrong(field, UserErrorCode.NOT_FOUND, f"There is no customer {customer_no!r}.")
    return found


def _changed(session: Session, customer_no: str) -> None:
    """Tell those who listen, and read the customer anew if he is asked for."""
    session.services.changes.publish(customer_no)
    session.forget(customer_no)


def _moment(session: Session, at: datetime | None) -> datetime:
    if at is None:
        return session.now
    if at.tzinfo is None:
        raise Wrong("at", UserErrorCode.BAD_INPUT, "Say the time zone, as in 2026-01-31T09:00:00Z.")
    if at.year < FIRST_YEAR:
        raise Wrong("at", UserErrorCode.BAD_INPUT, f"It cannot have happened before {FIRST_YEAR}.")
    if at > session.now:
        raise Wrong("at", UserErrorCode.BAD_INPUT, "It cannot have happened in the future.")
    return at
