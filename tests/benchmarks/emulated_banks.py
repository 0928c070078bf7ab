"""Three banks with a hidden next period, drawn from latent tastes: what a ranker is measured on, where no real bank is.

retail    monthly snapshots of 24 products: tastes, holdings that draw others, products dropped and taken again, seasons
insurer   16 dated products, most customers new: taste, region, employment, and contacts before an opening
undated   21 products without dates: taste, occupation, branch, and products that belong together; one of each is hidden
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from dateutil.relativedelta import relativedelta

from graph.records import Customer, Holding, Interaction, Product
from graph.words import Channel, CustomerKind
from recommenders.catalogue import Catalogue
from recommenders.portfolio import Ledger


@dataclass(frozen=True)
class Bank:
    """Customers as known on ``as_of``, and what each opened after it, or what is hidden of him."""

    name: str
    as_of: date
    catalogue: Catalogue
    customers: dict[str, Customer]
    truth: dict[str, set[str]]

    def ledger(self):
        ledger = Ledger(self.catalogue)
        for customer in self.customers.values():
            ledger.add({
                "customer_no": customer.customer_no, "kind": customer.kind, "joined_on": customer.joined_on,
                "holdings": [(held.product_code, held.opened_on, held.closed_on) for held in customer.holdings],
                "memberships": [], "relations": [],
            })  # fmt: skip
        return ledger

    async def load(self, numbers):
        return [self.customers[number] for number in numbers]


def catalogue(width):
    return Catalogue([Product(f"P{number:02}", f"Product {number}", "deposit") for number in range(width)])


def person(number, age, **known):
    born = date(2020, 1, 1) - timedelta(days=int(age * 365.25))
    return Customer(f"C{number:06}", CustomerKind.PERSON, birth_date=born, marketing_consent=True, **known)


def drawn(dice, utilities, held):
    """One product by a logit over what is not held."""
    weights = np.where(held, 0, np.exp(utilities - utilities.max()))
    return int(dice.choice(len(weights), p=weights / weights.sum()))


def retail(customers=8_000, width=24, months=6, seed=0):
    dice = np.random.default_rng(seed)
    taste = dice.choice(7, customers, p=dice.dirichlet(np.ones(7) * 3))
    age = np.clip(dice.normal(25 + 6 * taste, 9), 2, 90)
    region = dice.choice(52, customers, p=dice.dirichlet(np.ones(52)))
    utilities = dice.normal(-3.2, 1.4, width) + dice.normal(0, 1.1, (7, width))[taste]
    utilities += dice.normal(0, 0.5, (8, width))[np.minimum(age // 12, 7).astype(int)]
    draws = dice.normal(0, 0.5, (width, width)) * (dice.random((width, width)) < 0.25)
    season = dice.normal(0, 0.15, (months, width))
    held = dice.random((customers, width)) < 1 / (1 + np.exp(-utilities))
    opened, closed = np.where(held, 0, -1), np.full((customers, width), -99)
    leaving = dice.uniform(0.005, 0.06, width)
    coming = np.exp(dice.normal(-4.7, 0.7, width))
    days = [date(2020, 1, 28) + relativedelta(months=month) for month in range(months)]
    spans = [[] for _ in range(customers)]
    for month in range(1, months):
        rates = coming * np.exp(0.75 * (utilities + held @ draws - utilities.mean(axis=0)) + season[month])
        rates = np.where((month - closed) <= 3, np.maximum(rates, 0.15), rates)
        opening = (dice.random(rates.shape) < np.minimum(rates, 0.9)) & ~held
        leaves = (dice.random(rates.shape) < leaving) & held
        if month < months - 1:
            for row, column in zip(*np.nonzero(leaves), strict=True):
                spans[row].append(Holding(f"P{column:02}", days[opened[row, column]], days[month]))
            held, closed = (held | opening) & ~leaves, np.where(leaves, month, closed)
            opened = np.where(opening, month, opened)
    for row, column in zip(*np.nonzero(held), strict=True):
        spans[row].append(Holding(f"P{column:02}", days[opened[row, column]]))
    people = [person(row, age[row], region=f"R{region[row]}", holdings=tuple(spans[row]),
                     attributes={"active": bool(taste[row] % 3 == 0 or dice.random() < 0.4)}) for row in range(customers)]  # fmt: skip
    truth = {people[row].customer_no: {f"P{c:02}" for c in np.flatnonzero(opening[row])}
             for row in np.flatnonzero(opening.any(axis=1))}  # fmt: skip
    return Bank("retail", days[-2], catalogue(width), {p.customer_no: p for p in people}, truth)


def insurer(customers=12_000, width=16, days=1_000, hidden=60, seed=1):
    dice = np.random.default_rng(seed)
    start, taste = date(2018, 1, 1), dice.choice(6, customers)
    age = np.clip(dice.normal(28 + 7 * taste, 11), 18, 90)
    region, work = dice.choice(30, customers), dice.choice(8, customers)
    utilities = (
        dice.normal(0, 1.3, width) + dice.normal(0, 0.55, (6, width))[taste] + dice.normal(0, 0.3, (8, width))[work]
    )
    utilities += dice.normal(0, 0.4, (8, width))[np.minimum(age // 12, 7).astype(int)]
    draws = dice.normal(0, 0.7, (width, width)) * (dice.random((width, width)) < 0.3)
    people, truth = [], {}
    for row in range(customers):
        held, day, holdings, contacts = np.zeros(width, bool), int(dice.integers(days)), [], []
        while day < days:
            column = drawn(dice, utilities[row] + held @ draws, held)
            for number in range(int(dice.integers(0, 4))):
                about = column if dice.random() < 0.6 else int(dice.integers(width))
                then = start + timedelta(days=day - int(dice.integers(1, 20)))
                contacts.append(Interaction(f"I{row}-{day}-{number}", Channel.WEB, str(dice.choice(["click", "enquiry"])),
                                            datetime.combine(then, time(10), UTC), f"P{about:02}"))  # fmt: skip
            if day < days - hidden:
                holdings.append(Holding(f"P{column:02}", start + timedelta(days=day)))
            else:
                truth.setdefault(f"C{row:06}", set()).add(f"P{column:02}")
            held[column] = True
            if held.sum() > 4 or dice.random() > 0.3:
                break
            day += int(dice.exponential(300)) + 1
        people.append(person(row, age[row], region=f"R{region[row]}", holdings=tuple(holdings),
                             interactions=tuple(contacts), attributes={"work": f"W{work[row]}"}))  # fmt: skip
    as_of = start + timedelta(days=days - hidden - 1)
    known = [replace(p, interactions=tuple(i for i in p.interactions if i.at.date() <= as_of)) for p in people]
    return Bank("insurer", as_of, catalogue(width), {p.customer_no: p for p in known}, truth)


def undated(customers=8_000, width=21, seed=2):
    dice = np.random.default_rng(seed)
    taste = dice.choice(9, customers, p=dice.dirichlet(np.ones(9) * 2))
    age, branch = np.clip(dice.normal(25 + 5 * taste, 10), 18, 90), dice.choice(15, customers)
    occupation = np.where(dice.random(customers) < 0.5, (taste * 13 + dice.integers(0, 8, customers)) % 100, dice.integers(0, 100, customers))  # fmt: skip
    of_occupation = dice.normal(0, 0.8, (100, width)) * (dice.random((100, width)) < 0.3)
    utilities = dice.normal(0, 1.6, width) + dice.normal(0, 1.6, (9, width))[taste] + of_occupation[occupation]
    utilities += dice.normal(0, 0.6, (15, width))[branch]
    draws = dice.normal(0, 1.3, (width, width)) * (dice.random((width, width)) < 0.3)
    people, truth = [], {}
    for row in range(customers):
        held = np.zeros(width, bool)
        for _ in range(min(8, 1 + int(dice.geometric(0.6)))):
            held[drawn(dice, utilities[row] + held @ draws, held)] = True
        codes = [f"P{column:02}" for column in np.flatnonzero(held)]
        hidden = codes.pop(int(dice.integers(len(codes))))
        truth[f"C{row:06}"] = {hidden}
        people.append(person(row, age[row], occupation=f"O{occupation[row]}", branch_code=f"B{branch[row]}",
                             holdings=tuple(Holding(code) for code in codes)))  # fmt: skip
    return Bank("undated", date(2020, 7, 1), catalogue(width), {p.customer_no: p for p in people}, truth)


BANKS = (retail, insurer, undated)
