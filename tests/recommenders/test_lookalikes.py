"""Customers like those of a list."""

import numpy as np
import pytest

from graph.errors import ModelError
from recommenders.engine import Engine
from recommenders.gates import DEFAULT_GATES
from recommenders.lookalikes import draw_others, learn
from recommenders.popularity import Popularity


@pytest.fixture
def bank(person):
    """600 customers by number; every third lives in the north, and most of those hold a fund."""
    dice = np.random.default_rng(3)
    return {
        f"C{n:03}": person(
            f"C{n:03}",
            ["FUND"] if n % 3 == 0 and dice.random() < 0.8 else [],
            region="North" if n % 3 == 0 else "South",
            income=float(dice.integers(1_000, 20_000)),
        )
        for n in range(600)
    }


@pytest.fixture
def engine(catalogue):
    return Engine(catalogue("FUND", "LOAN"), [Popularity()], DEFAULT_GATES)


@pytest.fixture
def taught(bank, engine, context):
    """Return a function: what was learnt of a list."""

    async def load(numbers):
        return [bank[number] for number in numbers if number in bank]

    async def teach(listed):
        return await learn(load, engine, listed, draw_others(listed, list(bank)), context())

    return teach


async def test_the_like_of_a_list_come_first(taught, bank, engine, context):
    listed = [number for number in bank if bank[number].region == "North"][:100]
    learnt = await taught(listed)
    rest = [bank[number] for number in bank if number not in listed]

    likeness = learnt.look(engine, rest, context()).propensities[:, 0]

    best = [rest[place] for place in np.argsort(-likeness)[:50]]
    assert {customer.region for customer in best} == {"North"}
    assert learnt.auc > 0.8
    assert (learnt.listed, learnt.others, learnt.unknown) == (100, 500, 0)


async def test_a_list_of_anybody_is_said_to_be_one(taught, bank):
    listed = np.random.default_rng(4).choice(sorted(bank), 150, replace=False).tolist()

    learnt = await taught([*listed, "NOBODY"])

    assert learnt.auc < 0.6
    assert learnt.told()[1:] == [
        "The list is hardly told from anybody: its like may be anyone.",
        "Of the list, 1 are no customers of the bank.",
    ]


async def test_the_same_bank_gives_the_same_answer(taught, bank, engine, context):
    first, second = [(await taught(sorted(bank)[:60])).look(engine, list(bank.values()), context()) for _ in "12"]

    assert first.propensities.tolist() == second.propensities.tolist()


async def test_who_gave_no_consent_may_not_be_approached_whatever_he_holds(taught, bank, engine, context, person):
    learnt = await taught(sorted(bank)[:60])

    page = learnt.look(engine, [person("YES", ["FUND"]), person("NO", marketing_consent=None)], context())

    assert [page.codes[place] if place >= 0 else None for place in page.refusals[:, 0]] == [None, "NO_CONSENT"]


@pytest.mark.parametrize(("listed", "said"), [([], "names 0 customers"), (["C001", "NOBODY"], "names 1 customers")])
async def test_a_list_too_short_to_learn_from_is_refused(taught, listed, said):
    with pytest.raises(ModelError, match=said):
        await taught(listed)


async def test_a_list_of_everybody_is_refused(taught, bank):
    with pytest.raises(ModelError, match="Beside the list there are 0 customers"):
        await taught(list(bank))
