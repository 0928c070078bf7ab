"""Commands and formats of plugins, through files dropped into a folder and the command itself."""

import json

import pytest

LEVERS = """
from guanxi import Lever, hookimpl

@hookimpl
def levers(register, catalogue):
    register(Lever("spring", {code: 1.5 for code in catalogue.codes}))
    register(Lever("idle", {code: 1 for code in catalogue.codes}))
"""
COMMANDS = '''
from typing import Annotated
import typer
from guanxi import Command, GuanxiError, hookimpl

def greet(name: str, times: Annotated[int, typer.Option(help="How often.")] = 1) -> int:
    """Greet somebody. At length."""
    for _ in range(times):
        print(f"Hello {name}")
    return 3 if times > 1 else 0

def fail() -> None:
    raise KeyError("salary")

def refuse() -> None:
    raise GuanxiError("There is no hospital.")

group = typer.Typer()

@group.command()
def open(bed: int) -> None:
    print(bed + 1)

@group.command()
def shut() -> None:
    """Shut it."""

@hookimpl
def commands(register):
    register(Command("greet", "Greet somebody.", greet))
    register(Command("fail", "Fail.", fail))
    register(Command("refuse", "Refuse.", refuse))
    register(Command("ward", "Open a ward, or shut it.", group))
    register(Command("far", "Is far away.", "hospital_far:run"))
'''
FORMATS = """
import polars as pl
from guanxi import CustomerKind, Format, LoadError, Source, hookimpl

ROWS = {
    "customers": {"customer_no": ["H1", "H2"], "kind": [CustomerKind.PERSON] * 2},
    "products": {"product_code": ["CARD"], "name": ["Card"], "category": ["card"]},
    "holdings": {"customer_no": ["H1"], "product_code": ["CARD"]},
}

class Hospital(Source):
    def __init__(self, beds, fails):
        self.beds, self.fails = beds, fails
    def tables(self):
        return tuple(ROWS)
    def file_name(self, table):
        return f"{table}.hospital"
    def columns(self, table):
        return tuple(ROWS[table])
    def frames(self, table):
        if self.fails:
            raise KeyError("ward")
        if self.beds < 0:
            raise LoadError(f"No ward has {self.beds} beds.")
        frame = pl.DataFrame(ROWS[table]).head(self.beds).with_row_index("line", 1)
        yield frame.with_columns(pl.col("line").cast(pl.Int64), pl.lit(value=False).alias("torn"))

def read(folder, *, beds: int = 9, fails: bool = False):
    return Hospital(beds, fails)

@hookimpl
def formats(register):
    register(Format("hospital", "a hospital's list of beds", read))
"""


@pytest.fixture
def plugins(tmp_path):
    """Return a function: the setting of a folder with plugins of these sources, by name."""

    def make(**sources):
        folder = tmp_path / "plugins"
        folder.mkdir(exist_ok=True)
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source)
        return {"GUANXI_PLUGINS": str(folder)}

    return make


def test_commands_of_plugins_stand_in_the_help_under_a_heading_of_their_own(guanxi, tmp_path, plugins):
    ours, _, theirs = guanxi(tmp_path, "--help", **plugins(hospital=COMMANDS)).stdout.partition("Commands of plugins")

    assert "│ serve " in ours
    assert "│ greet " not in ours
    assert all(f"│ {name} " in theirs for name in ("greet", "fail", "refuse", "ward", "far"))
    assert "Greet somebody." in theirs
    assert "Commands of plugins" not in guanxi(tmp_path, "--help").stdout


def test_a_command_runs_with_typed_parameters(guanxi, tmp_path, plugins):
    settings = plugins(hospital=COMMANDS)

    ran = guanxi(tmp_path, "greet", "Ann", "--times", 2, **settings)
    wrong = guanxi(tmp_path, "greet", "Ann", "--times", "often", **settings)
    of_group = guanxi(tmp_path, "ward", "open", 4, **settings)

    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "Hello Ann\nHello Ann\n", "")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Invalid value for '--times': Input should be a valid integer" in wrong.stderr
    assert (of_group.returncode, of_group.stdout) == (0, "5\n")
    assert "How often." in guanxi(tmp_path, "greet", "--help", **settings).stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fail", (1, "", "The plugin hospital failed: KeyError: 'salary'\n")),
        ("refuse", (2, "", "There is no hospital.\n")),
        ("far", (1, "", "The plugin hospital failed: ModuleNotFoundError: No module named 'hospital_far'\n")),
    ],
)
def test_what_a_command_raises_is_told_in_a_line(guanxi, tmp_path, plugins, name, told):
    done = guanxi(tmp_path, name, **plugins(hospital=COMMANDS))

    assert (done.returncode, done.stdout, done.stderr) == told


