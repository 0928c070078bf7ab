"""A host follows its folders: what changed is new, what did not goes on, what is broken stays as it was."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from graph.records import StoredSettings
from plugins import host as hosts
from plugins.about import API_VERSION
from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from plugins.life import pauses
from plugins.life import reloading as looking
from plugins.life.reloading import AGAIN, STAYS, Reloading, add_anew
from plugins.loading import of_path
from plugins.source_texts import attribute_texts
from tests.waiting import PATIENCE, wait_until

ONE = """
from guanxi import Proposal, recommender

@recommender("one")
def propose(customer):
    yield Proposal("GOLD", 0.5)
"""
ENDLESS = "import time\nwhile True:\n    time.sleep(0.01)"
ENDLESS_HOOK = """
import time
from guanxi import hookimpl

@hookimpl
def gates(register):
    while True:
        time.sleep(0.01)
"""
SET = """
from guanxi import About, Proposal, hookimpl, recommender
from pydantic import BaseModel, Field

class Settings(BaseModel, frozen=True):
    score: float = Field(0.5, le=1, description="How sure.")

@hookimpl
def about():
    return About(settings=Settings)

@recommender("set")
def propose(customer, settings):
    yield Proposal("GOLD", settings.score)
"""
PROCESS = Isolation("process")
TWO = ONE.replace("GOLD", "SAVE")
OTHER = ONE.replace('"one"', '"other"')
PACKAGE = '[project]\nname = "packed"\n[project.entry-points."guanxi.plugins"]\npacked = "packed_of_tests.plugin"\n'


DESCRIBED = """
from dataclasses import dataclass
from guanxi import Field

@dataclass(frozen=True)
class Stay:
    \"\"\"A stay.\"\"\"

    nights: int
    "At most."

@hookimpl
def fields(register):
    register(Field("Customer", "stay", Stay, lambda customer: Stay(3), "His stay."))
"""


@pytest.fixture
def folder(plugin_folder):
    return plugin_folder(one=ONE, other=OTHER)


def proposed(host, batch, customers, catalogue, name="one"):
    [guarded] = [own for own in host.recommending.guarded(None) if own.name == name]
    scores = guarded.propose(batch(customers, catalogue)).scores
    return [code for code, score in zip(catalogue.codes, scores[0], strict=True) if score == score]


@pytest.fixture
def offers(batch, person, catalogue):
    """Return a function: what a host's recommender proposes."""
    return lambda host, name="one": proposed(host, batch, [person()], catalogue("GOLD", "SAVE"), name)


def test_a_changed_file_is_new_and_the_others_go_on_with_their_health(folder, offers):
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    assert (offers(host), offers(host, "other")) == (["GOLD"], ["GOLD"])
    (folder / "one.py").write_text(TWO)

    new = reloading.look(host)

    assert (offers(new), offers(host)) == (["SAVE"], ["GOLD"])
    assert {info.name: info.calls for info in new.recommending.infos() if info.plugin in {"one", "other"}} == {
        "one": 1,
        "other": 1,
    }
    assert [info.name for info in new.plugins] == [info.name for info in host.plugins]
    assert reloading.look(new) is None


def test_a_change_within_a_second_that_keeps_the_size_is_seen(folder, offers):
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    path = folder / "one.py"
    second = path.stat().st_mtime_ns // 10**9 * 10**9
    os.utime(path, ns=(second, second))
    host = reloading.look(host)
    assert offers(host) == ["GOLD"]
    path.write_text(TWO)
    os.utime(path, ns=(second + 1, second + 1))

    assert offers(reloading.look(host)) == ["SAVE"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def propose(:", "SyntaxError"),
        ("raise OSError('disk')", "OSError: disk"),
        (ONE + OTHER.replace("propose", "another"), "PluginError: a recommender named 'other' is there already"),
    ],
    ids=["syntax", "raises", "name taken"],
)
def test_a_broken_change_leaves_the_version_before_and_says_so_until_it_is_mended(folder, offers, source, error):
    (folder / "zeta.py").write_text(ONE.replace('"one"', '"zeta"'))
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "zeta.py").write_text(source.replace('"one"', '"zeta"'))

    broken = reloading.look(host)
    (folder / "one.py").write_text(TWO)
    later = reloading.look(broken)
    (folder / "zeta.py").write_text(TWO.replace('"one"', '"zeta"'))
    mended = reloading.look(later)

    for told in (broken, later):
        [info] = [info for info in told.plugins if info.name == "zeta"]
        assert info.state == "failing"
        assert info.error.startswith(f"{STAYS}{error}")
        assert offers(told, "zeta") == ["GOLD"]
    assert offers(later) == ["SAVE"]
    assert [(info.state, info.error) for info in mended.plugins if info.name == "zeta"] == [("loaded", None)]
    assert offers(mended, "zeta") == ["SAVE"]


