"""What will go is told with each use, by the hook's specification or the name itself; nothing is deprecated yet."""

from datetime import date
from types import SimpleNamespace

import pluggy
import pytest

import guanxi
from plugins import deprecation, hookspecs
from plugins.deprecation import NAMES, Deprecation, GuanxiDeprecationWarning, deprecated_name
from plugins.host import PluginHost

OLD = Deprecation("the hook old", "1.1", date(2027, 2, 28), "2.0", "the hook new")
ARGUMENT = Deprecation("the argument worn of worded", "1.1", date(2027, 2, 28), "2.0", "word")
TOLD = "the hook old is deprecated since plugin API 1.1 and goes with 2.0, not before 2028-02-28; use the hook new"
TOLD_OF_ARGUMENT = "the argument worn of worded is deprecated since plugin API 1.1 and goes with 2.0, not before 2028-02-28; use word"  # fmt: skip


class Later:
    """Hooks as a later version may specify them."""

    @staticmethod
    @hookspecs.hookspec(warn_on_impl=OLD.warning)
    def old():
        """Will go."""

    @staticmethod
    @hookspecs.hookspec(warn_on_impl_args={"worn": ARGUMENT.warning})
    def worded(word, worn):
        """Has an argument that will go."""


class Plain:
    @staticmethod
    @hookspecs.hookimpl
    def worded(word):
        return word


class Behind:
    @staticmethod
    @hookspecs.hookimpl
    def old():
        """As before."""

    @staticmethod
    @hookspecs.hookimpl
    def worded(worn):
        return worn


@pytest.fixture
def host():
    host = PluginHost()
    host._manager.add_hookspecs(Later)
    return host


@pytest.mark.filterwarnings("always::plugins.deprecation.GuanxiDeprecationWarning")
def test_a_plugin_that_uses_what_will_go_runs_and_it_is_told(host):
    with pytest.warns(GuanxiDeprecationWarning) as warned:
        behind = host.add(Behind, "behind", "test")

    assert (behind.state, sorted(behind.deprecations)) == ("loaded", sorted([TOLD, TOLD_OF_ARGUMENT]))
    assert sorted(str(one.message) for one in warned) == sorted(behind.deprecations)
    assert {one.filename for one in warned} == {__file__}
    assert host._manager.hook.worded(word="a", worn="b") == ["b"]


def test_a_plugin_that_does_not_is_told_of_nothing(host):
    assert (host.add(Plain, "plain", "test").deprecations, host._manager.hook.worded(word="a", worn="b")) == ([], ["a"])


@pytest.mark.filterwarnings("always::plugins.deprecation.GuanxiDeprecationWarning")
def test_a_name_that_will_go_is_given_and_told(monkeypatch, tmp_path):
    gone = Deprecation("guanxi.Shelf", "1.1", date(2027, 1, 31), "2.0", "guanxi.Catalogue")
    monkeypatch.setattr(deprecation.deprecated_name, "__defaults__", ({"Shelf": (gone, __name__)},))
    monkeypatch.setitem(globals(), "Shelf", SimpleNamespace(name="shelf"))
    monkeypatch.setattr(deprecation, "import_module", lambda _: SimpleNamespace(**globals()))
    (tmp_path / "behind.py").write_text("from guanxi import Shelf\n")

    with pytest.warns(GuanxiDeprecationWarning) as warned:
        info = PluginHost().add_path(tmp_path / "behind.py")

    assert (info.state, info.deprecations) == ("loaded", [str(gone.warning)])
    assert {one.filename for one in warned} == {str(tmp_path / "behind.py")}


def test_a_name_that_never_was_is_no_name():
    with pytest.raises(AttributeError, match="module 'guanxi' has no attribute 'Shelf'"):
        _ = guanxi.Shelf
    with pytest.raises(AttributeError):
        deprecated_name("Shelf")


@pytest.mark.parametrize("removed_in", ["1.0", "1.1", "1.2", "1.9"])
def test_nothing_goes_with_a_version_by_which_no_plugin_has_to_change(removed_in):
    with pytest.raises(ValueError, match="cannot go"):
        Deprecation("a", "1.1", date(2027, 1, 31), removed_in, "b")


def test_nothing_is_deprecated_yet():
    manager = pluggy.PluginManager("guanxi")
    manager.add_hookspecs(hookspecs)
    specs = [caller.spec for caller in vars(manager.hook).values() if getattr(caller, "spec", None)]
    assert specs
    assert all(spec.warn_on_impl is None and not spec.warn_on_impl_args for spec in specs)
    assert NAMES == {}
