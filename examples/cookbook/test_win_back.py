from pathlib import Path

PLUGIN = Path(__file__).with_name("win_back.py")


def test_who_has_gone_quiet_or_is_likely_to_leave(draw):
    bank = draw(
        """
        ann: person joined_on=2015-01-01
        ann -HOLDS-> CURRENT-ACCOUNT opened_on=2015-01-01
        ann -EARNS-> 9000 months=24 until=2025-08
        ann => MOBILE-BANKING win-back

        bob: person joined_on=2015-01-01
        bob -HOLDS-> CURRENT-ACCOUNT opened_on=2015-01-01
        bob -EARNS-> 9000 months=24
        bob -SEEMS-> S1 churn=0.1
        bob =/> MOBILE-BANKING win-back

        eve: person joined_on=2015-01-01
        eve -HOLDS-> CURRENT-ACCOUNT opened_on=2015-01-01
        eve -EARNS-> 9000 months=24
        eve -SEEMS-> S1 churn=0.4
        eve => MOBILE-BANKING win-back
        """,
        PLUGIN,
    )
    assert [str(bank.customer(name).stage) for name in ("ann", "bob", "eve")] == ["dormant", "mature", "mature"]
