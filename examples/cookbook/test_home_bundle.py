from pathlib import Path

PLUGIN = Path(__file__).with_name("home_bundle.py")


def test_each_mortgage_with_what_needs_one(draw):
    rules = {rule.code: rule.products for rule in draw("ann: person", PLUGIN).engine.bundle_rules}
    assert rules["HOME-MORTGAGE+HOME-INSURANCE"] == ("MORTGAGE", "HOME-INSURANCE")


def test_a_bank_without_mortgages_has_no_such_bundle(draw):
    bank = draw("SAVE: product category=deposit", PLUGIN)
    assert bank.engine.bundle_rules == ()
