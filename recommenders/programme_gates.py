"""Gates by which every programme keeps to its contract with the partner, whatever plugin the programme is of."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from graph.records import Product
from graph.rivals import excludes
from graph.terms import Contract, day_after
from graph.words import OutcomeKind
from recommenders.batch import Batch
from recommenders.contract import Gate, Mask
from recommenders.gates import Explanation, Rule, say
from recommenders.view import CustomerView
from recommenders.wording import programme_name

OFFERED_DAYS: Final = 30
"""How long an offer that was shown, and not dismissed, keeps competitors' away."""


def _by_contract(refuses: Callable[[Batch, Contract], bool]) -> Callable[[Batch], Mask]:
    """Refuse the product to everybody where its contract says so."""

    def refusing(batch: Batch) -> Mask:
        refused = np.zeros((1, len(batch.catalogue)), np.bool_)
        for column, contract in batch.catalogue.contracts.items():
            refused[0, column] = refuses(batch, contract)
        return refused

    return refusing


def _contract(product: Product) -> Contract:
    assert product.contract is not None  # noqa: S101 - only these products are refused
    return product.contract


def _explain_spent(_: CustomerView, product: Product) -> Explanation:
    terms = _contract(product).terms
    name, name_zh = programme_name(product)
    return Explanation(
        say(f"The budget of the programme {name} is spent.", f"项目{name_zh}的预算已用完。"),
        f"a budget of {terms.budget:.2f}, at {terms.cost:.2f} each",
    )


def _explain_full(_: CustomerView, product: Product) -> Explanation:
    name, name_zh = programme_name(product)
    return Explanation(
        say(f"The programme {name} has given all of its places.", f"项目{name_zh}的名额已满。"),
        f"a quota of {_contract(product).terms.quota}",
    )


def _explain_blackout(customer: CustomerView, product: Product) -> Explanation:
    period = _contract(product).terms.blackout_on(customer.today) or (customer.today, customer.today)
    again = day_after(period)
    name, name_zh = programme_name(product)
    return Explanation(
        say(f"The programme {name} pauses until {period[1]}.", f"项目{name_zh}暂停至{period[1]}。"),
        str(customer.today),
        say(f"from {again} on", f"{again}起"),
    )


def _region(batch: Batch) -> Mask:
    refused = np.zeros(batch.shape, np.bool_)
    for column, contract in batch.catalogue.contracts.items():
        refused[:, column] = [not _is_in(customer, contract) for customer in batch.customers]
    return refused


def _is_in(customer: CustomerView, contract: Contract) -> bool:
    return not contract.terms.regions or customer.region in contract.terms.regions


def _explain_region(customer: CustomerView, product: Product) -> Explanation:
    regions = _contract(product).terms.regions
    name, name_zh = programme_name(product)
    return Explanation(
        say(f"The programme {name} is for {', '.join(regions)} only.", f"项目{name_zh}仅限{'、'.join(regions)}。"),
        customer.region or "unknown",
    )


def _exclusive(batch: Batch) -> Mask:
    refused = np.zeros(batch.shape, np.bool_)
    for column, product in enumerate(batch.catalogue):
        rivals = [batch.catalogue[code] for code in product.rivals if code in batch.catalogue]
        if rivals:
            refused[:, column] = [_stands_beside(customer, product, rivals) for customer in batch.customers]
    return refused


def _stands_beside(customer: CustomerView, product: Product, rivals: Sequence[Product]) -> bool:
    """Whether one of the competitors' products comes before this one.

    It is held; or was offered first; or neither was, and its programme, which has the right, is the customer's.
    """
    mine = _offered(customer, product)
    for rival in rivals:
        others = _offered(customer, rival)
        if customer.holds(rival.product_code) or (others and (not mine or others < mine)):
            return True
        if not mine and _goes_before(customer, rival, product):
            return True
    return False


def _offered(customer: CustomerView, product: Product) -> str:
    """When it was first shown of late, as a text that sorts; empty where it was not, or was dismissed since."""
    since = customer.today - timedelta(OFFERED_DAYS)
    own = [o for o in customer.outcomes if o.product_code == product.product_code and o.at.date() > since]
    shown = [o.at for o in own if o.kind is not OutcomeKind.DISMISS]
    dismissed = [o.at for o in own if o.kind is OutcomeKind.DISMISS]
    shown = [at for at in shown if not dismissed or at > max(dismissed)]
    return f"{min(shown).isoformat()} {product.product_code}" if shown else ""


def _goes_before(customer: CustomerView, rival: Product, product: Product) -> bool:
    """Whether the rival is to be offered rather: by its own contract, or by its code where both exclude each other."""
    if not excludes(rival, product) or not customer.member_of(rival.programme_code or ""):
        return False
    if any(customer.holds(code) for code in rival.rivals):
        return False
    contract = _contract(rival)
    is_open = not (contract.is_spent or contract.is_full or contract.terms.blackout_on(customer.today))
    if not is_open or not _is_in(customer, contract):
        return False
    return not excludes(product, rival) or rival.product_code < product.product_code


def _explain_exclusive(customer: CustomerView, product: Product) -> Explanation:
    """Name what is held; a competitor whose card was only offered, or is to be, is not named."""
    text = say("It may not stand beside a competitor's product.", "不得与竞争方产品并存。")
    held = next((code for code in product.rivals if customer.holds(code)), None)
    if held is None:
        return Explanation(text, "a competitor's offer")
    return Explanation(text, held, say(f"{held} closed", f"注销{held}"))


PROGRAMME_GATES: Final[tuple[Gate, ...]] = (
    Rule("eligibility", "PROGRAMME_BUDGET_SPENT", _by_contract(lambda _, own: own.is_spent), _explain_spent),
    Rule("eligibility", "PROGRAMME_QUOTA_REACHED", _by_contract(lambda _, own: own.is_full), _explain_full),
    Rule("eligibility", "PROGRAMME_REGION", _region, _explain_region),
    Rule("eligibility", "PROGRAMME_EXCLUSIVE", _exclusive, _explain_exclusive),
    Rule(
        "eligibility",
        "PROGRAMME_BLACKOUT",
        _by_contract(lambda batch, own: own.terms.blackout_on(batch.context.today) is not None),
        _explain_blackout,
    ),
)
