"""What file and environment say of plugins that no plugin has is told, with what is nearly named so."""

import pytest

from plugins.host import PluginHost
from plugins.settings.held import Sources, named, setting_name
from plugins.settings.misspelt import misspelt

PLUGIN = """
from pydantic import BaseModel, Field
from guanxi import About, hookimpl

class Where(BaseModel, frozen=True):
    floor: int = Field(1, description="How high.")

class Settings(BaseModel, frozen=True):
    months: int = Field(12, description="How many.")
    weights: dict[str, float] = Field({}, description="How much.")
    where: Where = Field(Where(), description="Where.")

@hookimpl
def about():
    return About(settings=Settings)
"""
JSON = {"GUANXI_PLUGIN_SALARY_CARD_WEIGHTS": '{"A": 1}', "GUANXI_PLUGIN_SALARY_CARD_WHERE": '{"floor": 2}'}
OWN = ("GUANXI_PLUGINS", "GUANXI_PLUGIN_SETTINGS", "GUANXI_HOME")


@pytest.fixture
def slips(tmp_path):
    """Return a function: what is misspelt in tables and names of the environment."""
    (tmp_path / "salary_card.py").write_text(PLUGIN)
    (tmp_path / "broken.py").write_text("1 / 0")

    def find(tables=(), environ=()):
        written = {setting_name(name): name for name in dict(tables)}
        sources = Sources(named(dict(tables)), dict.fromkeys(environ, "7") | JSON, written)
        host = PluginHost.load([tmp_path], sources=sources)
        host.add(object(), "autopay-nudge", "here")
        assert [info.name for info in host.plugins if info.error] == ["broken"]
        return misspelt(host, sources, OWN)

    return find


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"salery-card": {"months": 6}}, "The file of plugins' settings has 'salery-card', and no such plugin is loaded; is 'salary_card' meant?"),
        ({"plugin": {"Salary-Card": {"months": 6}}}, "The file of plugins' settings has 'plugin', and no such plugin is loaded; is 'salary_card' meant?"),
        ({"months": 6}, "The file of plugins' settings has 'months', and no such plugin is loaded."),
        ({"Autopay-Nudg": {}}, "The file of plugins' settings has 'Autopay-Nudg', and no such plugin is loaded; is 'autopay-nudge' meant?"),
        ({"Campus": {"months": 6}}, "The file of plugins' settings has a table 'Campus', and that plugin has no settings."),
    ],
)  # fmt: skip
def test_a_table_of_no_plugin_is_told(slips, tables, told):
    assert slips(tables) == [told]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GUANXI_PLUGIN_SALERY_CARD_MONTHS", "; is 'GUANXI_PLUGIN_SALARY_CARD_MONTHS' meant?"),
        ("GUANXI_PLUGINS_SALARY_CARD_MONTHS", "; is 'GUANXI_PLUGIN_SALARY_CARD_MONTHS' meant?"),
        ("GUANXI_PLUGIN_SALARY_CARD_WHERE__FLOR", "; is 'GUANXI_PLUGIN_SALARY_CARD_WHERE__FLOOR' meant?"),
        ("GUANXI_PLUGIN_SALARY_CARD_WEIGHT__A", "; is 'GUANXI_PLUGIN_SALARY_CARD_WEIGHTS' meant?"),
        ("GUANXI_PLUGIN_SETTING", "; is 'GUANXI_PLUGIN_SETTINGS' meant?"),
        ("GUANXI_PLUGIN_QUITE_ANOTHER", "."),
    ],
)
def test_a_name_of_the_environment_that_sets_nothing_is_told(slips, name, meant):
    assert slips(environ=[name]) == [f"{name} sets nothing of a plugin that is loaded{meant}"]


def test_what_sets_something_or_is_of_a_broken_plugin_is_not_told(slips):
    tables = {"salary-card": {"months": 6}, "broken": {"x": 1}}
    names = ["MONTHS", "months", "WEIGHTS__A", "WHERE__FLOOR"]
    environ = [*(f"GUANXI_PLUGIN_SALARY_CARD_{name}" for name in names), "GUANXI_PLUGIN_BROKEN_X", *OWN, "PATH"]

    assert slips(tables, environ) == []
