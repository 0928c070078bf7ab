"""The hospital card of ``examples/hospital``: a programme that is no part of the core, written from the documentation."""

import re
from pathlib import Path

import pytest

import guanxi
from loaders.bank_directory import BankDirectory
from loaders.importing import check_bank
from plugins.host import PluginHost
from plugins.samples import write_sample

HOSPITAL = Path(__file__).parents[2] / "examples" / "hospital"


@pytest.fixture(scope="module")
def host():
    host = PluginHost.load()
    host.add_path(HOSPITAL)
    return host


def test_it_loads_and_registers_by_every_hook_that_a_programme_has(host):
    [info] = [plugin for plugin in host.plugins if plugin.name == "hospital"]
    hooks = ("recommenders", "gates", "events", "fields", "breakdowns", "samples")

    assert (info.state, info.error) == ("loaded", None)
    assert {hook for hook in hooks if any(own is info for _, own in host.of(hook))} == set(hooks)


def test_it_uses_names_of_guanxi_alone():
    source = "\n".join(path.read_text() for path in HOSPITAL.rglob("*.py"))
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    names = {
        name.strip()
        for line in re.findall(r"^from guanxi import (.+)", source, re.MULTILINE)
        for name in line.split(",")
    }

    assert imported == {"datetime", "guanxi", "guanxi_hospital", "numpy", "pathlib", "sys"}
    assert names <= set(guanxi.__all__)


async def test_its_sample_is_good_and_leaves_all_other_rows_as_they_are(host, tmp_path):
    write_sample(tmp_path / "with", 400, 1, host=host)
    write_sample(tmp_path / "without", 400, 1)

    lines = {name: [(tmp_path / name / file.name).read_text().splitlines() for file in sorted((tmp_path / "without").iterdir())]
             for name in ("with", "without")}  # fmt: skip
    assert (await check_bank(BankDirectory(tmp_path / "with"), tmp_path / "rejects.csv")).rejected == 0
    for more, less in zip(lines["with"], lines["without"], strict=True):
        if not more[0].startswith("programme_code"):  # this one has the contract's columns
            assert [line for line in more if line in set(less)] == less
    assert sum(map(len, lines["with"])) > sum(map(len, lines["without"]))
