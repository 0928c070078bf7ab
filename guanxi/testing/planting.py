"""A bank in which an effect is planted: whoever learns from it can be asked whether he has found it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import polars as pl

from graph import tables
from guanxi.bank import Bank
from guanxi.settings import Settings
from guanxi.testing.drawn import load_into
from loaders.bank_directory import BankDirectory
from loaders.sample import UNTIL
from plugins.host import PluginHost
from plugins.samples import write_sample
from recommenders.view import CustomerView

TODAY: Final = date(2025, 6, 30)
"""The day of a planted bank: what was opened up to it can be learnt from, what is opened later is to be foreseen."""
BEFORE: Final = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Effect:
    """Of the customers ``among``, the share ``rate`` opens a product in three years; of all others, ``otherwise``."""

    product_code: str
    among: Callable[[CustomerView], bool]
    rate: float = 0.8
    otherwise: float = 0.1


@dataclass(frozen=True, slots=True)
class PlantedBank:
    """The sample bank, but that one product's holders are whom an effect makes of its customers.

    Attributes:
        bank: on the day up to which its past is known.
        candidates: numbers of those who do not hold the product on that day.
        takers: numbers of those of them who open it later.
    """

    bank: Bank
    effect: Effect
    candidates: tuple[str, ...]
    takers: frozenset[str]

    def auc(self, name: str) -> float:
        """Learn, and tell how well a recommender foresees who opens the product: 0.5 is chance, 1 is all of them first.

        The area under the receiver operating characteristic; who is not proposed the product comes last.

        Raises:
            NotFound: there is no recommender of that name.
        """
        from sklearn.metrics import roc_auc_score  # its libraries take long to import

        batch = self.bank.batch(self.candidates)
        scores = self.bank.learnt(name).propose(batch).scores[:, batch.catalogue.index[self.effect.product_code]]
        taken = [number in self.takers for number in self.candidates]
        return float(roc_auc_score(taken, np.nan_to_num(scores, nan=-1.0)))


def planted_bank(home: Path, effect: Effect, customers: int, seed: int) -> PlantedBank:
    """Return a bank with an effect, in place of what the home's store had.

    Raises:
        NotFound: the sample bank has no such product.
    """
    bank = Bank(Settings.model_validate({"home": home}), host=PluginHost.load(), today=TODAY)
    try:
        with TemporaryDirectory(prefix="guanxi-") as folder:
            sample = Path(folder) / "sample"
            write_sample(sample, customers, seed)
            holdings = sample / "holdings.csv"
            others = pl.read_csv(holdings, infer_schema=False).filter(pl.col("product_code") != effect.product_code)
            others.write_csv(holdings)
            bank.run(tables.empty, bank.store)
            load_into(bank, BankDirectory(sample), home)
            numbers = bank.table("customers")["customer_no"].sort().to_list()
            openings = _openings(bank, effect, numbers, random.Random(seed))  # noqa: S311 - no secret
            planted = {
                "customer_no": list(openings),
                "product_code": [bank.catalogue[effect.product_code].product_code] * len(openings),
                "opened_on": [str(day) for day in openings.values()],
            }
            pl.concat([others, pl.DataFrame(planted)], how="diagonal").write_csv(holdings)
            load_into(bank, BankDirectory(sample), home)
    except BaseException:
        bank.close()
        raise
    candidates = tuple(number for number in numbers if openings.get(number, UNTIL) > TODAY)
    return PlantedBank(bank, effect, candidates, frozenset(candidates) & openings.keys())


def _openings(bank: Bank, effect: Effect, numbers: list[str], chance: random.Random) -> dict[str, date]:
    """Who opens the product, and when."""
    first, days = TODAY - BEFORE, (UNTIL - (TODAY - BEFORE)).days
    return {
        customer.customer_no: first + timedelta(days=chance.randrange(1, days))
        for customer in bank.batch(numbers).customers
        if chance.random() < (effect.rate if effect.among(customer) else effect.otherwise)
    }