def states(host):
    return {info.name: (info.state, info.told) for info in host.plugins if info.name in {"one", "other", "new"}}


def test_what_changed_in_a_host_that_was_not_put_in_service_says_so_and_comes_with_the_next_change(folder, offers):
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "one.py").write_text(TWO)
    (folder / "new.py").write_text(ONE.replace('"one"', '"new"'))
    assert reloading.look(host) is not None

    assert [reloading.look(host), reloading.look(host)] == [None, None]
    assert states(host) == {"one": ("failing", AGAIN), "other": ("loaded", None)}

    (folder / "other.py").write_text(OTHER.replace("GOLD", "SAVE"))
    new = reloading.look(host)
    assert [offers(new, name) for name in ("one", "other", "new")] == [["SAVE"], ["SAVE"], ["GOLD"]]
    assert states(new) == dict.fromkeys(["one", "other", "new"], ("loaded", None))
    (folder / "new.py").unlink()
    assert set(map(id, reloading.look(new).plugins)) < set(map(id, new.plugins))


def test_what_is_broken_stays_so_while_its_change_is_not_in_service(folder):
    (folder / "new.py").write_text("1 / 0")
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "new.py").write_text(ONE.replace('"one"', '"new"'))
    assert states(reloading.look(host))["new"] == ("loaded", None)

    assert reloading.look(host) is None
    assert states(host)["new"][0] == "broken"


def test_what_was_not_put_in_service_is_tried_again_ever_less_often(folder, offers, monkeypatch):
    now = 0.0
    monkeypatch.setattr(pauses, "time", SimpleNamespace(monotonic=lambda: now))
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "one.py").write_text(TWO)
    tried = []
    while now < 1000:
        if reloading.look(host) is not None:
            tried.append(now)
        now += 5.0

    assert tried == [0.0, 10.0, 30.0, 70.0, 150.0, 310.0, 630.0]
    now = 2000.0
    new = reloading.look(host)
    assert offers(new) == ["SAVE"]
    now = 9000.0
    assert reloading.look(new) is None


def test_changes_that_could_not_be_loaded_are_tried_again(folder, offers, monkeypatch, caplog):
    monkeypatch.setattr(looking, "AGAIN_SECONDS", 0.0)
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "one.py").write_text(TWO)
    with monkeypatch.context() as patched:
        patched.setattr(looking, "reloaded", lambda *_: 1 / 0)
        assert reloading.look(host) is None

    assert "what has changed of plugins cannot be loaded: ZeroDivisionError" in caplog.text
    assert states(host)["one"] == ("failing", AGAIN)
    assert offers(reloading.look(host)) == ["SAVE"]


def test_files_come_and_go(folder, offers):
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "new.py").write_text(ONE.replace('"one"', '"new"'))
    (folder / "other.py").unlink()

    new = reloading.look(host)

    assert offers(new, "new") == ["GOLD"]
    assert "other" not in {info.name for info in new.plugins}


class Lazy(ModuleType):
    """Imports something as soon as it is looked at, as other threads do meanwhile."""

    @property
    def __file__(self):
        sys.modules.setdefault(f"{self.__name__}.more", ModuleType("more"))


def test_a_file_that_changes_is_loaded_while_others_import(folder, offers, monkeypatch):
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    monkeypatch.setitem(sys.modules, "lazy_of_tests", Lazy("lazy_of_tests"))
    (folder / "one.py").write_text(TWO)

    assert offers(reloading.look(host)) == ["SAVE"]
    assert sys.modules.pop("lazy_of_tests.more")


