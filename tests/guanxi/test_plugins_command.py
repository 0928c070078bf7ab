"""``guanxi plugins new`` and ``check``, as somebody from marketing uses them."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.guanxi.checks import failures


@pytest.fixture(scope="module")
def written(guanxi, tmp_path_factory):
    """A folder with a new plugin of each size, and what the command said of it."""
    folder = tmp_path_factory.mktemp("written")
    sizes = ("function", "class", "package")
    said = {
        size: guanxi(folder, "plugins", "new", f"salary-{size}", "--size", size, "--into", folder) for size in sizes
    }
    return folder, said


def pytest_in(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_each_size_comes_with_a_test_that_passes(written):
    folder, said = written
    assert {run.returncode for run in said.values()} == {0}
    for size, passed in (("function", 3), ("class", 1), ("package", 2)):
        own = folder / f"salary-{size}"
        assert f"Next: pytest {own} && " in said[size].stdout
        assert {path.name for path in own.iterdir()} >= {"README.md", "pyproject.toml"}
        ran = pytest_in(own)
        assert f"{passed} passed" in ran.stdout, ran.stdout


def test_the_test_of_a_new_plugin_fails_when_the_plugin_is_broken(written, tmp_path):
    folder, _ = written
    for path in (folder / "salary-function").glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text().replace(">= 12", ">= 13"))
    ran = pytest_in(tmp_path, "test_salary_function.py")
    assert "1 failed, 2 passed" in ran.stdout, ran.stdout


def test_a_folder_of_new_plugins_is_served_as_it_is(written, guanxi):
    folder, _ = written
    listed = json.loads(guanxi(folder, "plugins", "--json", GUANXI_PLUGINS=str(folder)).stdout)
    assert {plugin["name"]: plugin["state"] for plugin in listed if str(folder) in plugin["source"]} == {
        "salary-class": "loaded",
        "salary-function": "loaded",
        "salary-package": "loaded",
    }


def test_nothing_is_overwritten(written, guanxi):
    folder, _ = written
    plugin = folder / "salary-function" / "salary_function.py"
    before = plugin.read_text()
    again = guanxi(folder, "plugins", "new", "salary-function", "--into", folder)
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr
    assert plugin.read_text() == before


@pytest.mark.parametrize(
    "name",
    [
        "Salary",
        "1st",
        "a b",
        "../up",
        "x" * 61,
        "",
        "json",
        "import",
        "api",
        "graph",
        "guanxi",
        "plugins",
        "polars",
        "campus",
        "sample-bank",
        "als",
    ],
)
def test_a_name_that_is_none_is_refused(guanxi, tmp_path, name):
    said = guanxi(tmp_path, "plugins", "new", name, "--into", tmp_path)
    assert (said.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "is no name of a plugin" in said.stderr


def test_what_takes_the_name_of_a_package_alone_may_be_a_package(guanxi, tmp_path):
    assert guanxi(tmp_path, "plugins", "new", "api", "--size", "package", "--into", tmp_path).returncode == 0


def test_by_default_it_goes_where_no_server_loads_it(command, tmp_path):
    watched, here = tmp_path / "plugins", tmp_path / "here"
    here.mkdir()
    new = command(tmp_path, "plugins", "new", "salary", GUANXI_PLUGINS=str(watched))
    for code in (0, 2):
        said = subprocess.run(**new, cwd=here, capture_output=True, timeout=60)
        assert said.returncode == code, said.stderr
        assert (here / "salary" / "salary.py").exists()
        assert not watched.exists()
    assert "is there already" in said.stderr


@pytest.mark.parametrize(
    ("new", "told"),
    [("live", "live: it decides"), ("shadow", "shadow: it is asked"), ("draft", "draft: no offer of it is made")],
)
def test_who_writes_a_new_one_hears_how_it_gets_into_service(guanxi, tmp_path, new, told):
    settings = {"GUANXI_NEW_PLUGINS": new}
    beside = guanxi(tmp_path, "plugins", "new", "salary", "--into", tmp_path, **settings).stdout
    watched = guanxi(
        tmp_path, "plugins", "new", "deposit", "--into", tmp_path, GUANXI_PLUGINS=str(tmp_path), **settings
    ).stdout
    assert "load it at once" not in beside
    assert f"servers load it at once, and it is {told}" in watched
    assert f"put {tmp_path} into GUANXI_PLUGINS" in beside
    assert ("GUANXI_NEW_PLUGINS=shadow" in beside) == (new == "live")
    for said, name in ((beside, "salary"), (watched, "deposit")):
        assert f"guanxi plugins stage {name} " in said


@pytest.mark.parametrize(
    "plugin", ["salary-function", "salary-function/salary_function.py", "salary-class", "salary-package"]
)
def test_what_is_new_passes_every_check(written, checked, plugin):
    folder, _ = written
    found = checked(folder / plugin)
    assert failures(found) == []
    assert any("whenever it is asked" in finding.told for finding in found)


@pytest.mark.parametrize("given", ["folder", "salary-package"])
def test_what_is_installed_is_checked_by_its_folder_and_by_its_name(written, guanxi, tmp_path, given):
    folder, _ = written
    package = folder / "salary-package"
    shutil.copytree(package / "src", tmp_path / "site")
    about = tmp_path / "site" / "guanxi_salary_package-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: guanxi-salary-package\nVersion: 1\n")
    points = tomllib.loads((package / "pyproject.toml").read_text())["project"]["entry-points"]["guanxi.plugins"]
    (about / "entry_points.txt").write_text(
        "\n".join(["[guanxi.plugins]", *(f"{name} = {value}" for name, value in points.items())])
    )
    files = (path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*.py"))
    (about / "RECORD").write_text("\n".join(f"{path},," for path in files))
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    plugin = package if given == "folder" else next(iter(points))

    said = guanxi(tmp_path, "plugins", "check", plugin, "--customers", 60, "--json", PYTHONPATH=path)

    found = json.loads(said.stdout)
    assert (said.returncode, [one["check"] for one in found if one["passed"] is False]) == (0, []), said.stdout
    changed = next(one["told"] for one in found if one["check"] == "what changes")
    assert not changed.startswith("0 of"), "it is held against the bank without it"


LATE = "took longer than"
FAULTS = {
    "chance": ("yield Proposal('CREDIT-CARD', score=random.random())", "is there a clock, or chance, in it?"),
    "memory": (
        "seen.append(1)\n    yield Proposal('CREDIT-CARD', score=1 / (1 + len(seen) % 100))",
        "other scores",
    ),
    "an unknown product": ("yield Proposal('NOTHING', score=0.5)", "'NOTHING', which the catalogue does not have"),
    "a crash on some": (
        "if customer.kind == 'company':\n        raise KeyError('salary')",
        "raise KeyError('salary') (for C0",
    ),
    "a nap": ("time.sleep(0.2)", LATE),
    "a type": ("int('a') + 'b'", "Unsupported operand types"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_plugin_with_a_fault_fails_and_hears_where(checked, tmp_path, fault, request):
    body, told = FAULTS[fault]
    if told == LATE:
        request.getfixturevalue("hurried")
    path = tmp_path / "faulty.py"
    path.write_text(
        "import random\nimport time\n\nfrom guanxi import Proposal, recommender\n\nseen: list[int] = []\n"
        f"@recommender('faulty')\ndef propose(customer: object):\n    {body}\n"
        "    if False:\n        yield\n"
    )
    failed = failures(checked(path))
    assert any(told in line for line in failed), failed


UNLEARNING = """
import numpy as np
from guanxi import Candidates, hookimpl

