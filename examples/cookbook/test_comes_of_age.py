from datetime import date
from pathlib import Path

PLUGIN = Path(__file__).with_name("comes_of_age.py")


def test_around_the_eighteenth_birthday(draw):
    bank = draw(
        """
        ann: person birth_date=2008-07-20
        ann => DEBIT-CARD "now that you are of age"
        bob: person birth_date=2007-07-20
        bob =/> DEBIT-CARD comes-of-age
        """,
        PLUGIN,
    )
    [event] = [event for event, info in bank.host.of("events") if info.name == "comes_of_age"]
    assert event.on(bank.customer("ann")) == date(2026, 7, 20)
