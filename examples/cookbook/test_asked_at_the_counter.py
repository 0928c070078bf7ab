from pathlib import Path

PLUGIN = Path(__file__).with_name("asked_at_the_counter.py")


def test_an_enquiry_is_remembered_for_two_months(draw):
    draw(
        """
        ann: person
        ann -DID-> enquiry product_code=PENSION channel=branch at=2026-06-20T09:00:00Z
        ann => PENSION "You asked us about it."
        ann =/> FUND-MONEY asked-at-the-counter

        bob: person
        bob -DID-> enquiry product_code=PENSION channel=branch at=2026-04-20T09:00:00Z
        bob =/> PENSION asked-at-the-counter
        """,
        PLUGIN,
    )