class Unlearning:
    name, version = "unlearning", "1"

    def fit(self, portfolio: object) -> object:
        {fit}

    def with_arrays(self, arrays: object, codes: object):
        return self

    def propose(self, batch) -> Candidates:
        return Candidates(np.full(batch.shape, 0.5, np.float32), lambda row, column: None)

@hookimpl
def recommenders(register):
    register(Unlearning())
"""
KEPT_ALONE = "numbers, truths, dates or texts can be kept"


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        ("raise ValueError('no such column')", "ValueError: no such column at {path}, line 9: raise ValueError('no such column')"),
        ("return [1, 2]", "NotLearnt: fit gave list, not arrays by name"),
        ("return {'a': np.zeros(1), 'b': 0.5}", "NotLearnt: of what fit gave, number 2 of 2 is float, no array"),
        ("return {'a': np.array([None])}", f"NotLearnt: of what fit gave, number 1 of 1 is an array of objects; {KEPT_ALONE}"),
        ("return {'a': np.zeros(1, [('C1', 'f4')])}", f"NotLearnt: of what fit gave, number 1 of 1 is an array of records; {KEPT_ALONE}"),
        ("return {'a': np.array(['x'], np.dtypes.StringDType())}",
         f"NotLearnt: of what fit gave, number 1 of 1 is an array of texts without a length; {KEPT_ALONE}"),
        ("return {1: np.zeros(1)}", "NotLearnt: of what fit gave, number 1 of 1 is named by int, no text"),
        ("return {'a\\0': np.zeros(1)}", "NotLearnt: of what fit gave, number 1 of 1 has a name that cannot be printed"),
    ],
)  # fmt: skip
def test_a_plugin_that_cannot_learn_fails_and_hears_where(checked, tmp_path, fit, told):
    path = tmp_path / "unlearning.py"
    path.write_text(UNLEARNING.format(fit=fit))
    assert failures(checked(path)) == [told.format(path=path)]


def test_arrays_of_any_name_pass(checked, tmp_path):
    path = tmp_path / "unlearning.py"
    path.write_text(UNLEARNING.format(fit="return {'file': np.zeros(1), 'allow_pickle': np.zeros(1)}"))
    assert failures(checked(path)) == []


@pytest.mark.parametrize("folder", ["own", "link"])
def test_a_plugin_in_a_folder_that_is_relative_or_a_link_is_told_its_lines(checked, tmp_path, monkeypatch, folder):
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to("own")
    (tmp_path / "own" / "unlearning.py").write_text(UNLEARNING.format(fit="raise ValueError('no such column')"))
    monkeypatch.chdir(tmp_path)

    found = {finding.check: finding for finding in checked(Path(folder) / "unlearning.py")}

    place = f" at {tmp_path}/{folder}/unlearning.py, line 9: raise ValueError('no such column')"
    assert found["types"].passed, found["types"].told
    assert found["unlearning learns"].told == f"ValueError: no such column{place}"


SCORING = """
import time
import numpy as np
from guanxi import Candidates, hookimpl

