"""The sample bank's tobacco bureaus: shops are their retailers, and those with turnover take working capital."""

from typing import Final

from loaders.sample_catalogue import FIRM, REGIONS
from loaders.sample_parts import Firm, Sample
from loaders.sample_village import Village

PROGRAMMES: Final = {region: f"TOBACCO-{number}" for number, region in enumerate(REGIONS, 1)}
CARD: Final = {"category": "card", "audience": FIRM, "credit": "false", "margin": 210}
LOAN: Final = {
    "product_code": "WORKING-CAPITAL-LOAN",
    "name": "Working-capital loan",
    "name_zh": "流动资金贷款",
    "category": "loan",
    "audience": FIRM,
    "credit": "true",
    "margin": 900,
    "purpose": "working_capital",
}


def firm(village: Village, told: Firm) -> None:
    """A shop is a licensed retailer of its region's bureau."""
    if not told.is_shop:
        return
    programme = PROGRAMMES[village.region]
    since = village.after(told.opened, 60)
    village.member(told.number, programme, "retailer", since, reference=f"TL{told.number[1:]}")
    if village.chance.random() < 0.75:
        since = village.after(told.opened, 300)
        code = f"TOBACCO-CARD-{programme[-1]}"
        village.hold(told.number, code, since)
        village.card(told.number, told.account, code, since, programme)
    if village.chance.random() < (0.6 if told.turnover > 40_000 else 0.1):
        village.hold(told.number, "WORKING-CAPITAL-LOAN", village.after(told.opened, 900))


SAMPLE: Final = Sample(
    "tobacco",
    partners=[
        {
            "partner_code": f"BUREAU-{region.upper()}",
            "name": f"{region} Tobacco Bureau",
            "kind": "tobacco_bureau",
            "region": region,
        }
        for region in REGIONS
    ],
    programmes=[
        {
            "programme_code": programme,
            "kind": "tobacco",
            "name": f"{region} tobacco retailers",
            "partner_code": f"BUREAU-{region.upper()}",
            "starts_on": "2018-01-01",
            "benefit": "First 30 days free of interest.",
            "benefit_zh": "首30天免息。",
        }
        for region, programme in PROGRAMMES.items()
    ],
    products=[
        *(
            CARD
            | {
                "product_code": f"TOBACCO-CARD-{number}",
                "name": f"Tobacco order card {number}",
                "name_zh": f"烟草订货卡{number}",
                "programme_code": programme,
            }
            for number, programme in enumerate(PROGRAMMES.values(), 1)
        ),
        LOAN,
    ],
    shops=("Tobacco Shop", "tobacco retail"),
    firm=firm,
)
