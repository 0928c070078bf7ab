from pathlib import Path

PLUGIN = Path(__file__).with_name("no_debt_on_debt.py")


def test_who_was_overdrawn_is_refused_a_loan_and_nothing_else(draw):
    bank = draw(
        """
        ann: person
        ann -EARNS-> 9000 months=12 lowest_balance=-50
        ann =/> CONSUMER-LOAN NO_DEBT_ON_DEBT
        bob: person
        bob -EARNS-> 9000 months=12 lowest_balance=50
        """,
        PLUGIN,
    )
    codes = {number: [r.code for r in bank.decide(number, "CONSUMER-LOAN").refusals] for number in ("ann", "bob")}
    assert codes == {"ann": ["NO_DEBT_ON_DEBT"], "bob": []}
    assert "NO_DEBT_ON_DEBT" not in {refusal.code for refusal in bank.decide("ann", "PENSION").refusals}
