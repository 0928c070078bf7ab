from datetime import date

import numpy as np
import pytest

from graph.records import ActivityMonth, Holding
from graph.words import CustomerKind, Language
from recommenders.rules import RULES, LifecycleRules

CATEGORIES = ("card", "deposit", "insurance", "mortgage", "payment", "pension", "service", "wealth")


def salary(months):
    return tuple(ActivityMonth(f"2026-{month:02}" if month > 0 else f"2025-{month + 12:02}", salary=5_000.0) for month in range(6 - months, 6))  # fmt: skip


FIRM = {"kind": CustomerKind.COMPANY, "birth_date": None}
APPLIES = {
    # what the customer is beside holding a deposit since long, and the categories proposed to him
    "SALARY-TO-PAYMENTS": ({"activity": salary(3)}, {"payment": 0.7}),
    "SALARY-TO-CARD": ({"activity": salary(6)}, {"payment": 0.7, "card": 0.5}),
    "HOME-TO-INSURANCE": ({"holds": ["DEPOSIT", "MORTGAGE"]}, {"insurance": 0.8}),
    "NEW-TO-SERVICE": ({"joined_on": date(2026, 1, 1)}, {"service": 0.6}),
    "SURPLUS-TO-WEALTH": ({"income": 9_000.0}, {"wealth": 0.5}),
    "MIDLIFE-TO-PENSION": ({"birth_date": date(1986, 6, 30)}, {"pension": 0.5}),
    "QUIET-TO-DEPOSIT": ({"holds": []}, {"deposit": 0.3}),
    "BUSINESS-TO-SERVICE": (FIRM, {"service": 0.5}),
}
DOES_NOT = {
    "two salaries": {"activity": salary(2)},
    "an income a little lower": {"income": 8_999.99},
    "39 years": {"birth_date": date(1986, 7, 1)},
    "60 years": {"birth_date": date(1966, 6, 30)},
    "a firm's income": FIRM | {"income": 90_000.0, "holds": ["DEPOSIT", "SERVICE"]},
    "a year with the bank": {"joined_on": date(2025, 6, 30)},
    "a firm that holds no deposit": FIRM | {"holds": ["MORTGAGE", "INSURANCE"]},
}


@pytest.fixture
def proposed(person, product, catalogue, batch):
    """Return a function: the candidates and their scores by category, of a customer who differs from a plain one."""

    def make(changes):
        products = catalogue(*(product(category.upper(), category=category) for category in CATEGORIES))
        customer = person(**{"birth_date": date(1996, 1, 1), "holds": ["DEPOSIT"]} | changes)
        candidates = LifecycleRules().propose(batch([customer], products))
        scores = dict(zip(CATEGORIES, candidates.scores[0].tolist(), strict=True))
        return candidates, {category: score for category, score in scores.items() if not np.isnan(score)}

    return make


def test_the_table_has_every_rule():
    assert set(APPLIES) == {rule.code for rule in RULES}
    assert all(0 <= rule.score <= 1 for rule in RULES)


@pytest.mark.parametrize(("code", "changes", "categories"), [(code, *case) for code, case in APPLIES.items()])
def test_a_rule_that_applies_proposes_its_category_and_says_why(proposed, code, changes, categories):
    candidates, scores = proposed(changes)
    rule = next(rule for rule in RULES if rule.code == code)

    reason = candidates.reason(0, CATEGORIES.index(rule.category))

    assert scores == pytest.approx(categories)
    assert (reason.path[0], reason.path[3:]) == ("C1", (code, rule.category.upper()))
    assert reason.text == {Language.EN: rule.en, Language.ZH: rule.zh}


@pytest.mark.parametrize("changes", DOES_NOT.values(), ids=DOES_NOT)
def test_a_rule_that_does_not_apply_proposes_nothing(proposed, changes):
    assert proposed(changes)[1] == {}


def test_a_category_of_which_one_product_is_held_is_not_proposed(proposed):
    holdings = (Holding("DEPOSIT"), Holding("PAYMENT"))

    assert proposed({"activity": salary(6), "holdings": holdings})[1] == pytest.approx({"card": 0.5})


def test_where_two_rules_speak_of_a_category_the_stronger_is_heard(proposed):
    candidates, scores = proposed(FIRM | {"joined_on": date(2026, 1, 1)})

    assert scores == pytest.approx({"service": 0.6})
    assert candidates.reason(0, CATEGORIES.index("service")).path[3] == "NEW-TO-SERVICE"
