"""A plugin that is installed and given as a folder, a module or a function as well: what is given takes its place."""

import importlib
import sys
from contextlib import nullcontext

import pytest

from graph.errors import PluginError, SettingsError
from guanxi.bank import take_in
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from plugins.life.reloading import Reloading

PROJECT = """
[project]
name = "guanxi-twin"
version = "1"

[project.entry-points."guanxi.plugins"]
twin = "guanxi_twin"
"""
PLUGIN = """
from guanxi import Proposal, recommender

@recommender("twin")
def propose(customer, catalogue):
    yield Proposal("A", {score})
"""
BROKEN = "from guanxi import hookimpl\n\n@hookimpl\ndef gates(register):\n    1 / 0\n"


@pytest.fixture(autouse=True)
def forgetting(monkeypatch):
    """What a test imports, no other test finds."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a package, which is installed as it was before, when it had another score."""
    source, site = tmp_path / "guanxi-twin", tmp_path / "site"
    for place, score in ((source / "src", 0.75), (site, 0.25)):
        (place / "guanxi_twin").mkdir(parents=True)
        (place / "guanxi_twin" / "__init__.py").write_text(PLUGIN.format(score=score))
    (source / "pyproject.toml").write_text(PROJECT)
    about = site / "guanxi_twin-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: guanxi-twin\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[guanxi.plugins]\ntwin = guanxi_twin\n")
    (about / "RECORD").write_text("guanxi_twin/__init__.py,,\n")
    monkeypatch.syspath_prepend(site)
    return source


@pytest.fixture
def host():
    host = PluginHost.load(shipped=())
    yield host
    host.close()


def scores(host, asked):
    return [float(own.propose(asked).scores[0, 0]) for own in host.recommenders()]


def test_the_folder_takes_the_place_of_what_is_installed(folder, host, batch, person, catalogue):
    asked = batch([person()], catalogue("A"))
    assert scores(host, asked) == [0.25]
    info = take_in(host, folder)
    assert [plugin.source for plugin in host.plugins] == [info.source]
    assert (info.source, scores(host, asked)) == (str(folder), [0.75])


def test_so_it_does_where_plugins_have_processes(folder, batch, person, catalogue):
    host = PluginHost.load([folder.parent], shipped=(), isolation=Isolation("process"))
    try:
        assert [(plugin.name, plugin.state) for plugin in host.plugins] == [("guanxi-twin", "loaded")]
        assert (len(host._workers), scores(host, batch([person()], catalogue("A")))) == (1, [0.75])
    finally:
        host.close()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("part", [lambda module: module, lambda module: module.propose], ids=["module", "function"])
def test_so_does_what_a_test_gives(host, part):
    info = take_in(host, part(importlib.import_module("guanxi_twin")))
    assert ([plugin.source for plugin in host.plugins], info.recommenders) == (["here"], ["twin"])


@pytest.mark.usefixtures("folder")
def test_a_module_of_the_same_beginning_is_another(host, tmp_path):
    path = tmp_path / "guanxi_twin_two.py"
    path.write_text(PLUGIN.format(score=1.0).replace('"twin"', '"two"'))
    take_in(host, path)
    assert [plugin.name for plugin in host.plugins] == ["twin", "guanxi_twin_two"]


@pytest.mark.usefixtures("folder")
def test_what_is_given_twice_is_told_in_a_line(host):
    module = importlib.import_module("guanxi_twin")
    take_in(host, module)
    again = host.add(module, "again", "elsewhere")
    assert (again.state, again.error) == ("broken", "PluginError: it is loaded already")


@pytest.mark.parametrize("without", ["twin", "Twin", "campus,twin"])
def test_what_is_installed_is_left_out_by_its_name(folder, without):
    def names(**settings):
        host = load_plugins(Settings.model_validate({"home": folder / "home", **settings}))
        host.close()
        return {plugin.name for plugin in host.plugins}

    whole, left = names(), names(without=without)

    assert whole - left == {*without.lower().split(",")}
    assert "guanxi-twin" in names(without="twin", plugins=str(folder.parent))  # a folder's is taken out
    with pytest.raises(SettingsError, match=r"GUANXI_WITHOUT names 'twim'; what can be left out is campus, .*, twin\."):
        names(without="twim")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("source", [BROKEN, "HERE = 1\n"])
def test_one_that_is_broken_or_registers_nothing_leaves_what_is_installed(host, tmp_path, source):
    path = tmp_path / "guanxi_twin.py"
    path.write_text(source)
    [before] = host.plugins

    with pytest.raises(PluginError):
        take_in(host, path)

    assert [plugin is before for plugin in host.plugins if plugin.state == "loaded"] == [True]
    assert [recommender.name for recommender in host.recommenders()] == ["twin"]


@pytest.mark.usefixtures("folder")
def test_so_does_a_file_that_comes_to_a_server(tmp_path):
    watched = tmp_path / "watched"
    watched.mkdir()
    host = PluginHost.load([watched], shipped=())
    reloading = Reloading(host)
    (watched / "guanxi_twin.py").write_text(BROKEN)

    new = reloading.look(host)

    assert [(plugin.name, plugin.state) for plugin in new.plugins] == [("twin", "loaded"), ("guanxi_twin", "broken")]
    assert [recommender.name for recommender in new.recommenders()] == ["twin"]
    (watched / "guanxi_twin.py").write_text(PLUGIN.format(score=0.5))
    newer = reloading.look(new)
    assert [(plugin.name, plugin.state) for plugin in newer.plugins] == [("guanxi_twin", "loaded")]


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("@hookimpl(specname='gates')\ndef mine(register):\n    pass", True),
        (
            "@hookimpl(optionalhook=True)\ndef of_later(register):\n    pass\n\n@hookimpl\ndef gates(register):\n    pass",
            True,
        ),
        ("def mine(register):\n    pass", False),
    ],
)
def test_what_is_a_hook_by_its_mark_registers_something(host, tmp_path, source, is_one):
    path = tmp_path / "marked.py"
    path.write_text(f"from guanxi import hookimpl\n\n{source}\n")
    with nullcontext() if is_one else pytest.raises(PluginError, match="registers nothing"):
        assert take_in(host, path).state == "loaded"
