"""The sample bank's family circle: couples share a card with their children, on the limit of who earns most."""

from typing import Final

from loaders.sample_parts import Sample
from loaders.sample_village import Person, Village

PROGRAMME: Final = "FAMILY-1"
CARD: Final = "FAMILY-CARD"


def couple(village: Village, parents: list[Person], children: list[Person]) -> None:
    """About half of all couples join."""
    if village.chance.random() >= 0.55:
        return
    since = village.day(60, 2000)
    principal, *rest = [*sorted(parents, key=lambda parent: -parent.income), *children]
    village.member(principal.number, PROGRAMME, "principal", since)
    for person in rest:
        village.member(person.number, PROGRAMME, "dependant", since)
    if principal.held and village.chance.random() < 0.7:
        village.hold_person(principal, CARD, since)
        card = village.card(principal.number, None, CARD, since, PROGRAMME)
        for person in rest:
            if person.age(village.until) >= 16:
                village.card(person.number, None, CARD, since, PROGRAMME, principal=card)


SAMPLE: Final = Sample(
    "family",
    programmes=[
        {
            "programme_code": PROGRAMME,
            "kind": "family",
            "name": "Family circle",
            "name_zh": "家庭圈",
            "starts_on": "2016-01-01",
        },
    ],
    products=[
        {
            "product_code": CARD,
            "name": "Family card",
            "name_zh": "家庭卡",
            "category": "card",
            "audience": "person",
            "credit": "true",
            "min_age": 18,
            "max_age": 75,
            "programme_code": PROGRAMME,
            "margin": 150,
        },
    ],
    couple=couple,
)
