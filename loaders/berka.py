"""Berka (PKDD'99), a Czech retail bank, as a source: its eight tables told in the words of the bank directory.

============  ====================================================================================================
berka         guanxi
============  ====================================================================================================
client        customer (person): ``birth_number`` is YYMMDD, with 50 added to the month for women; ``joined_on`` is
              the day of the first account that the client owns or uses; region is the home district's
district      further columns of the customer: the district's statistics. Those of 1995 and 1996 are kept with their
              year in the name, for whoever looks at an earlier day must leave them out
account       account of its owner, and the holding CURRENT-ACCOUNT from its first day
disp          OWNER owns; DISPONENT has a relation ``account_user`` to the owner
card          card of its disponent's client, and a holding: JUNIOR-CARD, CLASSIC-CARD, GOLD-CARD
loan          holding LOAN from the day it was granted; amount, payments and duration are kept, ``status`` is not read:
              it is as of the end of 1998
order         holdings of the owner: HOUSEHOLD-PAYMENT (SIPO), INSURANCE-PAYMENT (POJISTNE), LEASING, LOAN-INSTALMENT
              (UVER), STANDING-ORDER (not stated). Orders have no date: the holding is dated by the account's first
              transaction of that kind where there is one; an instalment that was not paid yet by its loan, which it
              cannot be older than; all others are undated
trans         activity by account and month up to March 1994, where the table ends; ``salary`` is unknown: no symbol
              says so. A pension (DUCHOD) is the holding PENSION-CREDIT from its first credit; a transaction of a kind
              of payment without an order is that payment's holding too
============  ====================================================================================================

Nothing is invented: margins, risk and consent are unknown. Since unknown consent counts as no, ``assume_consent``
exists for those who want to see offers on these data.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl

from graph.errors import LoadError
from loaders.csv_records import Dialect, frames, header
from loaders.sources import LINE, TORN

DIALECT: Final = Dialect(";", ("", " ", "?"))
FILES: Final = ("account", "card", "client", "disp", "district", "loan", "order", "trans")
FRAME_ROWS: Final = 10_000
CARD_PRODUCTS: Final = {"junior": "JUNIOR-CARD", "classic": "CLASSIC-CARD", "gold": "GOLD-CARD"}
PAYMENTS: Final = {
    "SIPO": "HOUSEHOLD-PAYMENT",
    "POJISTNE": "INSURANCE-PAYMENT",
    "LEASING": "LEASING",
    "UVER": "LOAN-INSTALMENT",
    "DUCHOD": "PENSION-CREDIT",
}
PRODUCTS: Final = (
    ("CURRENT-ACCOUNT", "Current account", "活期账户", "deposit", None, None),
    ("JUNIOR-CARD", "Junior card", "青少年卡", "card", "CURRENT-ACCOUNT", "26"),
    ("CLASSIC-CARD", "Classic card", "经典卡", "card", "CURRENT-ACCOUNT", None),
    ("GOLD-CARD", "Gold card", "金卡", "card", "CURRENT-ACCOUNT", None),
    ("LOAN", "Loan", "贷款", "loan", "CURRENT-ACCOUNT", None),
    ("LOAN-INSTALMENT", "Loan instalment order", "贷款还款委托", "payment", "CURRENT-ACCOUNT", None),
    ("HOUSEHOLD-PAYMENT", "Household payment order", "家庭缴费委托", "payment", "CURRENT-ACCOUNT", None),
    ("INSURANCE-PAYMENT", "Insurance payment order", "保险缴费委托", "insurance", "CURRENT-ACCOUNT", None),
    ("LEASING", "Leasing payment order", "租赁付款委托", "payment", "CURRENT-ACCOUNT", None),
    ("STANDING-ORDER", "Standing order", "定期转账", "payment", "CURRENT-ACCOUNT", None),
    ("PENSION-CREDIT", "Pension credited here", "养老金入账", "pension", "CURRENT-ACCOUNT", None),
)
DISTRICT: Final = {
    "A4": "district_inhabitants",
    "A10": "district_urban_percent",
    "A11": "district_average_salary",
    "A12": "district_unemployment_1995",
    "A13": "district_unemployment_1996",
    "A14": "district_entrepreneurs_per_1000",
    "A15": "district_crimes_1995",
    "A16": "district_crimes_1996",
}


class Berka:
    """The folder with the challenge's ``.asc`` files.

    Raises:
        LoadError: a file is missing or cannot be read.
    """

    def __init__(self, folder: Path, *, assume_consent: bool = False) -> None:
        missing = [name for name in FILES if not (folder / f"{name}.asc").is_file()]
        if missing:
            raise LoadError(f"{folder} has no {missing[0]}.asc; Berka's eight .asc files are needed.")
        self._folder = folder
        self._consent = "true" if assume_consent else None

    def tables(self) -> tuple[str, ...]:
        """The tables that Berka's files fill."""
        return ("products", "customers", "holdings", "accounts", "cards", "relations", "activity")

    def file_name(self, table: str) -> str:
        """The table of the bank directory that the rows are told as."""
        return f"{table} (berka)"

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._told[table].columns)

    def frames(self, table: str) -> Iterator[pl.DataFrame]:
        """Yield the rows; a line is the number of the row told, not of the file it was told from."""
        frame = self._told[table].cast(pl.String).with_row_index(LINE, 1)
        numbered = frame.with_columns(pl.col(LINE).cast(pl.Int64), pl.lit(value=False).alias(TORN))
        yield from numbered.iter_slices(FRAME_ROWS)

    def _read(self, name: str) -> pl.DataFrame:
        path = self._folder / f"{name}.asc"
        read = pl.concat([*frames(path, DIALECT)])
        if read[TORN].any():
            raise LoadError(f"{path}: line {read.filter(TORN)[LINE][0]} has more or fewer fields than the header.")
        return read.select(header(path, DIALECT))

    @cached_property
    def _told(self) -> dict[str, pl.DataFrame]:
        accounts = self._accounts
        return {
            "products": pl.DataFrame(
                PRODUCTS, ["product_code", "name", "name_zh", "category", "requires", "max_age"], orient="row"
            ).with_columns(pl.lit("person").alias("audience")),
            "customers": self._customers(),
            "holdings": self._holdings(),
            "accounts": accounts.select("account_no", "customer_no", "product_code", "opened_on", "statements"),
            "cards": self._cards.select("card_no", "customer_no", "account_no", "product_code", "issued_on"),
            "relations": self._relations(),
            "activity": self._activity(),
        }

    @cached_property
    def _dispositions(self) -> pl.DataFrame:
        return self._read("disp").select(
            "disp_id", "account_id", "type", pl.format("C{}", "client_id").alias("customer_no")
        )

    @cached_property
    def _owners(self) -> pl.DataFrame:
        return self._dispositions.filter(pl.col("type") == "OWNER").select("account_id", "customer_no")

    @cached_property
    def _accounts(self) -> pl.DataFrame:
        statements = {"POPLATEK MESICNE": "monthly", "POPLATEK TYDNE": "weekly", "POPLATEK PO OBRATU": "transaction"}
        return (
            self._read("account")
            .join(self._owners, "account_id")
            .with_columns(
                pl.format("A{}", "account_id").alias("account_no"),
                pl.lit("CURRENT-ACCOUNT").alias("product_code"),
                _day("date").alias("opened_on"),
                pl.col("frequency").replace_strict(statements).alias("statements"),
            )
        )

    @cached_property
    def _cards(self) -> pl.DataFrame:
        return (
            self._read("card")
            .join(self._dispositions.drop("type"), "disp_id")
            .with_columns(
                pl.format("K{}", "card_id").alias("card_no"),
                pl.format("A{}", "account_id").alias("account_no"),
                pl.col("type").replace_strict(CARD_PRODUCTS).alias("product_code"),
                _day("issued").alias("issued_on"),
            )
        )

    @cached_property
    def _transactions(self) -> pl.DataFrame:
        return self._read("trans").with_columns(
            _day("date").alias("day"), pl.col("amount", "balance").cast(pl.Float64), pl.col("trans_id").cast(pl.Int64)
        )

    def _customers(self) -> pl.DataFrame:
        joined = (
            self._dispositions.join(self._accounts.select("account_id", "opened_on"), "account_id")
            .group_by("customer_no")
            .agg(pl.col("opened_on").min().alias("joined_on"))
        )
        month = pl.col("birth_number").str.slice(2, 2).cast(pl.Int32)
        born = pl.format(
            "19{}-{}-{}",
            pl.col("birth_number").str.head(2),
            (month % 50).cast(pl.String).str.zfill(2),
            pl.col("birth_number").str.tail(2),
        )
        statistics = [pl.col(column).alias(name) for column, name in DISTRICT.items()]
        return (
            self._read("client")
            .join(self._read("district"), left_on="district_id", right_on="A1", how="left", maintain_order="left")
            .with_columns(pl.format("C{}", "client_id").alias("customer_no"))
            .join(joined, "customer_no", how="left", maintain_order="left")
            .select(
                "customer_no",
                pl.lit("person").alias("kind"),
                born.alias("birth_date"),
                pl.when(month > 50).then(pl.lit("female")).otherwise(pl.lit("male")).alias("gender"),
                pl.col("A3").alias("region"),
                pl.col("A2").alias("district"),
                "joined_on",
                pl.lit(self._consent, pl.String).alias("marketing_consent"),
                *statistics,
            )
        )

    def _relations(self) -> pl.DataFrame:
        users = self._dispositions.filter(pl.col("type") == "DISPONENT")
        return users.join(self._owners, "account_id", suffix="_owner").select(
            pl.col("customer_no").alias("from_customer_no"),
            pl.col("customer_no_owner").alias("to_customer_no"),
            pl.lit("account_user").alias("kind"),
        )

    def _holdings(self) -> pl.DataFrame:
        loans = self._read("loan").join(self._owners, "account_id")
        columns = ["customer_no", "product_code", "opened_on"]
        details = [pl.col(name).alias(f"loan_{name}") for name in ("amount", "duration", "payments")]
        return pl.concat(
            [
                self._accounts.select(columns),
                self._cards.rename({"issued_on": "opened_on"}).select(columns),
                loans.with_columns(pl.lit("LOAN").alias("product_code"), _day("date").alias("opened_on")).select(
                    *columns, *details
                ),
                self._payments(),
            ],
            how="diagonal",
        )  # fmt: skip

    def _payments(self) -> pl.DataFrame:
        ordered = self._read("order").select(
            "account_id", pl.col("k_symbol").replace_strict(PAYMENTS, default="STANDING-ORDER").alias("product_code")
        )
        paid = (
            self._transactions.filter(pl.col("k_symbol").is_in([*PAYMENTS]))
            .group_by("account_id", "k_symbol")
            .agg(pl.col("day").min().alias("opened_on"))
            .select("account_id", pl.col("k_symbol").replace_strict(PAYMENTS).alias("product_code"), "opened_on")
        )
        lent = self._read("loan").select(
            "account_id", pl.lit("LOAN-INSTALMENT").alias("product_code"), _day("date").alias("lent_on")
        )
        return (
            ordered.unique()
            .join(paid, ["account_id", "product_code"], how="full", coalesce=True)
            .join(lent, ["account_id", "product_code"], how="left")
            .with_columns(pl.coalesce("opened_on", "lent_on"))
            .join(self._owners, "account_id")
            .select("customer_no", "product_code", "opened_on")
            .sort("customer_no", "product_code")
        )

    def _activity(self) -> pl.DataFrame:
        credit = pl.col("type") == "PRIJEM"
        amount, balance = pl.col("amount"), pl.col("balance")
        return (
            self._transactions.sort("account_id", "day", "trans_id")
            .group_by("account_id", pl.col("day").str.head(7).alias("month"), maintain_order=True)
            .agg(
                amount.filter(credit).sum().round(2).alias("inflow"),
                amount.filter(~credit).sum().round(2).alias("outflow"),
                pl.len().alias("transactions"),
                balance.min().alias("lowest_balance"),
                balance.last().alias("closing_balance"),
            )
            .select(pl.format("A{}", "account_id").alias("account_no"), pl.exclude("account_id"))
        )


def _day(column: str) -> pl.Expr:
    """Read ``YYMMDD``, all of the 1900s, as an ISO date; what follows the six digits is a time of midnight."""
    digits = pl.col(column).str.head(6)
    return pl.format("19{}-{}-{}", digits.str.slice(0, 2), digits.str.slice(2, 2), digits.str.slice(4, 2))
