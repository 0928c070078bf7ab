"""``guanxi plugins settings``, ``set`` and ``revert``; and every command that decides does so under what was set."""

import json

import pytest

pytestmark = pytest.mark.embedded

KEPT = "a secret nobody tells"
PLUGIN = """
from pydantic import BaseModel, Field, SecretStr
from guanxi import About, Proposal, hookimpl, recommender

class Where(BaseModel, frozen=True):
    floor: int = Field(1, ge=0, description="How high.")
    room: int = Field(7, description="Which.")

class Settings(BaseModel, frozen=True):
    code: str = Field("GOLD-CARD", description="What to propose.")
    score: float = Field(0.99, ge=0, le=1, description="How strongly.")
    where: Where = Field(Where(), description="Where.")
    key: SecretStr | None = Field(None, description="Opens a service.")

@hookimpl
def about():
    return About(settings=Settings)

@recommender("set-by-staff")
def propose(customer, catalogue, settings):
    if settings.code in catalogue:
        yield Proposal(settings.code, settings.score, reason=f"floor {settings.where.floor}")
"""


@pytest.fixture
def run(journey, guanxi, tmp_path):
    """Return a function that runs ``guanxi plugins …`` with the plugin, a file and a secret in the environment."""
    (tmp_path / "set_card.py").write_text(PLUGIN)
    (tmp_path / "plugins.toml").write_text("[set-card]\nscore = 0.5\n")
    own = {
        "GUANXI_PLUGINS": str(tmp_path),
        "GUANXI_PLUGIN_SETTINGS": str(tmp_path / "plugins.toml"),
        "GUANXI_PLUGIN_SET_CARD_KEY": KEPT,
    }
    return lambda *arguments, **more: guanxi(journey.home, *arguments, **own | more)


def told(run):
    return json.loads(run("plugins", "settings", "set-card", "--json").stdout)


def test_what_is_set_is_told_with_its_source_and_secrets_masked(run):
    run("plugins", "revert", "set-card", 0)
    shown = run("plugins", "settings", "set_card")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[1:6] == [
        '  code = "GOLD-CARD"   from default',
        "  score = 0.5   from file",
        "  where.floor = 1   from default",
        "  where.room = 7   from default",
        "  key = ********   from environment",
    ]
    assert {one["name"]: one["value"] for one in told(run)["values"]}["key"] == "********"
    assert KEPT not in shown.stdout + json.dumps(told(run))


def test_settings_are_set_and_reverted_by_version_in_the_audit_log(run):
    before = told(run)["version"]
    done = run("plugins", "set", "set-card", "code=AUTOPAY", "where.floor=3")
    again = run("plugins", "set", "set-card", "score=1", "--reset", "code", "--expected", before + 1, "--json")
    late = run("plugins", "set", "set-card", "score=0", "--expected", before)
    back = run("plugins", "revert", "set-card", before + 1)

    assert done.stdout.splitlines()[0] == f"set_card, version {before + 1}"
    assert '  code = "AUTOPAY"   from staff' in done.stdout.splitlines()
    assert [one["settings"] for one in json.loads(again.stdout)["history"][:2]] == [
        {"where": {"floor": 3}, "score": 1},
        {"code": "AUTOPAY", "where": {"floor": 3}},
    ]
    assert (late.returncode, late.stdout) == (2, "")
    assert late.stderr.startswith(f"Somebody else has changed it: it is version {before + 2}.")
    assert f", as in version {before + 1}" in back.stdout
    listed = run("plugins")
    assert f"set-by-staff (1, for API >=1,<2)   settings version {before + 3}   from " in listed.stdout
    logged = [json.loads(line) for line in run("audit", "list", "--json").stdout.splitlines()]
    acts = [(entry["operation"], json.loads(entry["details"])) for entry in logged if "plugins" in entry["operation"]]
    own = [act for act in acts if act[1]["plugin"] == "set_card"]
    assert sorted(own, key=lambda act: act[1]["version"])[-3:] == [
        ("guanxi plugins set", {"plugin": "set_card", "version": before + 1}),
        ("guanxi plugins set", {"plugin": "set_card", "version": before + 2}),
        ("guanxi plugins revert", {"plugin": "set_card", "version": before + 3}),
    ]


def test_what_is_set_or_reset_within_a_table_leaves_the_rest_of_it(run):
    run("plugins", "revert", "set-card", 0)
    for change in (["where.floor=3"], ["where.room=8"], ["--reset", "where.floor"], ["--reset", "where.room"]):
        done = run("plugins", "set", "set-card", *change)
        assert (done.returncode, done.stderr) == (0, "")

    assert [version["settings"] for version in told(run)["history"][3::-1]] == [
        {"where": {"floor": 3}},
        {"where": {"floor": 3, "room": 8}},
        {"where": {"room": 8}},
        {},
    ]


