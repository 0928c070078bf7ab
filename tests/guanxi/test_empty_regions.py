from datetime import date

import pytest

from graph.records import Programme
from graph.terms import Terms
from guanxi.empty_regions import told_of

TODAY = date(2026, 6, 30)
LIVED_IN = ["Guangdong", "Hunan", "Yunnan"]


def contract(*regions, **own):
    return Programme("LIONS", "cobranded", "Lions", terms=Terms(regions=regions), **own)


@pytest.mark.parametrize(
    ("regions", "told"),
    [
        (("yunnan",), "'yunnan' (is 'Yunnan' meant?)"),
        (("YUNNAN", "Hunan"), "'YUNNAN' (is 'Yunnan' meant?)"),
        (("Atlantis",), "'Atlantis'"),
        (("Hainan",), "'Hainan'"),
        (("Hunnan", "Yunnan", "Atlantis"), "'Hunnan' (is 'Hunan' meant?), 'Atlantis'"),
    ],
)
def test_a_contract_s_regions_without_customers_are_told_with_what_is_nearly_named_so(regions, told):
    assert told_of([contract(*regions)], LIVED_IN, TODAY) == [
        f"The contract of LIONS is for {told}, and no customer lives there."
    ]


def test_each_programme_is_told_once():
    both = [contract("Atlantis", "Mu"), Programme("P2", "campus", "P2", terms=Terms(regions=("Mu",)))]

    assert told_of(both, LIVED_IN, TODAY) == [
        "The contract of LIONS is for 'Atlantis', 'Mu', and no customer lives there.",
        "The contract of P2 is for 'Mu', and no customer lives there.",
    ]


@pytest.mark.parametrize(
    "programme",
    [
        contract("Yunnan", "Hunan"),
        contract(),
        contract("Atlantis", ends_on=date(2026, 6, 29)),
        Programme("LIONS", "cobranded", "Lions"),
    ],
    ids=["customers in all", "everywhere", "over", "no contract"],
)
def test_of_a_contract_that_stops_no_offer_by_its_regions_nothing_is_told(programme):
    assert told_of([programme], LIVED_IN, TODAY) == []
