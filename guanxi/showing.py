"""Finds what a demonstration has most to show."""

from typing import Final

from api.roles import Role
from graph import customers, programmes
from guanxi.days import day
from guanxi.deciding import open_engine
from guanxi.opening import open_store
from guanxi.settings import Settings
from recommenders.contract import Answer, Context

LOOKED_AT: Final = 500


async def keys_to_show(settings: Settings) -> dict[Role, str]:
    """Return the roles that have something to see, each with the number or code that it is about.

    The customer is the one, of the first few, whose screen has most to show; the manager is his.
    """
    async with open_store(settings) as store:
        numbers = await anext(customers.pages(store, LOOKED_AT))
        records = {customer.customer_no: customer for customer in await customers.load(store, numbers)}
        engine = await open_engine(store, settings)
        answers = engine.answer(list(records.values()), Context(today=day(None)))
        partners = [p.partner.partner_code for p in await programmes.programmes(store) if p.partner]
    customer = records[max(answers, key=_richness).customer_no]
    found = {
        Role.CUSTOMER: customer.customer_no,
        Role.RELATIONSHIP_MANAGER: customer.manager_no,
        Role.MARKETING: "",
        Role.PARTNER: next(iter(partners), None),
        Role.ADMIN: "",
    }
    return {role: key for role, key in found.items() if key is not None}


def _richness(answer: Answer) -> tuple[int, int, float]:
    return len(answer.bundles), len(answer.offers), sum(len(offer.reasons) for offer in answer.offers)
