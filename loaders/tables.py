"""The bank directory's tables: every rule of the format, declared once.

Validation, import and ``guanxi format`` all read these declarations; none repeats a rule.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from graph.words import (
    Channel,
    CreditTier,
    CustomerKind,
    Gender,
    Language,
    MemberRole,
    Purpose,
    RelationKind,
    RiskProfile,
    RiskRating,
    ValueTier,
)

ColumnType: TypeAlias = Literal[
    "text", "number", "integer", "boolean", "date", "month", "moment", "list", "word", "days"
]
WORD: Final = r"^[a-z0-9][a-z0-9_-]*$"
WORD_FORM: Final = "a name of lower-case letters, digits, _ and -"
"""What a cell that is a ``word`` is, as a pattern and said."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        reads: how a cell reads; ``list`` is several texts with ``|`` between them, ``days`` several days or
            periods, ``word`` a name of lower-case letters, digits, ``_`` and ``-``.
        words: the closed vocabulary of a text or of a list's parts.
        references: the table whose key the cell must name.
        is_past: the moment may not lie in the future.
        least: the least that a number may be.
    """

    name: str
    doc: str
    reads: ColumnType = "text"
    required: bool = False
    words: type[StrEnum] | None = None
    references: str | None = None
    is_past: bool = False
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One file of the directory.

    Attributes:
        key: the columns that together name a row; an empty cell counts as a value of its own.
        periods: pairs of columns of which the second may not be earlier, or less, than the first.
        needs: pairs of columns of which the first may not stand without the second.
        spends: pairs of columns of which the first is spent by the second, which may not be 0 beside it.
        apart: pairs of columns of which the first, a list, may not name the second.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    periods: tuple[tuple[str, str], ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    spends: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    core: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the declared columns, in the format's order."""
        return tuple(column.name for column in self.columns)


def _customer(name: str = "customer_no", doc: str = "the customer") -> Column:
    return Column(name, doc, required=True, references="customers")


def _product(*, required: bool = False) -> Column:
    return Column("product_code", "the product", required=required, references="products")


def _programme(*, required: bool = False) -> Column:
    return Column("programme_code", "the programme", required=required, references="programmes")


