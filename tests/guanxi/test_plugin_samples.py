"""The plugins that docs/plugins.md shows do what it says of them."""

import json
import re
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from guanxi.checking import check_types
from plugins.host import PluginHost
from plugins.infos import SHIPPED

HOOKS = "levers", "jobs", "events"
"""One of each plugin that the page shows whole."""
PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()


def sample(hook):
    """The page's plugin that has a hook."""
    [found] = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if f"@hookimpl\ndef {hook}" in code]
    return found


@pytest.fixture
def loaded(tmp_path):
    """Return a function: what the page's plugin that has a hook registers by it."""

    def load(hook):
        (tmp_path / "plugins").mkdir()
        (tmp_path / "plugins" / "hospital.py").write_text(sample(hook))
        host = PluginHost.load([tmp_path / "plugins"])
        return [one for one, info in host.of(hook) if info.name == "hospital"]

    return load


@pytest.mark.parametrize("hook", HOOKS)
def test_its_types_hold(tmp_path, hook):
    (tmp_path / "hospital.py").write_text(sample(hook))
    assert [finding.told for finding in check_types(tmp_path / "hospital.py")] == ["mypy has nothing to say"]


def test_the_format_reads_a_folder(guanxi, loaded, tmp_path):
    [one] = loaded("formats")
    rows = {
        "customers": "customer_no,kind\nH1,person\nH2,person\nH3,person",
        "products": "product_code,name,category\nCARD,Card,card",
        "holdings": "customer_no,product_code\nH1,CARD",
    }
    for table, text in rows.items():
        (tmp_path / one.open(tmp_path).file_name(table)).write_text(text)
    asked = "--format", one.name, "--option", "beds=2", "--json"
    checked = guanxi(tmp_path, "check", tmp_path, *asked, GUANXI_PLUGINS=str(tmp_path / "plugins"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert {file["file"]: file["read"] for file in json.loads(checked.stdout)["files"]} == {
        "customers.txt": 2,
        "products.txt": 1,
        "holdings.txt": 1,
    }


def test_the_page_names_all_life_events_of_ours(loaded):
    said = PAGE.partition("Ours are")[2].partition("\n\n")[0]
    shipped = {event.code for event, info in PluginHost.load().of("events") if info.source == SHIPPED}
    assert set(re.findall("`([A-Z_]+)`", said)) == shipped
    assert [event.code for event in loaded("events")] == ["CAMPUS_JOINED"]


def test_the_job_writes_the_best_offer_of_everybody_below_one_heading(draw, loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bank = draw("ann: person\nbob: person\ncid: person")
    monkeypatch.setattr(bank, "pages", partial(bank.pages, 1))
    [job] = loaded("jobs")
    job.run(bank)

    best = pl.read_csv("best.csv")
    assert best["customer_no"].to_list() == ["ann", "bob", "cid"]
    assert best["rank"].to_list() == [1, 1, 1]


def test_the_job_writes_the_heading_alone_for_a_bank_without_customers(draw, loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [job] = loaded("jobs")
    job.run(draw("CARD: product category=card"))

    assert pl.read_csv("best.csv").height == 0
