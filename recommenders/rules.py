"""Lifecycle rules: what the next step usually is for a customer in this place. They need no training.

They speak of categories, not product codes, so that they hold on any bank that uses the format's categories.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.words import CustomerKind, Language, LifecycleStage
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates, Reason
from recommenders.view import CustomerView


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """When ``applies``, products of ``category`` are proposed, unless one of it is held already."""

    code: str
    category: str
    score: float
    applies: Callable[[CustomerView, frozenset[str]], bool]
    en: str
    zh: str


def _is_person(customer: CustomerView) -> bool:
    return customer.kind is CustomerKind.PERSON


RULES: Final = (
    LifecycleRule(
        "SALARY-TO-PAYMENTS", "payment", 0.7,
        lambda customer, _: customer.salary_months >= 3,
        "Your salary arrives here, so your bills can pay themselves.", "您的工资在此入账，可设置自动缴费。",
    ),
    LifecycleRule(
        "HOME-TO-INSURANCE", "insurance", 0.8,
        lambda _, held: "mortgage" in held,
        "You have a home mortgage; your home can be insured too.", "您已办理住房按揭，可为住房投保。",
    ),
    LifecycleRule(
        "NEW-TO-SERVICE", "service", 0.6,
        lambda customer, _: customer.stage is LifecycleStage.NEW,
        "You are new here; this makes banking easier.", "您是新客户，开通后办理业务更方便。",
    ),
    LifecycleRule(
        "SALARY-TO-CARD", "card", 0.5,
        lambda customer, _: customer.salary_months >= 6,
        "Your salary has arrived here for six months or more.", "您的工资已连续六个月以上在此入账。",
    ),
    LifecycleRule(
        "SURPLUS-TO-WEALTH", "wealth", 0.5,
        lambda customer, _: _is_person(customer) and (customer.income or 0) >= 9_000,
        "Your income leaves room to save.", "您的收入可用于储蓄投资。",
    ),
    LifecycleRule(
        "MIDLIFE-TO-PENSION", "pension", 0.5,
        lambda customer, _: 40 <= (customer.age or 0) < 60,
        "At your age, saving for later pays most.", "现在为养老储蓄正当时。",
    ),
    LifecycleRule(
        "QUIET-TO-DEPOSIT", "deposit", 0.3,
        lambda customer, _: customer.stage in {LifecycleStage.DORMANT, LifecycleStage.LOST, LifecycleStage.PROSPECT},
        "A simple account to start with.", "从一个简单的账户开始。",
    ),
    LifecycleRule(
        "BUSINESS-TO-SERVICE", "service", 0.5,
        lambda customer, held: not _is_person(customer) and "deposit" in held,
        "You bank your business here; this saves work.", "您的企业在此开户，此服务可减轻工作量。",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class LifecycleRules:
    """Proposes by ``RULES``."""

    name: str = "lifecycle"
    version: str = "1"
    rules: tuple[LifecycleRule, ...] = RULES

    def propose(self, batch: Batch) -> Candidates:
        """Score the categories whose rule applies."""
        scores = np.full(batch.shape, np.nan, np.float32)
        columns = {rule.category: self._columns(batch.catalogue, rule.category) for rule in self.rules}
        for row, customer in enumerate(batch.customers):
            for rule in self._applying(batch, customer):
                scores[row, columns[rule.category]] = np.fmax(scores[row, columns[rule.category]], rule.score)
        return Candidates(scores, lambda row, column: self._reason(batch, row, column))

    def _applying(self, batch: Batch, customer: CustomerView) -> list[LifecycleRule]:
        catalogue = batch.catalogue
        codes = (holding.product_code for holding in customer.holdings)
        held = frozenset(catalogue[code].category for code in codes if code in catalogue)
        return [rule for rule in self.rules if rule.category not in held and rule.applies(customer, held)]

    @staticmethod
    def _columns(catalogue: Catalogue, category: str) -> list[int]:
        return [column for column, other in enumerate(catalogue.categories) if other == category]

    def _reason(self, batch: Batch, row: int, column: int) -> Reason | None:
        customer, product = batch.customers[row], batch.catalogue.products[column]
        applying = [rule for rule in self._applying(batch, customer) if rule.category == product.category]
        if not applying:
            return None
        rule = max(applying, key=lambda rule: rule.score)
        path = (customer.customer_no, "STAGE", customer.stage, rule.code, product.product_code)
        return Reason(self.name, path, {Language.EN: rule.en, Language.ZH: rule.zh})
