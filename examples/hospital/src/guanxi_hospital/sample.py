"""The sample bank's hospitals: two that exclude each other, of which one has a whole contract."""

from datetime import timedelta

from guanxi import Sample

CARD = {"category": "card", "audience": "person", "credit": "false", "min_age": 18, "margin": 40}
CONTRACT = {
    "budget": 6000,
    "benefit_cost": 50,
    "quota": 100,
    "regions": "Yunnan|Guizhou",
    "exclusive_of": "RIVERSIDE",
    "blackout_days": "2026-10-01/2026-10-07|2026-12-31",
}
BENEFIT = {"benefit": "No fee for treatment paid by instalments.", "benefit_zh": "就医分期免手续费。"}


def last(village):
    """Every fifth person is a patient; of those every third holds the card, and most have an insurance number."""
    people = [row for row in village.rows["customers"] if row["kind"] == "person"]
    for position, person in enumerate(people[::5]):
        number, since = person["customer_no"], village.until - timedelta(days=100 + position % 900)
        insured = "" if position % 4 == 0 else f"H{number[1:]}"
        village.member(number, "CLINIC-1", "member", since, reference=insured)
        if position % 3 == 0:
            village.add("holdings", customer_no=number, product_code="CLINIC-CARD", opened_on=since)


SAMPLE = Sample(
    "hospital",
    partners=[
        {"partner_code": "LAKESIDE", "name": "Lakeside Hospital", "kind": "hospital", "region": "Yunnan"},
        {"partner_code": "RIVERSIDE", "name": "Riverside Hospital", "kind": "hospital", "region": "Sichuan"},
    ],
    programmes=[
        {
            "programme_code": "CLINIC-1",
            "kind": "hospital",
            "name": "Lakeside patients",
            "partner_code": "LAKESIDE",
            "starts_on": "2024-01-01",
        }
        | BENEFIT
        | CONTRACT,
        {"programme_code": "CLINIC-2", "kind": "hospital", "name": "Riverside patients", "partner_code": "RIVERSIDE"},
    ],
    products=[
        CARD
        | {
            "product_code": "CLINIC-CARD",
            "name": "Lakeside card",
            "name_zh": "湖滨医院卡",
            "programme_code": "CLINIC-1",
        },
        CARD
        | {
            "product_code": "RIVER-CARD",
            "name": "Riverside card",
            "name_zh": "江畔医院卡",
            "programme_code": "CLINIC-2",
        },
        {
            "product_code": "HEALTH-SAVINGS",
            "name": "Health savings",
            "name_zh": "健康储蓄",
            "category": "deposit",
            "audience": "person",
            "credit": "false",
            "min_age": 18,
            "margin": 25,
            "purpose": "health",
        },
    ],
    last=last,
)
