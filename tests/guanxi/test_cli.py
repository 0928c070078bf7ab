import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from guanxi.plugin_commands import made, shipped_commands

HEAVY = {
    "arcadedb_embedded", "implicit", "lightgbm", "neo4j", "polars", "scipy", "sklearn", "starlette", "strawberry", "uvicorn",
}  # fmt: skip
IMPORTED = """
import json, runpy, sys
sys.argv = ["guanxi", *sys.argv[1:]]
try:
    runpy.run_module("guanxi", run_name="__main__")
except SystemExit:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def imported(*arguments):
    """The libraries that a command line imports."""
    done = subprocess.run([sys.executable, "-c", IMPORTED, *arguments], capture_output=True, text=True, check=True)
    return HEAVY & set(json.loads(done.stderr))


def test_version_is_the_distributions(guanxi, tmp_path):
    done = guanxi(tmp_path, "--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"guanxi {version('guanxi')}\n", "")


def test_help_lists_every_command(guanxi, tmp_path):
    done = guanxi(tmp_path, "--help")

    assert done.returncode == 0
    assert [name for name in shipped_commands() if f"│ {name} " not in done.stdout] == []


@pytest.mark.parametrize("name", shipped_commands())
def test_help_says_of_a_command_what_its_own_help_says_first(name):
    command = shipped_commands()[name]
    assert made(command).help.partition("\n\n")[0] == command.help


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        (["--help"], HEAVY),
        (["--version"], HEAVY),
        (["token", "--help"], HEAVY - {"strawberry"}),
        (["check", "--help"], {"implicit", "scipy", "sklearn", "starlette", "strawberry", "uvicorn"}),
        (["load", "--help"], {"implicit", "scipy", "sklearn", "starlette", "strawberry", "uvicorn"}),
        (["plugins", "--help"], {"implicit", "lightgbm", "scipy", "sklearn", "starlette", "strawberry", "uvicorn"}),
        (["recommend", "--help"], {"lightgbm", "sklearn", "starlette", "strawberry", "uvicorn"}),
        (["models", "--help"], {"lightgbm", "sklearn", "starlette", "strawberry", "uvicorn"}),
        (["train", "--help"], {"lightgbm", "sklearn", "starlette", "strawberry", "uvicorn"}),
        (["serve", "--help"], {"lightgbm", "sklearn"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_nothing_that_it_does_not_need(arguments, needless):
    assert imported(*arguments) & needless == set()


def test_a_distribution_with_a_package_of_our_name_is_named(guanxi, tmp_path):
    intruder = tmp_path / "other_recommenders-1.0.dist-info"
    intruder.mkdir()
    (intruder / "METADATA").write_text("Metadata-Version: 2.1\nName: other-recommenders\nVersion: 1.0\n")
    (intruder / "RECORD").write_text("other/api/__init__.py,,\nrecommenders/__init__.py,,\n")

    done = guanxi(tmp_path, "format", PYTHONPATH=str(tmp_path))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "The distribution 'other-recommenders' also installs a package named 'recommenders'; "
        "install guanxi in a virtual environment of its own.\n"
    )
