"""What is left of plugins that are gone: told by commands, and removed by them."""

import csv
import json
from datetime import date

import pytest

from graph import audit, embedded, plugin_traces, programme_traces
from graph.imports import import_rows
from graph.programmes import programmes
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
    """The store of a home, which commands join."""
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
    parts = {"stages": 1, "jobs": 1, "claims": 1, "failure_reports": 1}
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


async def test_a_programme_that_runs_is_removed_once_it_is_over(plugins, opened):
    def remove(*arguments):
        return plugins("programmes", "remove", *arguments, loaded=False)

    assert plugins("programmes", loaded=False).returncode == 0  # which migrates the store
    await import_rows(opened, "programmes", [row("LIONS", programme_code="LIONS", kind="club", name="Lions")])
    running, slip, tried = remove("LIONS", "--yes"), remove("LION", "--yes"), remove("LIONS", "--dry-run")
    assert [own.programme_code for own in await programmes(opened)] == ["LIONS"]
    over = row("LIONS", programme_code="LIONS", kind="club", name="Lions", ends_on=date(2020, 1, 1)) | {"digest": "e"}
    await import_rows(opened, "programmes", [over])
    done = remove("LIONS", "--yes")

    assert (running.returncode, running.stdout, running.stderr) == (
        2, "", "The programme LIONS runs without an end: load it with an ends_on that is past, or leave out its plugin, "
        "or say --despite-running.\n"
    )  # fmt: skip
    assert (slip.returncode, slip.stderr) == (2, "There is no programme 'LION'. Is LIONS meant?\n")
    assert (tried.returncode, tried.stdout.splitlines()[0]) == (0, "What there is of LIONS goes: programmes 1.")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "LIONS is removed.")
    assert await programmes(opened) == []
    last = [entry async for entry in audit.entries(opened, 0)][-1]
    assert (last["operation"], json.loads(last["details"])) == (
        "guanxi programmes remove", {"programme": "LIONS", "programmes": 1}
    )  # fmt: skip


ASKED = "recommend", "--all", "--as-of", "2026-06-30", "--top", 40
DEPENDANTS = """
MATCH (c:Customer)-[m:MEMBER_OF]->() WHERE m.programme_code = $code AND m.role = 'dependant' RETURN c.customer_no AS no
"""
PROGRAMMES = ["campus", "tobacco", "family", "cobranded"]


def offers(said):
    """What is offered to whom, and why; in which place, depends on what else is."""
    rows = csv.DictReader(said.stdout.splitlines())
    return {
        (own["customer_no"], own["product_code"]): (own["score"], own["propensity"], own["recommenders"], own["reason"])
        for own in rows
    }


OWN = ("partners", "programmes", "memberships", "products")
USES = ("holdings", "cards", "interactions")


def without(bank, into, tables):
    """Write a bank without the programmes' rows of some tables, and return its folder."""
    own = {row["product_code"] for row in rows_of(bank / "products.csv") if row["programme_code"]}
    into.mkdir()
    for path in bank.glob("*.csv"):
        rows, cut = rows_of(path), path.stem in tables
        with (into / path.name).open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(own_row for own_row in rows if not (cut and is_own(path.stem, own_row, own)))
    return into


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def is_own(table, row, products):
    return row["product_code"] in products if "product_code" in row else table in OWN


async def test_each_programme_goes_and_the_rest_works(guanxi, tmp_path, opened, dump):
    """They have members, and have been reported on; what customers hold of them would stay."""
    home, settings = tmp_path / "home", {}
    assert guanxi(home, "sample", tmp_path / "bank", "--customers", 200).returncode == 0
    assert guanxi(home, "load", without(tmp_path / "bank", tmp_path / "whole", USES)).returncode == 0
    for place, name in enumerate(PROGRAMMES, 1):
        first, *others = [own.programme_code for own in await programmes(opened) if own.kind == name]
        assert guanxi(home, "programmes", "report", first, "--as-of", "2026-06-30", **settings).returncode == 0
        settings = {"GUANXI_WITHOUT": ",".join(PROGRAMMES[:place])}
        dependants = {row["no"] for row in await opened.read(DEPENDANTS, code=first)}  # who draw on a member's limit
        before = offers(guanxi(home, *ASKED, **settings))
        told = json.loads(guanxi(home, "programmes", "remove", first, "--yes", "--json", **settings).stdout)
        for code in others:
            await programme_traces.remove(opened, code)
        freed = json.loads(guanxi(home, "plugins", "forget", name, "--yes", "--json", **settings).stdout)["freed"]
        after = offers(guanxi(home, *ASKED, **settings))

        assert (told["parts"]["programmes"], told["parts"]["secret_offsets"]) == (1, 1)
        assert before
        assert {who for who, code in before if after.get((who, code)) != before[who, code]} <= dependants
        assert {code for _, code in after.keys() - before.keys()} <= {*freed}
    listed = json.loads(guanxi(home, "plugins", "--json", **settings).stdout)
    assert {(own["state"], *own["holds_back"]) for own in listed} == {("loaded",)}
    schema = guanxi(home, "plugins", "schema", **settings)
    assert (schema.returncode, "type Query " in schema.stdout) == (0, True)
    assert not any(f" {name}: " in schema.stdout for name in PROGRAMMES)
    assert guanxi(home, "programmes", **settings).stdout == ""
    assert guanxi(home, "train", "--as-of", "2026-06-30", **settings).returncode == 0

    other = tmp_path / "other"
    with embedded.join(other) as lease:
        assert guanxi(other, "load", without(tmp_path / "whole", tmp_path / "rest", OWN)).returncode == 0
        assert guanxi(other, "plugins", **settings).returncode == 0
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            for name in PROGRAMMES:
                await plugin_traces.forget(store, name, waive=True)
            assert await dump(opened) == await dump(store)