def test_in_development_it_is_told_where_a_command_failed(guanxi, tmp_path, plugins):
    done = guanxi(tmp_path, "fail", **plugins(hospital=COMMANDS), GUANXI_DEVELOPMENT="1")

    assert "hospital.py" in done.stderr
    assert done.stderr.endswith("The plugin hospital failed: KeyError: 'salary'\n")


CLASH = """
from guanxi import Command, hookimpl
@hookimpl
def commands(register):
    register(Command({name!r}, "Mine.", print))
"""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("serve", "a command named 'serve' is there already, from shipped"),
        ("Serve It", "'Serve It' is no name of a command"),
        ("", "'' is no name of a command"),
    ],
)
def test_a_command_that_cannot_be_breaks_its_plugin_alone(guanxi, tmp_path, plugins, name, why):
    settings = plugins(clash=CLASH.format(name=name), hospital=COMMANDS)

    listed = guanxi(tmp_path, "plugins", "--json", **settings)
    of_ours = guanxi(tmp_path, "serve", "--help", **settings)
    unknown = guanxi(tmp_path, "discharge", **settings)

    states = {plugin["name"]: plugin["error"] for plugin in json.loads(listed.stdout)}
    assert why in states.pop("clash")
    assert set(states.values()) == {None}
    assert "Serve GraphQL" in of_ours.stdout
    assert guanxi(tmp_path, "greet", "Ann", **settings).stdout == "Hello Ann\n"
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "No such command 'discharge'. Broken, and without commands: clash; guanxi plugins says why.\n",
    )


def test_a_name_that_is_none_is_refused_with_one_that_is_like_it(guanxi, tmp_path):
    done = guanxi(tmp_path, "lod")

    assert (done.returncode, done.stderr) == (2, "No such command 'lod'. Did you mean 'load'?\n")


def test_a_plugins_format_is_read_with_its_options(guanxi, tmp_path, plugins):
    settings = plugins(hospital=FORMATS)

    def read(*arguments):
        done = guanxi(tmp_path, "check", tmp_path, "--format", "hospital", *arguments, "--json", **settings)
        assert (done.returncode, done.stderr) == (0, "")
        return {file["file"]: file["read"] for file in json.loads(done.stdout)["files"]}

    assert read()["customers.hospital"] == 2
    assert read("--option", "beds=1")["customers.hospital"] == 1
    assert "hospital: a hospital's list of beds, --option beds=9" in " ".join(
        guanxi(tmp_path, "load", "--help", COLUMNS="4000", TERMINAL_WIDTH="4000", **settings).stdout.split()
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--format", "word"], "There is no format 'word'; there are bank, berka, hospital."),
        (
            ["--format", "hospital", "--option", "nurses=2"],
            "The format hospital has no option 'nurses=2'; its options are beds, fails, given as NAME=VALUE.",
        ),
        (["--option", "beds=2"], "The format bank has no option 'beds=2'; it has none, given as NAME=VALUE."),
        (
            ["--format", "hospital", "--option", "beds=many"],
            "The option 'beds=many' of the format hospital: Input should be a valid integer, unable to parse string "
            "as an integer.",
        ),
        (
            ["--format", "hospital", "--option", "fails=true"],
            "The plugin hospital cannot read the bank's files: KeyError: 'ward'",
        ),
        (["--format", "hospital", "--option", "beds=-1"], "No ward has -1 beds."),
        (
            ["--format", "berka", "--option", "assume_consent=true"],
            "{folder} has no account.asc; Berka's eight .asc files are needed.",
        ),
    ],
)
def test_what_a_format_cannot_read_is_told_in_a_line(guanxi, tmp_path, plugins, arguments, line):
    done = guanxi(tmp_path, "check", tmp_path, *arguments, **plugins(hospital=FORMATS))

    assert (done.returncode, done.stdout, done.stderr) == (2, "", line.format(folder=tmp_path) + "\n")


def test_a_format_that_cannot_be_breaks_its_plugin(guanxi, tmp_path, plugins):
    settings = plugins(hospital=FORMATS.replace("beds: int = 9", "beds: int"))

    [state] = [
        plugin["error"]
        for plugin in json.loads(guanxi(tmp_path, "plugins", "--json", **settings).stdout)
        if plugin["name"] == "hospital"
    ]
    assert state == "PluginError: the format 'hospital' has an option 'beds' without a default"


@pytest.mark.embedded
def test_explain_names_the_levers_that_weigh_an_offer(journey, guanxi, last_day, plugins):
    offered = guanxi(journey.home, "recommend", "--all", "--top", 1, "--as-of", last_day).stdout.splitlines()[1]
    asked = ("explain", offered.partition(",")[0], "--as-of", last_day)

    told = guanxi(journey.home, *asked, **plugins(spring=LEVERS)).stdout
    without = guanxi(journey.home, *asked).stdout

    assert "× 1.5 lever (spring × 1.5) = " in told
    assert "idle" not in told
    assert "× 1 lever = " in without
