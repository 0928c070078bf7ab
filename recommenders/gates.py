"""Every rule that can refuse an offer, in the order in which the first refusal is named.

Each gate decides for a whole batch and explains one pair. Where the bank does not know what a protecting rule asks
for, the gate refuses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

import numpy as np

from graph.records import Interaction, Outcome, Product
from graph.words import CreditTier, CustomerKind, Language, OutcomeKind, Purpose
from recommenders.batch import Batch
from recommenders.contract import Gate, GateGroup, Mask, Refusal, Text
from recommenders.view import CustomerView, SharedLimit
from recommenders.wording import programme_name

COOL_DOWN_DAYS: Final = 90
COMPLAINT_DAYS: Final = 60
ACCEPTED_DAYS: Final = 30
MOST_IMPRESSIONS: Final = 3
IMPRESSION_DAYS: Final = 7
REFUSED_TIERS: Final = (CreditTier.RESTRICTED, CreditTier.ELIMINATED)


def say(en: str, zh: str) -> Text:
    """Return a text in both languages."""
    return {Language.EN: en, Language.ZH: zh}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a gate saw and says of one refused pair."""

    text: Text
    saw: str
    unlock: Text | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A gate made of two functions: one refuses for a batch, one explains a refused pair.

    The bank's own see whole records, confined data too; a plugin's does not, as the plugin host wraps it.
    """

    gate: GateGroup
    code: str
    refusing: Callable[[Batch], Mask]
    explaining: Callable[[CustomerView, Product], Explanation]

    def refuses(self, batch: Batch) -> Mask:
        """``(n, m)``: true where refused."""
        if 0 in batch.shape:
            return np.zeros(batch.shape, np.bool_)
        return np.broadcast_to(self.refusing(batch), batch.shape)

    def explain(self, customer: CustomerView, product: Product) -> Refusal:
        """Say why the pair is refused."""
        found = self.explaining(customer, product)
        return Refusal(self.gate, self.code, found.text, found.saw, found.unlock)


def sees_whole(gate: Gate) -> bool:
    """Whether a gate is the bank's own, and sees data that may not serve the product: it can only refuse."""
    return isinstance(gate, Rule)


def _audience(batch: Batch) -> Mask:
    kinds = np.array([[kind in product.audience for kind in CustomerKind] for product in batch.catalogue])
    kinds[[not product.audience for product in batch.catalogue]] = True
    order = {kind: position for position, kind in enumerate(CustomerKind)}
    return ~kinds.T[[order[customer.kind] for customer in batch.customers]]


def _explain_audience(customer: CustomerView, product: Product) -> Explanation:
    audience = ", ".join(product.audience)
    return Explanation(say(f"It is for {audience} customers.", f"仅面向：{audience}。"), customer.kind)


def _off_sale(batch: Batch) -> Mask:
    return np.array([not product.is_sold_on(batch.context.today) for product in batch.catalogue])[None, :]


def _explain_off_sale(customer: CustomerView, product: Product) -> Explanation:
    days = f"{product.active_from or '…'} – {product.active_until or '…'}"
    return Explanation(say(f"It is sold only in {days}.", f"销售期为{days}。"), str(customer.today))


def _age(batch: Batch) -> Mask:
    ages = batch.ages[:, None]
    least = batch.per_product(lambda product: np.nan if product.min_age is None else product.min_age)
    most = batch.per_product(lambda product: np.nan if product.max_age is None else product.max_age)
    unknown = np.isnan(ages) & ~(np.isnan(least) & np.isnan(most))
    return ((ages < least) | (ages > most) | unknown) & batch.are_persons[:, None]


def _explain_age(customer: CustomerView, product: Product) -> Explanation:
    ages = f"{product.min_age or 0}–{product.max_age or '…'}"
    if customer.age is None:
        return Explanation(
            say(f"It is for ages {ages}, and the birth date is unknown.", f"适用年龄{ages}，出生日期未知。"),
            "unknown",
            say("a birth date", "登记出生日期"),
        )
    return Explanation(say(f"It is for ages {ages}.", f"适用年龄{ages}。"), str(customer.age))


def _region(batch: Batch) -> Mask:
    regions = [customer.region for customer in batch.customers]
    asked = [product.attributes.get("region") for product in batch.catalogue]
    return np.array([[want is not None and want != have for want in asked] for have in regions])


def _explain_region(customer: CustomerView, product: Product) -> Explanation:
    region = product.attributes["region"]
    return Explanation(say(f"It is offered in {region} only.", f"仅在{region}提供。"), customer.region or "unknown")


