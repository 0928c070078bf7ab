"""The sample bank's supermarket: some of all adults are its customers, and about half of those have its card."""

from typing import Final

from loaders.sample_parts import Sample
from loaders.sample_village import Person, Village

PROGRAMME: Final = "MART-1"
CARD: Final = "MART-CARD"


def settled(village: Village, person: Person, _: str) -> None:
    """Some shop at the partner's."""
    if village.chance.random() < 0.18:
        village.member(person.number, PROGRAMME, "member", village.day(100, 1800))
        if village.chance.random() < 0.55:
            village.hold_person(person, CARD, village.day(20, 1500))


SAMPLE: Final = Sample(
    "cobranded",
    partners=[{"partner_code": "GREENMART", "name": "Green Mart", "kind": "retailer"}],
    programmes=[
        {
            "programme_code": PROGRAMME,
            "kind": "cobranded",
            "name": "Green Mart rewards",
            "name_zh": "绿色超市会员",
            "partner_code": "GREENMART",
            "starts_on": "2021-03-01",
            "ends_on": "2028-02-29",
            "benefit": "Double points on every purchase at Green Mart.",
            "benefit_zh": "在绿色超市消费双倍积分。",
        },
    ],
    products=[
        {
            "product_code": CARD,
            "name": "Green Mart card",
            "name_zh": "绿色超市联名卡",
            "category": "card",
            "audience": "person",
            "credit": "true",
            "min_age": 18,
            "max_age": 70,
            "programme_code": PROGRAMME,
            "margin": 190,
        },
    ],
    settled=settled,
)
