"""The plugins that docs/plugins.md shows do what it says of them."""

import re
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from plugins.host import PluginHost

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


def test_the_job_writes_the_best_offer_of_everybody_below_one_heading(draw, loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bank = draw("ann: person\nbob: person\ncid: person")
    monkeypatch.setattr(bank, "pages", partial(bank.pages, 1))
    [job] = loaded("jobs")
    job.run(bank)

    best = pl.read_csv("best.csv")
    assert best["customer_no"].to_list() == ["ann", "bob", "cid"]
    assert best["rank"].to_list() == [1, 1, 1]