def _membership(batch: Batch) -> Mask:
    refused = np.zeros(batch.shape, np.bool_)
    for column, product in enumerate(batch.catalogue):
        code = product.programme_code
        if code is not None:
            refused[:, column] = [not customer.member_of(code) for customer in batch.customers]
    return refused


def _explain_membership(customer: CustomerView, product: Product) -> Explanation:
    (name, name_zh), today = programme_name(product), customer.today
    if product.programme_ends_on is not None and product.programme_ends_on < today:
        ended = product.programme_ends_on
        return Explanation(
            say(f"The programme {name} ended on {ended}.", f"项目{name_zh}已于{ended}结束。"), str(today)
        )
    if product.programme_starts_on is not None and product.programme_starts_on > today:
        first = product.programme_starts_on
        return Explanation(
            say(f"The programme {name} begins on {first}.", f"项目{name_zh}将于{first}开始。"),
            str(today),
            say(f"from {first} on", f"{first}起"),
        )
    seen = ", ".join(m.programme_code for m in customer.memberships if m.programme_kind == product.programme_kind)
    return Explanation(
        say(f"It is for members of the programme {name}.", f"仅限项目{name_zh}的成员。"),
        seen or "no such membership",
        say(f"a membership of {name}", f"加入项目{name_zh}"),
    )


def _held(batch: Batch) -> Mask:
    return batch.held


def _explain_held(_: CustomerView, product: Product) -> Explanation:
    return Explanation(say("It is already held.", "已经持有。"), product.product_code)


def _prerequisite(batch: Batch) -> Mask:
    refused = np.zeros(batch.shape, np.bool_)
    index = batch.catalogue.index
    for column, product in enumerate(batch.catalogue):
        for code in product.requires:
            refused[:, column] |= ~batch.held[:, index[code]] if code in index else True
    return refused


def _explain_prerequisite(customer: CustomerView, product: Product) -> Explanation:
    lacking = ", ".join(code for code in product.requires if not customer.holds(code))
    return Explanation(
        say(f"It needs {lacking} first.", f"需要先持有{lacking}。"),
        ", ".join(holding.product_code for holding in customer.holdings) or "nothing held",
        say(lacking, lacking),
    )


def _risk(batch: Batch) -> Mask:
    profile = batch.per_customer(lambda c: 1 if c.risk_profile is None else int(c.risk_profile[1]))
    rating = batch.per_product(lambda p: 0 if p.risk_rating is None else int(p.risk_rating[1]))
    return rating[None, :] > profile[:, None]


def _explain_risk(customer: CustomerView, product: Product) -> Explanation:
    need = f"C{product.risk_rating[1]}" if product.risk_rating else ""
    return Explanation(
        say(f"Its risk {product.risk_rating} needs a risk profile of {need} or higher.",
            f"风险等级{product.risk_rating}，需要风险承受能力{need}或以上。"),
        customer.risk_profile or "unknown",
        say(f"risk profile {need} or higher", f"风险承受能力{need}或以上"),
    )  # fmt: skip


def _is_credit(batch: Batch) -> Mask:
    return np.array([product.credit for product in batch.catalogue])[None, :]


def _credit_tier(batch: Batch) -> Mask:
    refused = np.array(
        [
            customer.credit_tier in REFUSED_TIERS
            or (customer.kind != CustomerKind.PERSON and customer.credit_tier is None)
            for customer in batch.customers
        ]
    )
    return refused[:, None] & _is_credit(batch)


def _explain_credit_tier(customer: CustomerView, _: Product) -> Explanation:
    return Explanation(
        say("The bank does not lend at this credit tier.", "该信用等级不予授信。"),
        customer.credit_tier or "unknown",
        say("credit tier general or better", "信用等级达到一般及以上"),
    )


def _exposure(customer: CustomerView, credit: frozenset[str]) -> float:
    return sum(abs(h.balance or 0.0) for h in customer.holdings if h.product_code in credit)


def _credit_limit(batch: Batch) -> Mask:
    credit = frozenset(product.product_code for product in batch.catalogue if product.credit)
    return (batch.per_customer(lambda customer: _free(customer, credit)) <= 0)[:, None] & _is_credit(batch)


def _free(customer: CustomerView, credit: frozenset[str]) -> float:
    """What may still be lent, by the least of a family member's limits, or else his own; below 0 where one is unknown.

    A family's limit is its principal's, less what all of the family owe.
    """
    limits = [(shared.limit, shared.owed_by_others) for shared in customer.shared_limits]
    own = _exposure(customer, credit)
    return min(
        -1.0 if limit is None else limit - owed - own for limit, owed in limits or [(customer.credit_limit, 0.0)]
    )


