from pathlib import Path

PLUGIN = Path(__file__).with_name("pension_model.py")


def test_it_finds_that_it_is_bought_by_who_earns(plant):
    planted = plant("PENSION", PLUGIN, among=lambda customer: (customer.income or 0) > 9_000)
    assert planted.auc("pension-model") > 0.7