PARTNERS: Final = Table(
    "partners",
    "Organisations that co-brand products with the bank.",
    ("partner_code",),
    (
        Column("partner_code", "the bank's code for the partner", required=True),
        Column("name", "its name", required=True),
        Column("kind", "university, tobacco_bureau, retailer, employer, merchant, …", required=True),
        Column("region", "where it is"),
    ),
)
PROGRAMMES: Final = Table(
    "programmes",
    "What a partner and the bank run together.",
    ("programme_code",),
    (
        Column("programme_code", "the bank's code for the programme", required=True),
        Column("kind", "campus, tobacco, family, cobranded, or another that a plugin knows", "word", required=True),
        Column("name", "its name", required=True),
        Column("name_zh", "its name in Chinese"),
        Column("partner_code", "the partner who runs it", references="partners"),
        Column("starts_on", "first day", "date"),
        Column("ends_on", "last day", "date"),
        Column(
            "benefit", "what members gain by it, one sentence in English that they are told; empty promises nothing"
        ),
        Column("benefit_zh", "the same in Chinese"),
        Column(
            "budget",
            "what the benefit may cost in all, in the bank's currency; needs a benefit_cost of more than 0",
            "number",
            least=0,
        ),
        Column("benefit_cost", "what the benefit costs for each customer who takes a product", "number", least=0),
        Column(
            "quota",
            "how many places there may be, counted from starts_on: customers, once for each product taken",
            "integer",
            least=0,
        ),
        Column("regions", "where it is offered; empty is everywhere", "list"),
        Column("exclusive_of", "partners whose products may not stand beside its own", "list", references="partners"),
        Column("blackout_days", "when it is not offered", "days"),
    ),
    (("starts_on", "ends_on"),),
    (("budget", "benefit_cost"),),
    (("budget", "benefit_cost"),),
    (("exclusive_of", "partner_code"),),
)
CONTRACT: Final = ("budget", "benefit_cost", "quota", "regions", "exclusive_of", "blackout_days")
"""The columns of a programme's contract with its partner."""
MANAGERS: Final = Table(
    "managers",
    "Relationship managers.",
    ("manager_no",),
    (
        Column("manager_no", "the manager's staff number", required=True),
        Column("name", "the manager's name", required=True),
        Column("branch_code", "the branch"),
        Column("grade", "the grade"),
    ),
)
PRODUCTS: Final = Table(
    "products",
    "What a customer can hold.",
    ("product_code",),
    (
        Column("product_code", "the bank's code for the product", required=True),
        Column("name", "its name in English", required=True),
        Column("category", "deposit, payment, card, loan, mortgage, wealth, insurance, pension, …", required=True),
        Column("name_zh", "its name in Chinese"),
        Column("audience", "who may hold it; empty is everybody", "list", words=CustomerKind),
        Column("risk_rating", "investment risk", words=RiskRating),
        Column("credit", "whether the bank lends by it", "boolean"),
        Column("min_age", "youngest age in years", "integer"),
        Column("max_age", "oldest age in years", "integer"),
        Column("requires", "products that must be held first", "list", references="products"),
        Column("purpose", "study, first_salary, working_capital: what campus and tobacco programmes offer it for"),
        _programme(),
        Column("margin", "yearly value to the bank of one holding", "number"),
        Column("active_from", "first day it is sold", "date"),
        Column("active_until", "last day it is sold", "date"),
    ),
    (("active_from", "active_until"), ("min_age", "max_age")),
    core=True,
)
CUSTOMERS: Final = Table(
    "customers",
    "Persons, companies and institutions.",
    ("customer_no",),
    (
        Column("customer_no", "the one number of the customer on all channels", required=True),
        Column("kind", "what the customer is in law", required=True, words=CustomerKind),
        Column("name", "the customer's name"),
        Column("birth_date", "a person's birth date", "date"),
        Column("gender", "a person's gender", words=Gender),
        Column("region", "where the customer lives or sits"),
        Column("occupation", "a person's occupation"),
        Column("industry", "a company's industry"),
        Column("joined_on", "first day as a customer", "date"),
        Column("income", "income a month", "number"),
        Column("value_tier", "worth to the bank", words=ValueTier),
        Column("risk_profile", "investment risk the customer may bear", words=RiskProfile),
        Column("credit_tier", "credit standing", words=CreditTier),
        Column("credit_limit", "most the bank will lend", "number"),
        Column("branch_code", "the customer's branch"),
        Column("manager_no", "the customer's manager", references="managers"),
        Column("language", "the customer's language", words=Language),
        Column(
            "marketing_consent",
            "whether offers may be made; unknown counts as no, and not heeded once the customer has said something of "
            "marketing himself or in `consents`",
            "boolean",
        ),
    ),
    (("birth_date", "joined_on"),),
    core=True,
)
HOLDINGS: Final = Table(
    "holdings",
    "Who has which product, since when, and until when.",
    ("customer_no", "product_code", "opened_on"),
    (
        _customer(),
        _product(required=True),
        Column("opened_on", "first day", "date"),
        Column("closed_on", "last day; empty is still held", "date"),
        Column("balance", "balance in the holding's currency", "number"),
    ),
    (("opened_on", "closed_on"),),
    core=True,
)
ACCOUNTS: Final = Table(
    "accounts",
    "Accounts.",
    ("account_no",),
    (
        Column("account_no", "the account's number", required=True),
        _customer(doc="the owner"),
        _product(),
        Column("currency", "ISO 4217 code"),
        Column("balance", "balance in that currency", "number"),
        Column("opened_on", "first day", "date"),
        Column("closed_on", "last day; empty is still open", "date"),
    ),
    (("opened_on", "closed_on"),),
)
CARDS: Final = Table(
    "cards",
    "Cards, principal and supplementary.",
    ("card_no",),
    (
        Column("card_no", "a token, never the real number", required=True),
        _customer(doc="who carries it"),
        Column("account_no", "the account it draws on", references="accounts"),
        _product(),
        _programme(),
        Column("principal_card_no", "the principal card of a supplementary one", references="cards"),
        Column("issued_on", "day of issue", "date"),
        Column("expires_on", "last day", "date"),
        Column("status", "active, blocked, closed, …"),
    ),
    (("issued_on", "expires_on"),),
)
MEMBERSHIPS: Final = Table(
    "memberships",
    "Who belongs to which programme, as what.",
    ("customer_no", "programme_code", "role"),
    (
        _customer(),
        _programme(required=True),
        Column("role", "what the member is", required=True, words=MemberRole),
        Column("reference", "student number, tobacco licence, …"),
        Column("since", "first day", "date"),
        Column("until", "last day", "date"),
    ),
    (("since", "until"),),
)
RELATIONS: Final = Table(
    "relations",
    "Customer to customer: *to* is the *kind* of *from*, so an employee's row ends at the employer.",
    ("from_customer_no", "to_customer_no", "kind"),
    (
        _customer("from_customer_no", "whose relation it is"),
        _customer("to_customer_no", "the other customer"),
        Column("kind", "what *to* is to *from*", required=True, words=RelationKind),
        Column("since", "first day", "date"),
    ),
)
ACTIVITY: Final = Table(
    "activity",
    "One account's month.",
    ("account_no", "month"),
    (
        Column("account_no", "the account", required=True, references="accounts"),
        Column("month", "the month", "month", required=True),
        Column("inflow", "money in", "number"),
        Column("outflow", "money out", "number"),
        Column("salary", "of the inflow, salary", "number"),
        Column("transactions", "how many", "integer"),
        Column("lowest_balance", "lowest balance", "number"),
        Column("closing_balance", "last balance", "number"),
    ),
)
INTERACTIONS: Final = Table(
    "interactions",
    "What happened between bank and customer.",
    ("interaction_id",),
    (
        Column("interaction_id", "the bank's id", required=True),
        _customer(),
        Column("channel", "where", required=True, words=Channel),
        Column("kind", "visit, call, login, complaint, enquiry, impression, click, accept, dismiss, …", required=True),
        Column("at", "when, RFC 3339", "moment", required=True),
        _product(),
        Column("note", "a note"),
    ),
)
CONSENTS: Final = Table(
    "consents",
    "What customers said of being offered something: the latest word about a channel, or about all, holds. Each row "
    "stays for ever; a newer file that says otherwise of the same moment corrects it.",
    ("customer_no", "purpose", "channel", "at"),
    (
        _customer(),
        Column(
            "purpose",
            "to what: any offers, those of partners' programmes, or that behaviour shapes them",
            required=True,
            words=Purpose,
        ),
        Column("channel", "the channel it is about; empty is every channel", words=Channel),
        Column("granted", "whether the customer consents", "boolean", required=True),
        Column("at", "when it was said, RFC 3339; not in the future", "moment", required=True, is_past=True),
    ),
)

TABLES: Final = {
    table.name: table
    for table in (
        PARTNERS, PROGRAMMES, MANAGERS, PRODUCTS, CUSTOMERS, HOLDINGS,
        ACCOUNTS, CARDS, MEMBERSHIPS, RELATIONS, ACTIVITY, INTERACTIONS, CONSENTS,
    )
}  # fmt: skip
"""Every table by name, in the order of loading: a table comes after those it references."""
REFERENCED: Final = {column.references for table in TABLES.values() for column in table.columns if column.references}
"""Names of the tables that others, or they themselves, reference."""
