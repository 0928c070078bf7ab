"""Customers like another: by what is known of both, and by what both hold."""

import pytest

from recommenders.features import learn_schema
from recommenders.likeness import most_alike
from recommenders.view import CustomerView


@pytest.fixture
def ranked(catalogue, context):
    """Return a function: the likeness of others to a customer, by number, in order."""

    def rank(customer, *others, schema=None):
        found = most_alike(customer, others, catalogue("A", "B", "C"), context(), schema)
        return {like.customer.customer_no: like for like in found}

    return rank


def test_the_twin_comes_first_and_the_stranger_last(ranked, person):
    found = ranked(
        person("X", ["A", "B"], region="North", income=9_000.0),
        person("FAR", ["C"], region="South", income=1_000.0),
        person("TWIN", ["A", "B"], region="North", income=9_000.0),
        person("NEAR", ["A"], region="North", income=8_000.0),
    )

    assert list(found) == ["TWIN", "NEAR", "FAR"]
    assert found["TWIN"].likeness == pytest.approx(1)
    assert found["TWIN"].shared == ("A", "B")
    assert (found["FAR"].likeness < 0.5, found["FAR"].shared) == (True, ())


def test_what_is_rarely_held_says_more_than_what_everybody_holds(ranked, person):
    everybody = [person(f"E{n}", ["A"]) for n in range(20)]
    found = ranked(person("X", ["A", "B"]), person("COMMON", ["A"]), person("RARE", ["B"]), *everybody)

    assert found["RARE"].likeness > found["COMMON"].likeness


def test_what_is_unknown_is_not_compared(ranked, person):
    found = ranked(person("X", income=None), person("Y", income=5_000.0), person("Z", income=1.0, region="West"))

    assert found["Y"].likeness == found["Z"].likeness == pytest.approx(1)


def test_a_protected_column_has_no_say(ranked, person, today):
    x, she, he = (person(no, gender=gender) for no, gender in (("X", "female"), ("SHE", "female"), ("HE", "male")))
    blind = learn_schema([CustomerView(c, today) for c in (x, she, he)], ("A",), (), protected=("gender",))

    assert ranked(x, he, she)["SHE"].likeness > ranked(x, he, she)["HE"].likeness
    assert ranked(x, he, she, schema=blind)["SHE"].likeness == ranked(x, he, she, schema=blind)["HE"].likeness


def test_nobody_to_compare_with_is_no_error(ranked, person):
    assert ranked(person("X")) == {}
