from pathlib import Path

PLUGIN = Path(__file__).with_name("loyal_savers.py")


def test_three_years_unless_it_is_set_otherwise(draw):
    draw(
        """
        ann: person joined_on=2020-01-01
        ann -HOLDS-> CURRENT-ACCOUNT opened_on=2020-01-01
        ann => TERM-DEPOSIT "For your loyalty."
        bob: person joined_on=2025-01-01
        bob -HOLDS-> CURRENT-ACCOUNT opened_on=2025-01-01
        bob =/> TERM-DEPOSIT loyal-savers
        """,
        PLUGIN,
    )
