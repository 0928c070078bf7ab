from pathlib import Path

PLUGIN = Path(__file__).with_name("deposit_matures.py")


def test_a_month_before_the_end_of_its_year(draw):
    draw(
        """
        ann: person
        ann -HOLDS-> TERM-DEPOSIT opened_on=2025-07-10
        ann => FUND-MONEY "matures soon"

        bob: person  # it was renewed a week ago
        bob -HOLDS-> TERM-DEPOSIT opened_on=2025-06-23
        bob =/> FUND-MONEY deposit-matures

        eve: person  # it is closed
        eve -HOLDS-> TERM-DEPOSIT opened_on=2025-07-10 closed_on=2026-01-01
        eve =/> FUND-MONEY deposit-matures
        """,
        PLUGIN,
    )