class Scoring:
    name, version = "scoring", "1"
    def propose(self, batch):
        time.sleep({nap})
        return Candidates(np.full(batch.shape, {score}, np.float32), lambda row, column: None)

@hookimpl
def recommenders(register):
    register(Scoring())
"""


@pytest.mark.parametrize(
    ("nap", "score", "told"),
    [(0.3, 0.5, LATE), (0, 1.5, "not from 0 to 1"), (0, -0.5, "not from 0 to 1")],
)
def test_a_batch_that_is_answered_is_not_all(checked, tmp_path, nap, score, told, request):
    if told == LATE:
        request.getfixturevalue("hurried")
    (tmp_path / "scoring.py").write_text(SCORING.format(nap=nap, score=score))
    [failed] = failures(checked(tmp_path / "scoring.py"))
    assert told in failed


def test_who_proposes_nothing_is_told_so_and_not_judged(checked, tmp_path):
    (tmp_path / "scoring.py").write_text(SCORING.format(nap=0, score="np.nan"))
    [answers] = [finding for finding in checked(tmp_path / "scoring.py") if finding.check == "scoring answers"]
    assert (answers.passed, answers.told) == (
        None,
        "0 proposals for 0 of 100 customers, so that nothing of what it would propose was tried",
    )


def test_what_registers_nothing_fails(checked, tmp_path):
    (tmp_path / "plain.py").write_text("def propose(customer, catalogue):\n    return ()\n")
    [failed] = failures(checked(tmp_path / "plain.py"))
    assert "registers nothing. Put a function below @recommender" in failed


def test_a_gate_shows_in_what_changes(checked, tmp_path):
    path = tmp_path / "no_cards.py"
    path.write_text(
        "import numpy as np\nfrom guanxi import Refusal, hookimpl, say\n"
        "class NoCards:\n    gate, code = 'eligibility', 'NO_CARDS'\n"
        "    def refuses(self, batch):\n"
        "        return np.array([[product.category == 'card' for product in batch.catalogue]])\n"
        "    def explain(self, customer, product):\n"
        "        return Refusal(self.gate, self.code, say('No.', '否。'), 'a card')\n"
        "@hookimpl\ndef gates(register):\n    register(NoCards())\n"
    )
    found = checked(path)
    assert failures(found) == []
    assert any(finding.told.startswith("CREDIT-CARD: -") for finding in found)


def test_what_cannot_be_loaded_fails_by_its_error(checked, tmp_path):
    (tmp_path / "torn.py").write_text("def (")
    (tmp_path / "package").mkdir()
    assert "torn is broken: SyntaxError" in failures(checked(tmp_path / "torn.py"))[0]
    assert "has no pyproject.toml" in failures(checked(tmp_path / "package"))[0]


def test_the_command_prints_what_is_found(written, guanxi):
    folder, _ = written
    said = guanxi(folder, "plugins", "check", folder / "salary-function", "--customers", 60)
    assert (said.returncode, said.stderr) == (0, "")
    assert "ok   loads: salary-function: salary-function" in said.stdout
    assert "60 customers have other offers among their best 3" in said.stdout
    (folder / "torn.py").write_text("def (")
    said = guanxi(folder, "plugins", "check", folder / "torn.py", "--customers", 60, "--json")
    (folder / "torn.py").unlink()
    assert (said.returncode, [finding["passed"] for finding in json.loads(said.stdout)]) == (1, [False])


@pytest.mark.parametrize("given", ["none.py", "fan-club"])
def test_what_is_not_there_is_named(guanxi, tmp_path, given):
    said = guanxi(tmp_path, "plugins", "check", given)
    assert (said.returncode, said.stderr) == (2, f"There is no plugin {given!r}, and no such file.\n")


def test_a_folder_that_lacks_a_pyproject_is_told_of_and_others_are_not(guanxi, tmp_path):
    for name in ("autopay-nudge/autopay_nudge.py", "autopay-nudge/test_autopay_nudge.py", "tools/one.py",
                 "helpers/helpers.py", "helpers/more.py", "data/readme.txt"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    listed = guanxi(tmp_path, "plugins", GUANXI_PLUGINS=str(tmp_path))
    assert listed.returncode == 0
    assert listed.stderr.splitlines() == [
        f"{tmp_path / 'autopay-nudge'} is no plugin for want of a pyproject.toml: guanxi plugins new writes one, and "
        "autopay_nudge.py alone, without its own folder, is one."
    ]


@pytest.mark.parametrize(
    ("subcommand", "told"),
    [
        ("new", "is loaded at once, on the stage of GUANXI_NEW_PLUGINS."),
        (
            "check",
            "The plugin's file or folder, or the name of one that is installed or in a folder of GUANXI_PLUGINS.",
        ),
    ],
)
def test_the_help_says_what_is_loaded_and_found(guanxi, tmp_path, subcommand, told):
    said = guanxi(tmp_path, "plugins", subcommand, "--help", TERMINAL_WIDTH="400").stdout

    assert told in said