def _explain_credit_limit(customer: CustomerView, _: Product) -> Explanation:
    if customer.shared_limits:
        return _explain_shared_limit(customer.shared_limits)
    if customer.credit_limit is None:
        return Explanation(
            say("No credit limit is known.", "尚无授信额度。"),
            "unknown",
            say("an assessed credit limit", "完成授信评估"),
        )
    return Explanation(
        say("The credit limit is used up.", "授信额度已用完。"),
        f"{customer.credit_limit:.2f}",
        say("a repayment, or a higher credit limit", "还款或提高授信额度"),
    )


def _explain_shared_limit(limits: Sequence[SharedLimit]) -> Explanation:
    """Name the limit, and no figure: it may be of a member whom the reader may not see."""
    unknown = [shared for shared in limits if shared.limit is None]
    codes = ", ".join(dict.fromkeys(shared.programme_code for shared in unknown or limits))
    if unknown:
        return Explanation(
            say("No credit limit that the family shares is known.", "尚无家庭共享的授信额度。"),
            f"unknown limit of {codes}",
            say("an assessed credit limit of the family's principal", "家庭主卡人完成授信评估"),
        )
    return Explanation(
        say("The credit limit that the family shares is used up.", "家庭共享的授信额度已用完。"),
        f"shared limit of {codes}",
        say("a repayment by the family, or a higher limit of its principal", "家庭成员还款，或提高主卡人的授信额度"),
    )


def _consent(batch: Batch) -> Mask:
    channel = batch.context.channel
    return np.array([not c.consents_to(Purpose.MARKETING, channel) for c in batch.customers], np.bool_)[:, None]


def _explain_consent(customer: CustomerView, _: Product) -> Explanation:
    en, zh = _on(customer.channel)
    return Explanation(
        say(f"There is no consent to marketing{en}.", f"未同意{zh}接收营销信息。"),
        "unknown" if customer.marketing_consent is None else "no",
        say(f"consent to marketing{en}", f"同意{zh}接收营销信息"),
    )


def _partner_consent(batch: Batch) -> Mask:
    """Who never spoke of partners is left to the gate before."""
    are_partners = np.array([product.partner_code is not None for product in batch.catalogue], np.bool_)
    channel = batch.context.channel
    refusing = [customer.said_of(Purpose.PARTNERS, channel) is False for customer in batch.customers]
    return np.array(refusing, np.bool_)[:, None] & are_partners


def _explain_partner_consent(customer: CustomerView, _: Product) -> Explanation:
    en, zh = _on(customer.channel)
    return Explanation(
        say(f"There is no consent to partners' offers{en}.", f"未同意{zh}接收合作方优惠信息。"),
        "no",
        say(f"consent to partners' offers{en}", f"同意{zh}接收合作方优惠信息"),
    )


def _on(channel: str | None) -> tuple[str, str]:
    return ("", "") if channel is None else (f" on the channel {channel}", f"通过{channel}渠道")


def _complaint(batch: Batch) -> Mask:
    return np.array([open_complaint(customer) is not None for customer in batch.customers])[:, None]


def open_complaint(customer: CustomerView) -> datetime | None:
    """When the last complaint, of an offer too, was made: open for 60 days, or until ``complaint_resolved`` follows."""
    last = None
    happened: list[Interaction | Outcome] = [*customer.interactions, *customer.outcomes]
    for at, kind in sorted((event.at, event.kind) for event in happened):
        if kind == "complaint" and _days_ago(at, customer) < COMPLAINT_DAYS:
            last = at
        elif kind == "complaint_resolved":
            last = None
    return last


def _explain_complaint(customer: CustomerView, _: Product) -> Explanation:
    return Explanation(
        say("A complaint is open, and nothing is sold meanwhile.", "有未结投诉，暂停营销。"),
        f"complaint of {open_complaint(customer):%Y-%m-%d}",
        say("the complaint resolved", "投诉处理完成"),
    )


def _accepted(batch: Batch) -> Mask:
    return _by_outcome(batch, lambda customer, code: _acceptance(customer, code) is not None)


def _acceptance(customer: CustomerView, product_code: str) -> datetime | None:
    """When the product was last accepted, in the last 30 days, unless a holding has come of it."""
    accepted = max(_moments(customer, product_code, OutcomeKind.ACCEPT, ACCEPTED_DAYS), default=None)
    if accepted is None or customer.holds(product_code):
        return None
    opened = [holding.opened_on for holding in customer.ever if holding.product_code == product_code]
    return None if any(day is None or day >= accepted.date() for day in opened) else accepted