def test_a_package_changes_with_all_its_modules(plugin_folder, offers):
    folder = plugin_folder()
    package = folder / "packed" / "packed_of_tests"
    package.mkdir(parents=True)
    (package.parent / "pyproject.toml").write_text(PACKAGE)
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(ONE.replace('"GOLD"', "CODE") + "\nfrom packed_of_tests.codes import CODE\n")
    (package / "codes.py").write_text('CODE = "GOLD"')
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    assert offers(host) == ["GOLD"]
    (package / "codes.py").write_text('CODE = "SAVE"')

    assert offers(reloading.look(host)) == ["SAVE"]


@pytest.mark.parametrize("source", [ENDLESS, ENDLESS_HOOK], ids=["import", "hook"])
def test_a_file_that_never_ends_is_broken_and_what_comes_after_it_is_loaded(folder, offers, monkeypatch, source):
    monkeypatch.setattr(hosts, "IMPORT_SECONDS", 0.2)
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "endless.py").write_text(source)
    host = reloading.look(host)
    (folder / "new.py").write_text(ONE.replace('"one"', '"new"'))

    later = reloading.look(host)

    assert [(info.state, info.error) for info in later.plugins if info.name == "endless"] == [
        ("broken", "TimeoutError: took longer than 200 ms")
    ]
    assert offers(later, "new") == ["GOLD"]
    (folder / "endless.py").write_text(ONE.replace('"one"', '"endless"'))
    assert offers(reloading.look(later), "endless") == ["GOLD"]


def test_a_newcomer_takes_no_name_of_what_is_in_service(folder, offers):
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "a_newcomer.py").write_text(TWO)

    new = reloading.look(host)

    [newcomer] = [info for info in new.plugins if info.name == "a_newcomer"]
    assert newcomer.error == f"PluginError: a recommender named 'one' is there already, from {folder / 'one.py'}"
    assert offers(new) == ["GOLD"]
    (folder / "one.py").unlink()
    assert offers(reloading.look(new)) == ["SAVE"]


def test_a_change_takes_no_name_of_what_is_in_service(folder, offers):
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    (folder / "one.py").write_text(OTHER.replace("GOLD", "SAVE"))
    (folder / "other.py").write_text("def broken(:")

    new = reloading.look(host)

    assert (offers(new), offers(new, "other")) == (["GOLD"], ["GOLD"])


def test_what_stored_settings_break_goes_on_once_they_are_mended(folder, offers):
    (folder / "set.py").write_text(SET)
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    host.take_settings({"set": StoredSettings("set", 1, {"score": 2})})
    (folder / "one.py").write_text(TWO)

    new = reloading.look(host)
    [broken] = [info.state for info in new.plugins if info.name == "set"]
    new.take_settings({"set": StoredSettings("set", 2, {"score": 1})})

    assert broken == "broken"
    assert [(info.state, info.error) for info in new.plugins if info.name == "set"] == [("loaded", None)]
    assert offers(new, "set") == ["GOLD"]


def test_the_version_before_a_broken_change_takes_settings_and_has_its_descriptions(folder, offers):
    (folder / "set.py").write_text(SET + DESCRIBED)
    host = PluginHost.load([folder])
    (folder / "set.py").write_text("torn")

    assert host.take_settings({"set": StoredSettings("set", 1, {"score": 0.8})})

    [info] = [info for info in host.plugins if info.name == "set"]
    assert (info.state, info.error) == ("loaded", None)
    assert offers(host, "set") == ["GOLD"]
    [own] = [own for own in host.loaded if own.info is info]
    [field] = own.registered.of("fields")
    assert attribute_texts(field.type) == {"nights": "At most."}


@pytest.mark.parametrize("is_shared", [False, True])
def test_the_process_of_what_is_added_anew_ends_unless_another_host_has_it(
    plugin_folder, person, batch, catalogue, is_shared
):
    folder = plugin_folder(one=f"import os\n{ONE.replace('0.5', '1 / os.getpid()')}")
    host = PluginHost.load([folder], shipped=(), isolation=Isolation("process"))
    [before] = host.recommending.guarded(None)
    asked = batch([person()], catalogue("GOLD"))
    pid = round(1 / before.propose(asked).scores[0, 0])

    add_anew(host, of_path(folder / "one.py"), is_shared=is_shared)

    try:
        wait_until(lambda: is_alive(pid) is is_shared)
    finally:
        host.close()


