"""What is left of plugins that are gone: told by commands, and removed by them."""

import json

import pytest

from graph import audit, embedded
from graph.imports import import_rows
from graph.store import Store

pytestmark = pytest.mark.embedded

SECRET = "wJ2vQ9xLr7TzKc4NfYpB1sHd6GmUe3Xa"
CLUB = """
from datetime import timedelta

from guanxi import About, Job, Proposal, hookimpl, recommender

@recommender("fans")
def propose(customer):
    yield Proposal("FAN-CARD", 0.9, "because")

@hookimpl
def about():
    return About(serves=("club",))

@hookimpl
def jobs(register):
    register(Job("cheer", "Cheers.", timedelta(days=1), print))
"""
WITHOUT = {"GUANXI_WITHOUT": "campus"}


def test_what_is_held_back_is_listed_and_told_of_settings(journey, guanxi):
    lines = guanxi(journey.home, "plugins", **WITHOUT).stdout.splitlines()
    told = {own["name"]: own for own in json.loads(guanxi(journey.home, "plugins", "--json", **WITHOUT).stdout)}
    whole = guanxi(journey.home, "plugins", "--json")
    checked = guanxi(journey.home, "check-config", GUANXI_JWT_SECRET=SECRET, **WITHOUT)
    wrong = guanxi(journey.home, "check-config", GUANXI_JWT_SECRET=SECRET, GUANXI_WITHOUT="kampus")

    held = told["campus"]["holds_back"]
    assert (told["campus"]["state"], "STUDENT-LOAN" in held, told["tobacco"]["holds_back"]) == ("gone", True, [])
    place = [line.startswith("campus ") for line in lines].index(True)
    assert lines[place].startswith(
        "campus           gone    it is not loaded; guanxi plugins forget campus removes what"
    )
    assert lines[place + 1].strip() == (
        f"held back from everybody, or all but a share, for want of it: {', '.join(held)}"
    )
    assert {(own["state"], *own["holds_back"]) for own in json.loads(whole.stdout)} == {("loaded",)}
    assert checked.returncode == 0
    assert checked.stdout.splitlines() == ["The settings may serve in production."] + [
        f"Held back from everybody, or all but a share, for want of campus: {code}" for code in held
    ]
    assert (wrong.returncode, wrong.stderr, wrong.stdout.startswith("GUANXI_WITHOUT names 'kampus';")) == (1, "", True)


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture
async def opened(tmp_path):
    """The store of a home, which has a club's card and a choir's."""
    with embedded.join(tmp_path / "home") as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            yield store


@pytest.fixture
def plugins(guanxi, tmp_path):
    """Return a function: ``guanxi …`` in the home, with a club's plugin or without it."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "fan_club.py").write_text(CLUB)

    def run(*arguments, loaded=True):
        return guanxi(tmp_path / "home", *arguments, **{"GUANXI_PLUGINS": str(tmp_path / "plugins")} if loaded else {})

    return run


async def test_a_plugin_that_is_gone_is_forgotten_without_a_trace(plugins, opened, dump, tmp_path):
    assert plugins("plugins", "stage", "campus", loaded=False).returncode == 0  # which migrates the store
    await import_rows(opened, "programmes", [row("LIONS", programme_code="LIONS", kind="club", name="Lions")])
    await import_rows(opened, "products", [
        row("FAN-CARD", product_code="FAN-CARD", name="Fans", category="card", programme_code="LIONS"),
    ])  # fmt: skip
    assert plugins("plugins", loaded=False).returncode == 0  # which has the store know what is shipped
    never = await dump(opened)
    assert plugins("plugins", "stage", "fan-club", "shadow", "--reason", "new").returncode == 0
    assert plugins("jobs", "run", "cheer").returncode == 0
    assert plugins("plugins").returncode == 0
    reports = tmp_path / "home" / "failures" / "fan_club"
    reports.mkdir(parents=True)
    (reports / "0.json").write_text("{}")
    used = await dump(opened)

    there = plugins("plugins", "forget", "fan-club", "--yes")
    tried = plugins("plugins", "forget", "fan-club", "--dry-run", loaded=False)
    told = json.loads(plugins("plugins", "forget", "fan_club", "--dry-run", "--json", loaded=False).stdout)
    unasked = plugins("plugins", "forget", "fan_club", loaded=False)
    assert await dump(opened) == used
    done = plugins("plugins", "forget", "fan_club", "--yes", loaded=False)
    again, slip = (plugins("plugins", "forget", name, "--yes", loaded=False) for name in ("fan_club", "campos"))

    assert (there.returncode, there.stderr) == (
        2, f"The plugin fan_club is there, from {tmp_path / 'plugins' / 'fan_club.py'}: take it out, or leave it out by "
        "GUANXI_WITHOUT, and then forget it.\n"
    )  # fmt: skip
    parts = {"stages": 1, "jobs": 1, "claims": 1, "failure reports": 1}
    assert told == {"dry_run": True, "plugin": "fan_club", "parts": parts, "freed": ["FAN-CARD"]}
    assert tried.stdout.splitlines()[:2] == [
        "What is kept of fan_club goes: stages 1, jobs 1, claims 1, failure reports 1.",
        "Held back so far, and ordinary from then on, offered to whomever the bank's own gates let, without the "
        "plugin's: FAN-CARD.",
    ]
    assert (unasked.returncode, unasked.stderr) == (2, "Nobody can be asked whether that is meant: say --yes.\n")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "fan_club is forgotten.")
    assert await dump(opened) == never
    assert not reports.exists()
    assert [(own.returncode, own.stderr) for own in (again, slip)] == [
        (2, "Nothing is kept of a plugin 'fan_club'.\n"), (2, "Nothing is kept of a plugin 'campos'.\n"),
    ]  # fmt: skip
    last = [entry async for entry in audit.entries(opened, 0)][-1]
    assert (last["operation"], json.loads(last["details"])["plugin"]) == ("guanxi plugins forget", "fan_club")