def _explain_accepted(customer: CustomerView, product: Product) -> Explanation:
    return Explanation(
        say(f"It was accepted in the last {ACCEPTED_DAYS} days and is on its way.",
            f"客户{ACCEPTED_DAYS}天内已接受，正在办理。"),
        f"accepted on {_acceptance(customer, product.product_code):%Y-%m-%d}",
    )  # fmt: skip


def _dismissed(batch: Batch) -> Mask:
    return _by_outcome(batch, lambda customer, code: bool(_dismissals(customer, code)))


def _dismissals(customer: CustomerView, product_code: str) -> list[datetime]:
    return _moments(customer, product_code, OutcomeKind.DISMISS, COOL_DOWN_DAYS)


def _explain_dismissed(customer: CustomerView, product: Product) -> Explanation:
    day = max(_dismissals(customer, product.product_code))
    return Explanation(
        say(f"It was dismissed in the last {COOL_DOWN_DAYS} days.", f"{COOL_DOWN_DAYS}天内曾被客户拒绝。"),
        f"dismissed on {day:%Y-%m-%d}",
    )


def _shown_enough(batch: Batch) -> Mask:
    return _by_outcome(batch, lambda customer, code: _impressions(customer, code) >= MOST_IMPRESSIONS)


def _impressions(customer: CustomerView, product_code: str) -> int:
    """How often the product was shown on the channel of the request in the last 7 days."""
    return len(_moments(customer, product_code, OutcomeKind.IMPRESSION, IMPRESSION_DAYS, customer.channel))


def _explain_shown_enough(customer: CustomerView, product: Product) -> Explanation:
    return Explanation(
        say(f"It was shown {MOST_IMPRESSIONS} times in {IMPRESSION_DAYS} days on this channel.",
            f"该渠道{IMPRESSION_DAYS}天内已展示{MOST_IMPRESSIONS}次。"),
        f"{_impressions(customer, product.product_code)} impressions on {customer.channel}",
    )  # fmt: skip


def _moments(
    customer: CustomerView, product_code: str, kind: OutcomeKind, days: int, channel: str | None = None
) -> list[datetime]:
    """When an offer of the product had an outcome of a kind, in the last days, on a channel or on any."""
    return [
        outcome.at
        for outcome in customer.outcomes
        if (outcome.product_code, outcome.kind) == (product_code, kind)
        and channel in (None, outcome.channel)
        and _days_ago(outcome.at, customer) < days
    ]


def _by_outcome(batch: Batch, refuses: Callable[[CustomerView, str], bool]) -> Mask:
    refused = np.zeros(batch.shape, np.bool_)
    for row, customer in enumerate(batch.customers):
        for code in {outcome.product_code for outcome in customer.outcomes}:
            column = batch.catalogue.index.get(code)
            if column is not None:
                refused[row, column] = refuses(customer, code)
    return refused


def _days_ago(moment: datetime, customer: CustomerView) -> float:
    return (datetime.combine(customer.today, time.max, UTC) - moment).total_seconds() / 86_400


DEFAULT_GATES: Final[tuple[Gate, ...]] = (
    Rule("eligibility", "HELD", _held, _explain_held),
    Rule("eligibility", "AUDIENCE", _audience, _explain_audience),
    Rule("eligibility", "NOT_ON_SALE", _off_sale, _explain_off_sale),
    Rule("eligibility", "AGE", _age, _explain_age),
    Rule("eligibility", "REGION", _region, _explain_region),
    Rule("eligibility", "NOT_A_MEMBER", _membership, _explain_membership),
    Rule("eligibility", "PREREQUISITE", _prerequisite, _explain_prerequisite),
    Rule("suitability", "RISK_TOO_HIGH", _risk, _explain_risk),
    Rule("credit", "CREDIT_TIER", _credit_tier, _explain_credit_tier),
    Rule("credit", "CREDIT_LIMIT", _credit_limit, _explain_credit_limit),
    Rule("consent", "NO_CONSENT", _consent, _explain_consent),
    Rule("consent", "NO_PARTNER_CONSENT", _partner_consent, _explain_partner_consent),
    Rule("contact", "OPEN_COMPLAINT", _complaint, _explain_complaint),
    Rule("contact", "ACCEPTED", _accepted, _explain_accepted),
    Rule("contact", "DISMISSED", _dismissed, _explain_dismissed),
    Rule("contact", "SHOWN_ENOUGH", _shown_enough, _explain_shown_enough),
)