def is_alive(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = 1\ndef propose(:", "SyntaxError in one.py:2"),
        ("import os\n1 / 0", "ZeroDivisionError in one.py:2"),
        (
            ONE + "\nfrom guanxi import About, hookimpl\n@hookimpl\ndef about():\n    return About(api='>=2,<3')\n",
            f"PluginError: it is for the plugin API >=2,<3, and this is {API_VERSION}",
        ),
    ],
    ids=["syntax", "raises", "another API"],
)
def test_a_change_that_breaks_a_file_is_logged_once_and_so_is_its_mending(folder, caplog, source, why):
    caplog.set_level("INFO", "guanxi.plugins")
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    for name, text in (("one", source), ("other", OTHER.replace("0.5", "0.6")), ("one", f"{source}\n"), ("one", TWO)):
        (folder / f"{name}.py").write_text(text)
        host = reloading.look(host)
    (folder / "one.py").write_text(ONE)
    reloading.look(host)

    broken = f"plugin one: its changed file {folder / 'one.py'} is broken, and the version before serves: {why}"
    mended = f"plugin one: its file {folder / 'one.py'} is mended, and serves"
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", broken), ("WARNING", broken), ("INFO", mended)
    ]  # fmt: skip


def test_a_new_file_that_is_broken_is_logged_once_and_so_is_its_mending(folder, caplog):
    caplog.set_level("INFO", "guanxi.plugins")
    (folder / "old.py").write_text("1 / 0")
    host = PluginHost.load([folder])
    reloading = Reloading(host)
    for name, text in (
        ("new", "1 / 0"),
        ("other", OTHER.replace("0.5", "0.6")),
        ("new", TWO.replace('"one"', '"new"')),
    ):
        (folder / f"{name}.py").write_text(text)
        host = reloading.look(host)

    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", f"plugin new: its file {folder / 'new.py'} is broken: ZeroDivisionError in new.py:1"),
        ("INFO", f"plugin new: its file {folder / 'new.py'} is mended, and serves"),
    ]


SECRET = """
from guanxi import About, GuanxiError, hookimpl
from pydantic import BaseModel, Field, SecretStr

class Settings(BaseModel, frozen=True):
    token: SecretStr = Field(SecretStr("hunter2"), description="Opens it.")

@hookimpl
def about():
    return About(settings=Settings)

@hookimpl
def gates(register, settings):
    {body}
"""


@pytest.mark.parametrize("error", ["ValueError", "GuanxiError"])
def test_what_is_told_of_a_broken_change_quotes_no_secret(plugin_folder, error):
    folder = plugin_folder(secret=SECRET.format(body="pass"))
    host = PluginHost.load([folder], shipped=())
    reloading = Reloading(host)
    raising = f"raise {error}(settings.token.get_secret_value())"
    (folder / "secret.py").write_text(SECRET.format(body=raising))

    [info] = reloading.look(host).plugins

    assert (info.state, info.told) == ("failing", None)
    assert info.last_place == f"{error} in secret.py:14"


def process_of(host):
    [worker] = host.workers
    return worker._end.peek()[2][0]


@pytest.mark.parametrize("is_taken", [True, False], ids=["replaced", "not put in service"])
def test_the_process_of_a_version_that_does_not_serve_ends_once_requests_have_been_answered(
    plugin_folder, batch, person, catalogue, monkeypatch, is_taken
):
    folder = plugin_folder(one=ONE)
    former = PluginHost.load([folder], shipped=(), isolation=PROCESS)
    reloading = Reloading(former)
    (folder / "one.py").write_text(TWO)
    new = reloading.look(former)
    stays, goes = (new, former) if is_taken else (former, new)
    [flying], process = goes.recommending.guarded(None), process_of(goes)

    monkeypatch.setattr(looking, "GRACE_SECONDS", PATIENCE)
    assert reloading.look(stays) is None
    assert (flying.propose(batch([person()], catalogue("GOLD", "SAVE"))).scores == 0.5).any()
    assert process.poll() is None
    monkeypatch.setattr(time, "monotonic", lambda clock=time.monotonic: clock() + PATIENCE)
    again = reloading.look(stays)
    monkeypatch.undo()
    process.wait(PATIENCE)
    assert process_of(stays).poll() is None
    assert (again is None) is is_taken
    for host in filter(None, (stays, again)):
        host.close()
