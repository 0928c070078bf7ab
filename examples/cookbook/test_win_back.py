from pathlib import Path

PLUGIN = Path(__file__).with_name("win_back.py")


def test_who_has_gone_quiet(draw):
    bank = draw(
        """
        ann: person joined_on=2015-01-01
        ann -HOLDS-> CURRENT-ACCOUNT opened_on=2015-01-01
        ann -EARNS-> 9000 months=24 until=2025-08
        ann => MOBILE-BANKING win-back

        bob: person joined_on=2015-01-01
        bob -HOLDS-> CURRENT-ACCOUNT opened_on=2015-01-01
        bob -EARNS-> 9000 months=24
        bob =/> MOBILE-BANKING win-back
        """,
        PLUGIN,
    )
    assert [str(bank.customer(name).stage) for name in ("ann", "bob")] == ["dormant", "mature"]
