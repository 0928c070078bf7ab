from pathlib import Path

PLUGIN = Path(__file__).with_name("insurance_campaign.py")
ANN = "ann: person"


def priorities(bank):
    return {row["product_code"]: row["priority"] for row in bank.offers(["ann"], top=50).iter_rows(named=True)}


def test_insurance_gains_half_and_all_else_stays(draw):
    before = priorities(draw(ANN))
    after = priorities(draw(ANN, PLUGIN))

    assert "LIFE-INSURANCE" in before
    insured = {"LIFE-INSURANCE", "EDUCATION-PLAN", "HOME-INSURANCE"}
    assert after == {code: priority * (1.5 if code in insured else 1) for code, priority in before.items()}
