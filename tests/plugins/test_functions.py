import numpy as np
import pytest

from graph.errors import PluginError
from graph.words import Language
from guanxi import Proposal, recommender
from plugins.functions import MARK


@pytest.fixture
def proposed(catalogue, batch, person):
    """Return a function: what a function proposes to two customers, C1 and C2, of products A and B."""

    def ask(function):
        marked = getattr(recommender("mine")(function), MARK)
        return marked.propose(batch([person("C1"), person("C2", ["A"])], catalogue("A", "B")))

    return ask


def test_a_marked_function_stays_a_function_and_carries_its_recommender():
    @recommender("mine", version="7")
    def propose(customer):
        return [customer]

    assert propose(3) == [3]
    assert (getattr(propose, MARK).name, getattr(propose, MARK).version) == ("mine", "7")


def test_a_mark_without_a_name_is_refused():
    with pytest.raises(PluginError, match="needs a name"):
        recommender(list)


def test_what_a_function_yields_becomes_scores_of_that_customer(proposed):
    def propose(customer, catalogue):
        if customer.holds("A"):
            yield Proposal("B", 0.25)
            yield from (Proposal(product.product_code, 1) for product in catalogue.of_category("deposit")[:1])

    assert np.array_equal(proposed(propose).scores, [[np.nan, np.nan], [1.0, 0.25]], equal_nan=True)


@pytest.mark.parametrize("gives", [None, [], (), iter(())])
def test_a_function_that_gives_nothing_proposes_nothing(proposed, gives):
    assert np.isnan(proposed(lambda _: gives).scores).all()


def test_a_function_may_return_a_list_and_its_last_word_on_a_product_counts(proposed):
    found = proposed(lambda _: [Proposal("A", 0.9, "first"), Proposal("A", 0.1, "last")])

    assert found.scores[0, 0] == np.float32(0.1)
    assert found.reason(0, 0).text[Language.EN] == "last"


def test_a_reason_in_one_language_stands_for_all_and_its_path_is_the_plugins_own(proposed):
    reason = proposed(lambda _: [Proposal("A", 0.5, "because")]).reason(1, 0)

    assert reason.recommender == "mine"
    assert reason.path == ("C2", "PROPOSED_BY", "mine", "OFFERS", "A")
    assert reason.text == {Language.EN: "because", Language.ZH: "because"}


def test_a_reason_in_several_languages_and_with_a_path_is_kept(proposed):
    text = {Language.EN: "because", Language.ZH: "因为"}

    reason = proposed(lambda _: [Proposal("A", 0.5, text, ("C1", "LIKES", "A"))]).reason(0, 0)

    assert (reason.text, reason.path) == (text, ("C1", "LIKES", "A"))


def test_without_a_reason_there_is_none(proposed):
    assert proposed(lambda _: [Proposal("A", 0.5)]).reason(0, 0) is None


@pytest.mark.parametrize("score", [0, 1, 0.0, 1.0, True, np.float64(0.5)])
def test_scores_from_nought_to_one_are_taken(proposed, score):
    assert proposed(lambda _: [Proposal("A", score)]).scores[0, 0] == np.float32(score)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.01, 1.01, "0.5", None])
def test_other_scores_are_refused_by_name_of_the_product(proposed, score):
    with pytest.raises(ValueError, match="gave A the score"):
        proposed(lambda _: [Proposal("A", score)])


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["A"], "gave str, not a Proposal"),
        ([("A", 0.5)], "gave tuple, not a Proposal"),
        ("A", "gave str, not a Proposal"),
        ([Proposal("Z", 0.5)], "proposed 'Z', which the catalogue does not have"),
        ([Proposal(None, 0.5)], "proposed None, which the catalogue does not have"),
        (5, "not iterable"),
    ],
)
def test_rubbish_is_refused_and_named(proposed, given, error):
    with pytest.raises((TypeError, ValueError), match=error):
        proposed(lambda _: given)
