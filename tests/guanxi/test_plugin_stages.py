"""``guanxi plugins stage`` and ``rollback``, and what they do to recommendations."""

import json
import re
import shlex
from pathlib import Path

import pytest

pytestmark = pytest.mark.embedded

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"

PLUGIN = """
from guanxi import Proposal, recommender

@recommender("pushy")
def propose(customer):
    yield Proposal("AUTOPAY", 1.0, "because")
"""


@pytest.fixture
def plugins(guanxi, new_home, tmp_path):
    """Return a function: ``guanxi plugins …`` in a home of its own, with a plugin in a folder."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "pushy.py").write_text(PLUGIN)
    return lambda *arguments, **settings: guanxi(
        new_home, "plugins", *arguments, **{"GUANXI_PLUGINS": str(tmp_path / "plugins")} | settings
    )


def test_a_plugin_goes_forward_and_back(plugins):
    unstaged = plugins("stage", "pushy")
    steps = [
        plugins("stage", "pushy", "shadow", "--reason", "new"),
        plugins("stage", "pushy", "shadow"),
        plugins("stage", "pushy", "share", "--share", "20", "--reason", "looks good"),
        plugins("rollback", "pushy", "--reason", "complaints"),
        plugins("rollback", "pushy"),
        plugins("rollback", "pushy"),
    ]
    told = plugins("stage", "pushy").stdout.splitlines()

    assert unstaged.stdout == "pushy is live, and nobody has decided on it.\n"
    assert [(step.returncode, step.stdout or step.stderr) for step in steps] == [
        (0, "pushy is shadow; before, it was live.\n"),
        (0, "pushy is shadow already.\n"),
        (0, "pushy is share of 20 %; before, it was shadow.\n"),
        (0, "pushy is shadow again; before, it was share of 20 %.\n"),
        (0, "pushy is live again; before, it was shadow.\n"),
        (2, "There is no stage before: pushy is live.\n"),
    ]
    assert told[0] == "pushy is live."
    assert [line.rpartition(": ")[2] for line in told[1:]] == ["new", "looks good", "complaints", "rolled back"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("stage", "nobody", "live", "--reason", "x"), "There is no plugin 'nobody'."),
        (("rollback", "nobody"), "There is no plugin 'nobody'."),
        (("rollback", "pushi"), "There is no plugin 'pushi'. Is pushy meant?"),
        (("stage", "pushy", "retired"), "A reason is needed, and kept: --reason TEXT, of 1 to 500 characters."),
        (("stage", "pushy", "retired", "--reason", "x" * 501), "A reason is needed, and kept: --reason TEXT, of 1 to 500 characters."),
        (("rollback", "pushy", "--reason", " "), "A reason is needed, and kept: --reason TEXT, of 1 to 500 characters."),
        (("stage", "pushy", "share", "--share", "0", "--reason", "x"), "A share is a whole number of percent, from 1 to 99."),
        (("stage", "shipped", "retired", "--reason", "x"),
         "The plugin shipped has the bank's own gates and its fallback: it is always live."),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(plugins, arguments, line):
    done = plugins(*arguments)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")


def test_the_setting_says_what_is_new(plugins):
    assert plugins("stage", "pushy", GUANXI_NEW_PLUGINS="draft").stdout.startswith("pushy is draft, ")
    assert plugins("stage", "campus", GUANXI_NEW_PLUGINS="draft").stdout.startswith("campus is live, ")
    jump = plugins("stage", "pushy", "live", "--reason", "x", GUANXI_NEW_PLUGINS="draft")
    assert (jump.returncode, jump.stderr) == (2, "From draft it goes to shadow before live, unless that is forced.\n")
    assert plugins("stage", "pushy", "live", "--reason", "x", "--force", GUANXI_NEW_PLUGINS="draft").returncode == 0
    wrong = plugins("stage", "pushy", GUANXI_NEW_PLUGINS="share")
    assert (wrong.returncode, wrong.stderr) == (
        2, "The setting new_plugins is wrong: Input should be 'draft', 'shadow' or 'live'.\n"
    )  # fmt: skip


def test_stage_by_stage_as_the_page_has_it(guanxi, new_home, tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "salary_card.py").write_text(PLUGIN)
    lines = re.findall(
        r"^    (?:GUANXI_PLUGINS=FOLDER )?guanxi (plugins stage salary-card .+)$", PAGE.read_text(), re.MULTILINE
    )
    steps = [
        guanxi(new_home, *shlex.split(line, comments=True), GUANXI_PLUGINS=str(folder), GUANXI_NEW_PLUGINS=new)
        for line, new in zip(lines, ["live", *["draft"] * 3], strict=True)
    ]

    assert [step.stdout.partition(";")[0] for step in steps] == [
        "salary_card is draft",
        "salary_card is shadow",
        "salary_card is share of 20 %",
        "salary_card is live",
    ]


def test_what_is_left_out_is_gone_and_keeps_what_was(plugins):
    without = {"GUANXI_WITHOUT": "campus"}
    assert plugins("stage", "campus", "retired", "--reason", "over").returncode == 0
    again = plugins("stage", "campus", "shadow", "--reason", "again", **without)
    back = plugins("rollback", "campus", **without)
    card = plugins("card", "campus", **without)

    assert [(done.returncode, done.stderr) for done in (again, back)] == [(2, "There is no plugin 'campus'.\n")] * 2
    assert plugins("stage", "campus", **without).stdout.startswith("campus is gone; it was retired.\n")
    assert (card.returncode, card.stdout.startswith("campus is gone; it was retired since ")) == (0, True)
    assert plugins("stage", "campus").stdout.startswith("campus is retired.\n")


def listed(plugins, **settings):
    """What the list tells of the stages of a few plugins, in words and in JSON."""
    lines = {line.split()[0]: line for line in plugins(**settings).stdout.splitlines()}
    told = {own["name"]: (own["stage"], own["share"]) for own in json.loads(plugins("--json", **settings).stdout)}
    names = ("pushy", "campus", "shipped")
    return {name: (lines[name][17:39].rstrip(), *told[name]) for name in names}


def test_the_list_tells_every_stage(plugins):
    unstaged = listed(plugins, GUANXI_NEW_PLUGINS="draft")
    plugins("stage", "pushy", "shadow", "--reason", "new")
    plugins("stage", "campus", "retired", "--reason", "over")
    shadow = listed(plugins)
    plugins("stage", "pushy", "share", "--share", "20", "--reason", "looks good")
    share = listed(plugins)

    assert unstaged == {
        "pushy": ("loaded  draft", "draft", None),
        "campus": ("loaded  live", "live", None),
        "shipped": ("loaded  live", "live", None),
    }
    assert (shadow["pushy"], shadow["campus"]) == (
        ("loaded  shadow", "shadow", None),
        ("loaded  retired", "retired", None),
    )
    assert share["pushy"] == ("loaded  share of 20 %", "share", 20)


def test_where_the_store_is_down_plugins_are_listed_without_stages(plugins):
    down = {"NEO4J_URI": "bolt://127.0.0.1:1", "GUANXI_STORE_RETRY_SECONDS": "0"}
    done, told = plugins(**down), json.loads(plugins("--json", **down).stdout)

    assert (done.returncode, "pushy            loaded  pushy (" in done.stdout) == (0, True)
    assert done.stderr.endswith("What staff has set of plugins, and their stages, are not known.\n")
    assert {(own["stage"], own["share"]) for own in told} == {(None, None)}


def test_recommendations_go_by_the_stages(journey, guanxi, tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "pushy.py").write_text(PLUGIN.replace("pushy", "pushy-one"))

    def recommended():
        return guanxi(journey.home, "recommend", "--all", "--as-of", "2026-06-30", GUANXI_PLUGINS=str(folder)).stdout

    live = recommended()
    assert (
        guanxi(
            journey.home, "plugins", "stage", "pushy", "draft", "--reason", "x", GUANXI_PLUGINS=str(folder)
        ).returncode
        == 0
    )
    drafted = recommended()

    assert "pushy-one" in live
    assert drafted == guanxi(journey.home, "recommend", "--all", "--as-of", "2026-06-30").stdout != live
