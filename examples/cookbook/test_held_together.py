from pathlib import Path

PLUGIN = Path(__file__).with_name("held_together.py")


def test_it_finds_what_leads_to_what(plant):
    planted = plant("PENSION", PLUGIN, among=lambda customer: customer.holds("AUTOPAY"), rate=0.9, otherwise=0.05)
    assert planted.auc("held-together") > 0.7


def test_where_there_is_nothing_to_find_it_finds_nothing(plant):
    planted = plant("PENSION", PLUGIN, among=lambda _: False, otherwise=0.3)
    assert 0.3 < planted.auc("held-together") < 0.7
