from pathlib import Path

PLUGIN = Path(__file__).with_name("emergency_fund.py")


def test_what_lies_on_accounts_by_what_a_month_needs(draw):
    bank = draw(
        """
        ann: person
        ann -HOLDS-> CURRENT-ACCOUNT opened_on=2020-01-01 balance=12000
        ann -HOLDS-> CONSUMER-LOAN opened_on=2020-01-01 balance=-9000
        """,
        PLUGIN,
    )
    [field] = [field for field, info in bank.host.of("fields") if info.name == "emergency_fund"]
    months = [field.resolve(bank.customer("ann"), monthly_needs=needs).months for needs in (5_000, 3_000)]
    assert months == [2.4, 4.0]
    assert field.resolve(bank.customer("ann")).cushion.value == "thin"
