"""The four operations that are measured, and who asks them about whom in a sample bank.

offers    a phone's: the owner's three offers, with their ids, names and reasons
customer  a manager's view of one of his customers: all that the graph has of him
page      a page of 50 customers, with the accounts, cards and holdings of each
mutation  a manager records a call
"""

import itertools
import re
from dataclasses import dataclass

from clients import request

from api.roles import Role
from api.types.ordering import written
from api.types.relay import cursor
from graph import browsing
from graph import customers as customers_of
from graph.ordering import NUMBER
from graph.store import Store

PAGE = 50
OFFERS = "{ customer { offers { id product { name } reasons } } }"
CUSTOMER = """{
  id customerNo name kind birthDate region joinedOn language creditTier riskProfile lifecycleStage valueTier
  marketingConsent consentVersion
  holdings { nodes { openedOn closedOn balance product { name category } } }
  accounts { nodes { accountNo currency balance openedOn product { name } } }
  cards { nodes { cardNo status issuedOn expiresOn product { name } } }
  memberships { nodes { role since programme { name kind } } }
  relations { nodes { kind since customer { customerNo name } } }
  interactions(last: 10) { edges { cursor node { interactionId at channel kind note } } pageInfo { hasPreviousPage } }
  activity { month inflow outflow salary transactions closingBalance }
}"""
CUSTOMERS = """{
  edges {
    cursor
    node {
      customerNo name kind region
      accounts { nodes { accountNo balance } } cards { nodes { cardNo status } } holdings { nodes { product { name } } }
    }
  }
  pageInfo { hasNextPage endCursor }
}"""
RECORDED = "{ interaction { interactionId at kind channel } errors { code message } }"


@dataclass(frozen=True)
class Operation:
    """A field of a root, and what is selected of it."""

    root: str
    selection: str
    variables: str = ""
    arguments: str = ""
    kind: str = "query"

    @property
    def document(self):
        return f"{self.kind} Measured{self.variables} {{ {self.root}{self.arguments} {self.selection} }}"

    @property
    def bare_document(self):
        """The same, of a server that knows the answers by number, and takes no other arguments."""
        selection = re.sub(r"\([^)]*\)", "", self.selection)
        return f"{self.kind} Measured($number: Int!) {{ {self.root}(number: $number) {selection} }}"


OPERATIONS = {
    "offers": Operation("viewer", OFFERS),
    "customer": Operation("customer", CUSTOMER, "($no: String!)", "(customerNo: $no)"),
    "page": Operation("customers", CUSTOMERS, "($after: String)", f"(first: {PAGE}, after: $after)"),
    "mutation": Operation(
        "recordInteraction",
        RECORDED,
        "($no: String!)",
        '(input: {customerNo: $no, channel: PHONE, kind: "call", note: "asked about his statement"})',
        "mutation",
    ),
}


@dataclass(frozen=True)
class Question:
    """What one user asks."""

    token: str
    variables: dict[str, str]


async def questions(bank, most):
    """Return each operation's questions, ``most`` of each at most, spread over the bank."""
    async with Store(*bank.login) as store:
        numbers = [number async for page in customers_of.pages(store, 1_000) for number in page]
        some = numbers[:: max(1, len(numbers) // most)][:most]
        found = await browsing.profiles(store, some)
    phones = [Question(bank.rules.issue(Role.CUSTOMER, number), {}) for number in some]
    served = [customer for customer in found if customer.manager_no]
    managers = [
        Question(bank.rules.issue(Role.RELATIONSHIP_MANAGER, customer.manager_no, f"staff {number}"),
                 {"no": customer.customer_no})
        for number, customer in enumerate(served)
    ]  # fmt: skip
    starts = numbers[:-PAGE:PAGE][:most]
    pages = [
        Question(
            bank.rules.issue(Role.ADMIN, subject=f"analyst {number}"), {"after": cursor(written([NUMBER], (start,)))}
        )
        for number, start in enumerate(starts)
    ]
    return {"offers": phones, "customer": managers, "page": pages, "mutation": managers}


def requests(asked):
    """Return each operation's requests, over and over."""
    return {
        name: itertools.cycle(
            [request(OPERATIONS[name].document, question.variables, question.token) for question in own]
        )
        for name, own in asked.items()
    }


def mix(asked, weights=None):
    """Return the operations' requests in turn, over and over, of each as many at a time as its weight says."""
    of = requests(asked)
    while True:
        for name, weight in (weights or dict.fromkeys(of, 1)).items():
            yield from itertools.islice(of[name], weight)
