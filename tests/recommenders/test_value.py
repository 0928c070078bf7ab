from datetime import date

import pytest

from graph.records import ActivityMonth, Holding
from recommenders.telling import insights
from recommenders.value import customer_value
from recommenders.view import CustomerView

TODAY = date(2026, 6, 30)


@pytest.fixture
def priced(catalogue, product):
    return catalogue(
        product("A", margin=120.0), product("B", margin=60.0), product("C"), product("W", category="wealth")
    )


def test_it_is_the_margin_of_what_is_held_for_as_long_as_he_stays_discounted(priced, person):
    value = customer_value(CustomerView(person(holds="AB"), TODAY), priced, (0.19, 2))

    stay = 0.9
    assert value.monthly_retention == pytest.approx(stay)
    assert value.yearly_margin == 180.0
    assert value.expected_years == round(sum(stay**month for month in range(1, 61)) / 12, 2)
    assert value.amount == round(15 * sum(stay**month * 1.08 ** (-month / 12) for month in range(1, 61)), 2)
    assert value.learnt is True


def test_a_product_without_a_margin_counts_as_the_median_of_its_category_or_of_all(priced, person):
    margins = [customer_value(CustomerView(person(holds=code), TODAY), priced, None).yearly_margin for code in "CW"]

    assert margins == [90.0, 90.0]


def test_who_surely_leaves_is_worth_nothing_and_who_never_does_five_years(priced, person):
    gone, stays = (customer_value(CustomerView(person(holds="A"), TODAY), priced, (chance, 3)) for chance in (1, 0))

    assert (gone.amount, gone.expected_years) == (0, 0)
    assert stays.expected_years == 5
    assert 400 < stays.amount < 600


def test_without_a_model_the_stage_tells_how_long(priced, person):
    mature = person(holdings=(Holding("A", date(2015, 1, 1)),))
    dormant = person(holdings=mature.holdings, activity=(ActivityMonth("2025-06", 1.0),))

    found = [insights(None, priced, [customer], TODAY)[0].scores.value for customer in (mature, dormant)]

    assert [value.learnt for value in found] == [False, False]
    assert [round(value.monthly_retention**12, 2) for value in found] == [0.95, 0.6]


def test_without_any_margin_or_holding_there_is_no_amount_to_make_up(catalogue, priced, person):
    assert customer_value(CustomerView(person(holds="A"), TODAY), catalogue("A"), None) is None
    assert customer_value(CustomerView(person(), TODAY), priced, None).amount == 0
