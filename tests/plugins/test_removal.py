"""Each shipped programme can be left out, and then nothing of it is there, and all else is as it was."""

from pathlib import Path

import pytest

from graph.errors import SettingsError
from loaders.bank_directory import BankDirectory
from loaders.importing import check_bank
from plugins.claims import held_back
from plugins.deciding import build_engine
from plugins.host import DEFAULT_PLUGINS, PluginHost
from plugins.leaving_out import kept
from plugins.registration import KINDS
from plugins.samples import parts, write_sample
from recommenders.contract import Context

PROGRAMMES = ["campus", "tobacco", "family", "cobranded"]
EVERYTHING = 99
ADDED = {
    "campus": {"recommenders", "gates", "events", "fields", "breakdowns", "samples"},
    "tobacco": {"recommenders", "gates", "events", "fields", "breakdowns", "samples"},
    "family": {"recommenders", "gates", "events", "fields", "breakdowns", "samples"},
    "cobranded": {"recommenders", "events", "fields", "breakdowns", "samples"},
}
"""By which hooks each adds something; bundles come of a catalogue."""


def leaving(names):
    return PluginHost.load(shipped=kept(DEFAULT_PLUGINS, names))


def contents(folder):
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "bank"
    write_sample(folder, 400, 1)
    return folder


@pytest.mark.parametrize("name", PROGRAMMES)
def test_a_host_without_it_has_all_that_others_register_and_nothing_of_it(name):
    host, rest = PluginHost.load(), leaving([name])

    for hook in KINDS:
        found = [(info.name, type(item)) for item, info in host.of(hook)]
        assert [(info.name, type(item)) for item, info in rest.of(hook)] == [own for own in found if own[0] != name]
        assert (name in dict(found)) == (hook in ADDED[name]), hook
    assert [info.name for info in rest.plugins] == [info.name for info in host.plugins if info.name != name]


@pytest.mark.parametrize("name", PROGRAMMES)
async def test_the_sample_bank_without_it_is_a_good_bank_that_has_no_row_of_it(name, whole, tmp_path):
    write_sample(tmp_path / "bank", 400, 1, host=leaving([name]))
    [part] = [part for part in parts(PluginHost.load()) if part.name == name]
    keys = [("partners", "partner_code"), ("programmes", "programme_code"), ("products", "product_code")]
    codes = {row[key] for table, key in keys for row in getattr(part, table)}
    words = codes | set(part.purposes.values()) | set(part.shops or ())

    assert words
    assert {word for word in words if any(word in text for text in contents(whole).values())} == words
    assert {word for word in words if any(word in text for text in contents(tmp_path / "bank").values())} == set()
    assert (await check_bank(BankDirectory(tmp_path / "bank"), tmp_path / "rejects.csv")).rejected == 0


def test_a_bank_may_do_without_all_of_them(tmp_path):
    write_sample(tmp_path / "bank", 50, 1, host=leaving(PROGRAMMES))

    assert contents(tmp_path / "bank")["programmes.csv"].count("\n") == 1


@pytest.mark.parametrize("name", PROGRAMMES)
def test_offers_that_are_not_its_own_are_the_same_to_the_bit(name, bank):
    """But that what its gates alone refused is refused no more, and its products are offered by nobody."""
    numbers = sorted(bank.table("customers")["customer_no"])
    batch, records = bank.batch(numbers), bank._records(numbers)

    def answers(host):
        found = build_engine(bank.catalogue, host, None).answer(records, Context(bank.today, None, EVERYTHING))
        return {(own.customer_no, offer.product.product_code): offer for own in found for offer in own.offers}, {
            (own.customer_no, bundle.rule.code) for own in found for bundle in own.bundles
        }

    def said(offer):
        return offer.propensity, offer.priority, offer.value, offer.recommenders, offer.reasons

    host = PluginHost.load()
    gates = [gate for gate, info in host.of("gates") if info.name == name]
    refused = {
        (numbers[row], bank.catalogue.codes[column])
        for gate in gates
        for row, column in zip(*gate.refuses(batch).nonzero(), strict=True)
    }
    (before, bundles), (after, fewer) = answers(host), answers(leaving([name]))
    held = {own.product_code for own in held_back(bank.catalogue, leaving([name]))}
    others = {
        pair: said(offer) for pair, offer in before.items() if name not in offer.recommenders and pair[1] not in held
    }

    assert held
    assert {code for _, code in after} & held == set()
    assert {pair: said(offer) for pair, offer in after.items() if pair in others} == others
    assert {pair for pair in after.keys() - before.keys() if pair not in refused} == set()
    assert not any(name in offer.recommenders for offer in after.values())
    assert len(others) < len(before)
    own = {rule.code for rule in host.rules(bank.catalogue).bundles}
    left = {rule.code for rule in leaving([name]).rules(bank.catalogue).bundles}
    assert left < own or name in {"family", "cobranded"}
    assert {bundle for bundle in bundles if bundle[1] in left} <= fewer


@pytest.mark.parametrize("name", ["campos", "shipped", ""])
def test_only_programmes_can_be_left_out(name):
    with pytest.raises(SettingsError, match=f"GUANXI_WITHOUT names '{name}'; what can be left out is campus, tobacco"):
        leaving(["family", name])


def test_no_part_of_the_core_imports_one():
    root = Path(__file__).parents[2]
    naming = [
        str(path.relative_to(root))
        for folder in ("api", "graph", "guanxi", "loaders", "plugins", "recommenders")
        for path in (root / folder).rglob("*.py")
        if path.parent.name not in PROGRAMMES and any(f"plugins.{name}" in path.read_text() for name in PROGRAMMES)
    ]

    assert naming == []
