"""A village of the sample bank: firms, households and their money, told as a story with chance in it.

One village is up to a thousand customers who know only each other, so that a bank of any size is made village by
village. What recommenders can find: couples buy homes within two years of the wedding and insure them; savers by
income and risk profile; who gets a salary pays bills by autopay; and what the parts of plugins tell.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from loaders.sample_catalogue import GIVEN, INDUSTRIES, REGIONS, SURNAMES
from loaders.sample_parts import Firm, Sample, columns_of, misfit

VILLAGE_SIZE: Final = 1_000
ACTIVITY_MONTHS: Final = 13
SHOPS: Final = ("Shop", "retail")
YEAR: Final = 365.25


@dataclass
class Person:
    """One person while the story is told.

    Attributes:
        number: his customer number.
        born: his birth date.
        gender: ``female`` or ``male``.
        income: by month; 0 where he has none.
        risk: his risk profile, C1 to C5; empty where it is not known.
        married: since when he is.
        salary_since: when he began to work for his employer.
        has_studied: what parts may say of him, and the core heeds.
        held: since when he has which product, by its code.
        marks: what parts note of him.
    """

    number: str
    born: date
    gender: str
    income: float = 0.0
    risk: str = ""
    married: date | None = None
    salary_since: date | None = None
    has_studied: bool = False
    held: dict[str, date] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)

    def age(self, today: date) -> int:
        """Age in whole years."""
        return int((today - self.born).days / YEAR)


class Village:
    """Tells one village's story; ``rows`` then has every table's rows as dictionaries. Stability: plugin API.

    Attributes:
        chance: the story's; what draws from it changes all that is told later.
        region: where the village is.
        until: the last day that the story knows of.
        rows: each table's, as dictionaries by column; what is not known is empty, or missing.
        columns: those that each table may have.
    """

    def __init__(self, seed: int, number: int, size: int, until: date, parts: Sequence[Sample] = ()) -> None:
        self.chance = Random(f"guanxi {seed} {number}")  # noqa: S311 - a story, not a secret
        self._number = number
        self._parts = parts
        self.until = until
        self._serial = 0
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.columns = {table: frozenset(columns) for table, columns in columns_of(parts).items()}
        self.region = REGIONS[number % len(REGIONS)]
        self._managers = [f"M{number:04d}{n}" for n in range(3)]
        self._add_managers()
        firms = self._firms(max(1, size // 16)) if size > 3 else []
        self._households(size - len(firms), firms)
        self._consents()
        for part in parts:
            if part.last:
                part.last(self)

    def _add_managers(self) -> None:
        for manager in self._managers:
            self.add("managers", manager_no=manager, name=self._name(), branch_code=self._branch, grade="senior")

    @property
    def _branch(self) -> str:
        return f"B{self._number:04d}"

    def _firms(self, count: int) -> list[str]:
        firms: list[str] = []
        shop, retail = next((part.shops for part in self._parts if part.shops), SHOPS)
        for position in range(count):
            retailer = position % 2 == 1
            number = self._customer(
                kind="institution" if position == 0 and count > 4 else "company",
                name=f"{self.chance.choice(SURNAMES)} {shop if retailer else 'Industries'} {position}",
                industry=retail if retailer else self.chance.choice(INDUSTRIES),
                credit_tier=self.chance.choices(
                    ("gold", "key", "quality", "general", "restricted", "eliminated"), (1, 2, 4, 6, 2, 1)
                )[0],
                credit_limit=round(self.chance.lognormvariate(12, 1), 2),
            )
            turnover = self.chance.lognormvariate(10.5 if retailer else 12.5, 0.8)
            self._firm_story(number, turnover, retailer=retailer, is_employer=not retailer)
            if firms and self.chance.random() < 0.6:
                self.add(
                    "relations", from_customer_no=number, to_customer_no=self.chance.choice(firms), kind="supplier"
                )
                if self.chance.random() < 0.5:
                    self.hold(number, "TRADE-FINANCE", self.day(200, 1500))
            firms.append(number)
        return firms

    def _firm_story(self, number: str, turnover: float, *, retailer: bool, is_employer: bool) -> None:
        opened = self.day(1200, 3000)
        account = self._account(number, "BUSINESS-ACCOUNT", opened, inflow=turnover, salary=0.0)
        if is_employer and self.chance.random() < 0.7:
            self.hold(number, "PAYROLL", self.after(opened, 400))
        if self.chance.random() < (0.6 if retailer else 0.3):
            self.hold(number, "POS-TERMINAL", self.after(opened, 500))
        if self.chance.random() < 0.25:
            self.hold(number, "BUSINESS-LOAN", self.after(opened, 1000))
        for part in self._parts:
            if part.firm:
                part.firm(self, Firm(number, account, opened, turnover, is_shop=retailer))

    def _households(self, persons: int, firms: list[str]) -> None:
        employers = [firm for position, firm in enumerate(firms) if position % 2 == 0]
        weights = [1 / (rank + 1) for rank in range(len(employers))]
        while persons > 0:
            adults = 2 if persons > 1 and self.chance.random() < 0.6 else 1
            children = min(persons - adults, self.chance.choices((0, 1, 2), (4, 4, 2))[0]) if adults == 2 else 0
            parents = [self._adult(employers, weights) for _ in range(adults)]
            if adults == 2:
                self._wedding(parents)
            offspring = [self._child(parents) for _ in range(max(0, children))]
            for person in parents:
                self._adult_story(person, offspring)
            for part in self._parts:
                if part.couple and adults == 2:
                    part.couple(self, parents, offspring)
            persons -= adults + max(0, children)

    def _adult(self, employers: list[str], weights: list[float]) -> Person:
        person = self._person(self.chance.triangular(18, 80, 32))
        age = person.age(self.until)
        person.risk = self.chance.choices(("C1", "C2", "C3", "C4", "C5", ""), (3, 4, 4, 2, 1, 1))[0]
        if employers and 20 <= age < 62 and self.chance.random() < 0.8:
            employer = self.chance.choices(employers, weights)[0]
            started = max(self.day(60, 2800), self.birthday(person, 20))
            person.salary_since = started
            person.income = round(self.chance.lognormvariate(8.9, 0.5), 2)
            self.add(
                "relations", from_customer_no=person.number, to_customer_no=employer, kind="employer", since=started
            )
        self._write_person(person)
        return person

    def _child(self, parents: list[Person]) -> Person:
        child = self._person(self.chance.uniform(0, 17))
        self._write_person(child)
        for parent in parents:
            self.add("relations", from_customer_no=parent.number, to_customer_no=child.number, kind="child")
            self.add("relations", from_customer_no=child.number, to_customer_no=parent.number, kind="parent")
        if self.chance.random() < 0.45:
            self.hold(child.number, "CHILD-SAVINGS", self.after(child.born, 2000))
        return child

    def _wedding(self, couple: list[Person]) -> None:
        day = max(self.day(30, 3600), *(self.birthday(person, 20) for person in couple))
        for person, spouse in (couple, couple[::-1]):
            person.married = min(day, self.until)
            self.add(
                "relations",
                from_customer_no=person.number,
                to_customer_no=spouse.number,
                kind="spouse",
                since=person.married,
            )

    def _adult_story(self, person: Person, children: list[Person]) -> None:
        if self.chance.random() < 0.04:
            return  # on the books, with nothing at all
        age = person.age(self.until)
        for part in self._parts:
            if part.youth:
                part.youth(self, person)
        account = self._everyday(person)
        for part in self._parts:
            if part.adult:
                part.adult(self, person, account)
        self._home(person)
        self._savings(person, age)
        self._borrowing(person, account)
        if children and self.chance.random() < 0.3:
            self.hold_person(person, "EDUCATION-PLAN", self.day(20, 1500))
        for part in self._parts:
            if part.settled:
                part.settled(self, person, account)
        self._contacts(person.number)

    def _everyday(self, person: Person) -> str:
        opened = max(self.day(300, 3600), self.birthday(person, 16))
        code = "CURRENT-ACCOUNT"
        salary = person.income if person.salary_since and self.chance.random() < 0.8 else 0.0
        inflow = salary + self.chance.lognormvariate(7, 0.6)
        account = self._account(person.number, code, opened, inflow=inflow, salary=salary)
        person.held[code] = opened
        if salary and person.salary_since:
            self.hold_person(person, "SALARY-ACCOUNT", max(opened, self.after(person.salary_since, 90)))
            since = person.held.get("SALARY-ACCOUNT")
            if since and self.chance.random() < 0.6:
                self.hold_person(person, "AUTOPAY", self.after(since, 360))
        elif self.chance.random() < 0.1:
            self.hold_person(person, "AUTOPAY", self.after(opened, 900))
        if self.chance.random() < 0.85:
            self.hold_person(person, "DEBIT-CARD", opened)
            self.card(person.number, account, "DEBIT-CARD", opened)
        if self.chance.random() < (0.85 if person.age(self.until) < 50 else 0.4):
            self.hold_person(person, "MOBILE-BANKING", self.after(opened, 600))
        return account

    def _home(self, person: Person) -> None:
        likely = 0.5 if person.married and person.income else 0.2 if person.has_studied and person.income else 0.05
        if not 24 <= person.age(self.until) < 60 or self.chance.random() > likely:
            return
        self.hold_person(person, "MORTGAGE", self.after(person.married or self.day(200, 2500), 730))
        bought = person.held.get("MORTGAGE")
        if bought and self.chance.random() < 0.75:
            self.hold_person(person, "HOME-INSURANCE", self.after(bought, 120))
        if bought and self.chance.random() < 0.35:
            self.hold_person(person, "LIFE-INSURANCE", self.after(bought, 500))

    def _savings(self, person: Person, age: int) -> None:
        rich = person.income > 9_000
        risk = int(person.risk[1]) if person.risk else 0
        for code, likely in (
            ("TERM-DEPOSIT", 0.45 if age > 55 else 0.15),
            ("FUND-MONEY", 0.3 if rich else 0.12),
            ("FUND-BALANCED", (0.5 if rich else 0.15) if risk >= 3 else 0.0),
            ("FUND-GROWTH", (0.5 if rich else 0.1) if risk >= 4 else 0.0),
            ("PENSION", 0.45 if 40 <= age < 60 and person.income and risk >= 2 else 0.0),
        ):
            if age >= 18 and self.chance.random() < likely:
                self.hold_person(person, code, self.day(10, 2500))

    def _borrowing(self, person: Person, account: str) -> None:
        if person.income and self.chance.random() < 0.5:
            since = self.day(60, 2400)
            self.hold_person(person, "CREDIT-CARD", since)
            self.card(person.number, account, "CREDIT-CARD", since)
            if person.income > 9_000 and self.chance.random() < 0.4:
                self.hold_person(person, "GOLD-CARD", self.after(since, 800))
        if person.income and self.chance.random() < 0.12:
            self.hold_person(person, "CONSUMER-LOAN", self.day(30, 1200))

    def _contacts(self, number: str) -> None:
        kinds = self.chance.choices(
            ("login", "enquiry", "visit", "complaint"), (14, 3, 2, 1), k=self.chance.randint(0, 2)
        )
        for position, kind in enumerate(kinds):
            channel = {"login": "mobile", "enquiry": "phone", "visit": "branch", "complaint": "phone"}[kind]
            moment = self._moment(self.day(1, 300))
            self.add("interactions", interaction_id=f"I{number[1:]}{position}", customer_no=number, channel=channel,
                      kind=kind, at=moment)  # fmt: skip

    def _consents(self) -> None:
        """What some said of offers since, told last: it changes nothing of the story before."""
        for customer in [row for row in self.rows["customers"] if row["marketing_consent"]]:
            agreed = customer["marketing_consent"] == "true"
            purpose, channel, granted = self.chance.choices(
                (
                    ("", "", ""),
                    ("marketing", "phone" if agreed else "mobile", "false" if agreed else "true"),
                    ("partners", "", "true"),
                    ("partners", "", "false"),
                    ("profiling", "", "false"),
                ),
                (73, 12, 8, 4, 3),
            )[0]
            if purpose:
                self.add("consents", customer_no=customer["customer_no"], purpose=purpose, channel=channel,
                          granted=granted, at=self._moment(self.day(1, 300)))  # fmt: skip

    def _moment(self, day: date) -> str:
        return f"{day}T{self.chance.randint(8, 20):02d}:{self.chance.randint(0, 59):02d}:00+08:00"

    def _customer(self, **fields: Any) -> str:
        self._serial += 1
        number = f"C{self._number:05d}{self._serial:04d}"
        self.add("customers", customer_no=number, **self._relationship(), marketing_consent=self._consent(), **fields)
        return number

    def _relationship(self) -> dict[str, str]:
        """The columns that any customer has by where the bank meets him."""
        return {
            "region": self.region,
            "branch_code": self._branch,
            "manager_no": self.chance.choice(self._managers),
            "language": self.chance.choices(("zh", "en"), (4, 1))[0],
        }

    def _consent(self) -> str:
        return self.chance.choices(("true", "false", ""), (85, 10, 5))[0]

    def _person(self, age: float) -> Person:
        self._serial += 1
        born = self.until - timedelta(days=int(age * YEAR))
        return Person(f"C{self._number:05d}{self._serial:04d}", born, self.chance.choice(("female", "male")))

    def _write_person(self, person: Person) -> None:
        adult = person.age(self.until) >= 18
        self.add(
            "customers",
            customer_no=person.number,
            kind="person",
            name=self._name(),
            birth_date=person.born,
            gender=person.gender,
            **self._relationship(),
            occupation="employee" if person.income else "",
            joined_on=max(person.born, self.day(3700, 4200)),
            income=person.income or "",
            risk_profile=person.risk,
            credit_limit=round(person.income * 8, 2) if person.income else "",
            marketing_consent=self._consent() if adult else "",
            education=self.chance.choice(("school", "bachelor", "master")) if adult else "",
        )

    def _account(self, customer: str, product: str, opened: date, *, inflow: float, salary: float) -> str:
        number = f"A{customer[1:]}"
        balance = round(inflow * self.chance.uniform(0.3, 6), 2)
        self.add("accounts", account_no=number, customer_no=customer, product_code=product, currency="CNY",
                  balance=balance, opened_on=opened)  # fmt: skip
        self.hold(customer, product, opened, balance)
        for month in self._months():
            money_in = round(inflow * self.chance.uniform(0.85, 1.15), 2)
            self.add("activity", account_no=number, month=month, inflow=max(money_in, salary), salary=salary,
                      outflow=round(money_in * self.chance.uniform(0.7, 1.1), 2),
                      transactions=self.chance.randint(4, 60), lowest_balance=round(balance * 0.4, 2),
                      closing_balance=round(balance * self.chance.uniform(0.8, 1.2), 2))  # fmt: skip
        return number

    def card(
        self, customer: str, account: str | None, product: str, issued: date, programme: str = "", principal: str = ""
    ) -> str:
        """Issue a card, and return its token."""
        number = f"K{self._number:05d}{len(self.rows['cards']):05d}"
        self.add("cards", card_no=number, customer_no=customer, account_no=account or "", product_code=product,
                  programme_code=programme, principal_card_no=principal, issued_on=issued,
                  expires_on=issued + timedelta(days=3650), status="active")  # fmt: skip
        return number

    def member(
        self, customer: str, programme: str, role: str, since: date, *, until: date | None = None, reference: str = ""
    ) -> None:
        """Make a customer a member of a programme, by their codes; ``until`` and ``reference`` are given by name."""
        self.add("memberships", customer_no=customer, programme_code=programme, role=role, reference=reference,
                  since=since, until=until or "")  # fmt: skip

    def hold_person(self, person: Person, product: str, opened: date) -> None:
        """Give a person a product that he does not have, unless that lies ahead."""
        if product not in person.held and opened <= self.until:
            person.held[product] = opened
            self.hold(person.number, product, opened)

    def hold(self, customer: str, product: str, opened: date, balance: float | str = "") -> None:
        """Give a customer a product, which he may have closed since, unless that lies ahead."""
        if opened > self.until:
            return
        closed = self.after(opened, 1500) if self.chance.random() < 0.05 else None
        self.add("holdings", customer_no=customer, product_code=product, opened_on=opened,
                  closed_on=closed if closed and closed <= self.until else "", balance=balance)  # fmt: skip

    def add(self, table: str, **row: Any) -> None:
        """Add a row to a table; raises ValueError for a table, or a column, that there is not."""
        if said := misfit(table, row, self.columns):
            raise ValueError(said)
        self.rows[table].append(row)

    def misfit(self) -> str | None:
        """Say which table or column there is among the rows, and is not the sample bank's; None where there is none."""
        found = (misfit(table, row, self.columns) for table, rows in self.rows.items() for row in rows)
        return next((said for said in found if said), None)

    def _name(self) -> str:
        return f"{self.chance.choice(SURNAMES)} {self.chance.choice(GIVEN)}"

    def day(self, least: int, most: int) -> date:
        """A day between ``most`` and ``least`` days before the end."""
        return self.until - timedelta(days=self.chance.randint(least, most))

    def after(self, day: date, most: int) -> date:
        """A day of those after a day, ``most`` of them."""
        return day + timedelta(days=self.chance.randint(1, most))

    @staticmethod
    def birthday(person: Person, age: int) -> date:
        """The day on which a person came to an age."""
        return person.born + timedelta(days=int(age * YEAR) + 1)

    def _months(self) -> Iterable[str]:
        last = self.until.year * 12 + self.until.month - 1
        return (f"{month // 12}-{month % 12 + 1:02d}" for month in range(last - ACTIVITY_MONTHS + 1, last + 1))