WRONG = [
    (("set", "set-card", "score=2"), "the setting 'score' set at run time: Input should be less than or equal to 1"),
    (("set", "set-card", f"key={KEPT}"), "the setting 'key' set at run time: 'key' is a secret; set it in the environment alone"),
    (("set", "set-card", "scor=1"), "the setting 'scor' set at run time: there is no setting 'scor'; is 'score' meant?"),
    (("set", "set-card", "--reset", "scor"), "there is no setting 'scor'; is 'score' meant?"),
    (("set", "set-card", "--reset", "where.flor"), "there is no setting 'where.flor'; is 'where.floor' meant?"),
    (("set", "set-card", "--reset", "score.floor"), "there is no setting 'score.floor'"),
    (("set", "set-card", "where.floor=2", "--reset", "where"), "the setting 'where' is set and reset at once"),
    (("set", "set-card", "score"), "'score' is no FIELD=VALUE."),
    (("set", "set-card", "score=NaN"), "they have a number that is none"),
    (("set", "set-card", "where=1", "where.floor=1"), "'where.floor' is within what has a value already."),
    (("set", "set-card"), "guanxi plugins set takes FIELD=VALUE, or --reset FIELD."),
    (("set", "campus", "a=1"), "There is no plugin with settings 'campus'."),
    (("settings", "campus"), "There is no plugin with settings 'campus'."),
    (("set", "set-cart", "a=1"), "There is no plugin with settings 'set-cart'. Is set_card meant?"),
    (("settings", "set_cart"), "There is no plugin with settings 'set_cart'. Is set_card meant?"),
    (("revert", "set-card", "999"), "There is no version '999'."),
]  # fmt: skip


def test_wrong_use_is_one_line_and_stores_nothing(run):
    before = told(run)
    for arguments, line in WRONG:
        done = run("plugins", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")
    assert told(run) == before


@pytest.mark.parametrize(
    ("environment", "file", "told"),
    [
        ({"GUANXI_PLUGIN_SET_CARD_SCORE": "high"}, "", "GUANXI_PLUGIN_SET_CARD_SCORE: Input should be a valid number, unable to parse string as a number"),
        ({}, "[set_card]\nscore = 3\n", "the setting 'score' from the settings' file: Input should be less than or equal to 1"),
        ({}, f'[set-card]\nkey = "{KEPT}"\n', "the setting 'key' from the settings' file: 'key' is a secret; set it in the environment alone"),
    ],
)  # fmt: skip
def test_a_wrong_value_breaks_the_plugin_alone(run, tmp_path, environment, file, told):
    (tmp_path / "plugins.toml").write_text(file)
    listed = json.loads(run("plugins", "--json", **environment).stdout)
    states = {plugin["name"]: (plugin["state"], plugin["error"]) for plugin in listed}
    assert states.pop("set_card") == ("broken", f"WrongSetting: {told}")
    assert {state for state, _ in states.values()} == {"loaded"}
    for name in ("set_card", "set-card"):
        asked = run("plugins", "settings", name, **environment)
        assert (asked.returncode, asked.stderr) == (2, f"The plugin {name} is broken: WrongSetting: {told}\n")


def test_a_file_that_is_none_is_one_line(run, tmp_path):
    (tmp_path / "plugins.toml").write_text("[")
    done = run("plugins")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"The plugins' settings {tmp_path / 'plugins.toml'} cannot be read: ")
    helped = run("--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "recommend" in helped.stdout


def test_commands_decide_under_what_was_set(run, last_day):
    def said():
        ran = run("recommend", "--all", "--as-of", last_day, "--top", 20)
        assert ran.returncode == 0, ran.stderr
        return [words for words in ("floor 1", "floor 3") if words in ran.stdout]

    run("plugins", "set", "set-card", "code=TERM-DEPOSIT", "score=1", "where.floor=1")
    before = said()
    run("plugins", "set", "set-card", "where.floor=3")

    assert (before, said()) == (["floor 1"], ["floor 3"])


def test_what_sets_nothing_is_told_by_lists_and_checks(run, tmp_path):
    (tmp_path / "plugins.toml").write_text("[plugin.set-card]\nscore = 0.5\n[set-cart]\nscore = 0.5\n")
    own = {"GUANXI_PLUGIN_SET_CARD_SCORR": "0.5", "GUANXI_JWT_SECRET": "hT9-qLw3Zr_Xk7VbNc2mEd5sUy8oPa1iGf4j"}
    told = [
        "The file of plugins' settings has 'plugin', and no such plugin is loaded; is 'set_card' meant?",
        "The file of plugins' settings has 'set-cart', and no such plugin is loaded; is 'set_card' meant?",
        "GUANXI_PLUGIN_SET_CARD_SCORR sets nothing of a plugin that is loaded; is 'GUANXI_PLUGIN_SET_CARD_SCORE' meant?",
    ]
    listed, checked = run("plugins", **own), run("check-config", **own)

    assert (listed.returncode, listed.stderr.splitlines()) == (0, told)
    assert (checked.returncode, checked.stdout.splitlines()) == (0, ["The settings may serve in production.", *told])
