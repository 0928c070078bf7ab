"""What is left of plugins that are gone: told by commands, and removed by them."""

import csv
import json
import os
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
        "campus           gone                  it is not loaded; guanxi plugins forget campus removes what"
    )
    assert lines[place + 1].strip() == (
        f"held back from everybody, or all but a share, for want of it: {', '.join(held)}"
    )
    assert {(own["state"], *own["holds_back"]) for own in json.loads(whole.stdout)} == {("loaded",)}
    assert (told["campus"]["stage"], told["tobacco"]["stage"]) == (None, "live")
    assert checked.returncode == 0
    assert checked.stdout.splitlines() == ["The settings may serve in production."] + [
        f"Held back from everybody, or all but a share, for want of campus: {code}" for code in held
    ]
    assert (wrong.returncode, wrong.stderr, wrong.stdout.startswith("GUANXI_WITHOUT names 'kampus';")) == (1, "", True)


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture
async def opened(new_home):
    """The store of a home, which commands join."""
    with embedded.join(new_home) as lease:
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
    assert plugins("recommend", "--all", loaded=False).returncode == 0  # by which the store knows what is shipped
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
    unasked, beside = (plugins("plugins", "forget", "fan_club", *own, loaded=False) for own in ((), ("--json",)))
    assert await dump(opened) == used
    done = plugins("plugins", "forget", "fan_club", "--yes", loaded=False)
    again, slip = (plugins("plugins", "forget", name, "--yes", loaded=False) for name in ("fan_club", "campos"))

    assert (there.returncode, there.stderr) == (
        2, f"The plugin fan_club is there, from {tmp_path / 'plugins' / 'fan_club.py'}: take it out, "
        "and then forget it.\n"
    )  # fmt: skip
    parts = {"stages": 1, "jobs": 1, "claims": 1, "failure_reports": 1}
    assert told == {"dry_run": True, "plugin": "fan_club", "parts": parts, "freed": ["FAN-CARD"]}
    assert tried.stdout.splitlines()[:2] == [
        "What is kept of fan_club goes: stages 1, jobs 1, claims 1, failure reports 1.",
        "Held back so far, and ordinary from then on, offered to whomever the bank's own gates let, without the "
        "plugin's: FAN-CARD.",
    ]
    assert (unasked.returncode, unasked.stderr) == (2, "Nobody can be asked whether that is meant: say --yes.\n")
    assert (beside.returncode, beside.stdout, beside.stderr) == (2, "", unasked.stderr)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "fan_club is forgotten.")
    assert await dump(opened) == never
    assert not reports.exists()
    assert [(own.returncode, own.stderr) for own in (again, slip)] == [
        (2, "Nothing is kept of a plugin 'fan_club'.\n"), (2, "Nothing is kept of a plugin 'campos'.\n"),
    ]  # fmt: skip
    last = [entry async for entry in audit.entries(opened, 0)][-1]
    assert (last["operation"], json.loads(last["details"])["plugin"]) == ("guanxi plugins forget", "fan_club")


async def test_what_is_installed_is_left_out_by_its_name_and_counts_as_gone(guanxi, opened, tmp_path):
    about = tmp_path / "site" / "guanxi_fan_club-1.dist-info"
    about.mkdir(parents=True)
    (about.parent / "guanxi_fan_club.py").write_text(CLUB)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: guanxi-fan-club\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[guanxi.plugins]\nfan-club = guanxi_fan_club\n")
    path = os.pathsep.join([str(about.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

    def run(*arguments, **settings):
        return guanxi(tmp_path / "home", *arguments, PYTHONPATH=path, **settings)

    assert run("recommend", "--all").returncode == 0  # by which the store knows what the plugin serves
    await import_rows(opened, "programmes", [row("LIONS", programme_code="LIONS", kind="club", name="Lions")])
    await import_rows(opened, "products", [
        row("FAN-CARD", product_code="FAN-CARD", name="Fans", category="card", programme_code="LIONS"),
    ])  # fmt: skip
    there = run("plugins", "forget", "fan-club", "--yes")
    listed = json.loads(run("plugins", "--json", GUANXI_WITHOUT="fan_club").stdout)
    freed = json.loads(run("plugins", "forget", "fan-club", "--yes", "--json", GUANXI_WITHOUT="fan_club").stdout)[
        "freed"
    ]

    assert there.stderr == (
        "The plugin fan-club is there, from entry point guanxi_fan_club: uninstall it, or leave it out by GUANXI_WITHOUT, "
        "and then forget it.\n"
    )
    assert [(own["state"], own["holds_back"]) for own in listed if own["name"] == "fan-club"] == [
        ("gone", ["FAN-CARD"])
    ]
    assert freed == ["FAN-CARD"]


async def test_reports_that_cannot_be_removed_leave_the_plugin_known(plugins, opened, dump, tmp_path):
    assert plugins("plugins", "stage", "fan-club", "shadow", "--reason", "new").returncode == 0
    reports = tmp_path / "home" / "failures" / "fan_club"
    reports.parent.mkdir(parents=True, exist_ok=True)
    reports.write_text("which no folder is")
    before = await dump(opened)
    done = plugins("plugins", "forget", "fan-club", "--yes", "--json", loaded=False)

    assert (done.returncode, done.stdout, done.stderr) == (
        2, "", f"{reports} cannot be removed (Not a directory): fan_club is not forgotten yet.\n"
    )  # fmt: skip
    assert await dump(opened) == before
    last = [entry async for entry in audit.entries(opened, 0)][-1]
    assert last["operation"] == "guanxi plugins forget"  # said before anything goes: nothing goes unsaid


async def test_what_would_go_is_told_of_a_store_as_it_is(plugins, opened):
    told = [
        plugins(*asked, "--dry-run", loaded=False)
        for asked in (("plugins", "forget", "fan-club"), ("programmes", "remove", "LIONS"))
    ]

    assert [own.stderr for own in told] == [
        "Nothing is kept of a plugin 'fan-club'.\n", "There is no programme 'LIONS'.\n",
    ]  # fmt: skip
    assert await opened.read("MATCH (n) RETURN n") == []


@pytest.mark.parametrize(("stage", "runs"), [("draft", False), ("shadow", False), ("share", True), ("retired", False)])
async def test_a_programme_runs_while_its_plugin_decides_of_anybody(plugins, opened, stage, runs):
    """It has no products, as one that was half removed."""
    share = ("--share", "50") if runs else ()
    assert plugins("plugins", "stage", "fan-club", stage, *share, "--force", "--reason", "new").returncode == 0
    await import_rows(opened, "programmes", [row("LIONS", programme_code="LIONS", kind="club", name="Lions")])
    done = plugins("programmes", "remove", "LIONS", "--yes")

    assert (done.returncode, "The programme LIONS runs without an end" in done.stderr) == (
        (2, True) if runs else (0, False)
    )
    assert len(await programmes(opened)) == runs


async def test_a_programme_runs_while_no_plugin_has_served_its_kind(plugins, opened):
    async def remove(kind):
        await import_rows(opened, "programmes", [row(kind, programme_code=kind, kind=kind, name="Lions")])
        return plugins("programmes", "remove", kind, "--yes", loaded=False).returncode

    assert plugins("recommend", "--all").returncode == 0  # by which the store knows what the plugin serves
    assert [await remove(kind) for kind in ("club", "league")] == [0, 2]


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
        2, "", "The programme LIONS runs without an end: load it with an ends_on that is past, or leave out or retire "
        "its plugin, or say --despite-running.\n"
    )  # fmt: skip
    assert (slip.returncode, slip.stderr) == (2, "There is no programme 'LION'. Is LIONS meant?\n")
    assert (tried.returncode, tried.stdout.splitlines()[0]) == (0, "What there is of LIONS goes: programmes 1.")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "LIONS is removed.")
    assert await programmes(opened) == []
    last = [entry async for entry in audit.entries(opened, 0)][-1]
    assert (last["operation"], json.loads(last["details"])) == (
        "guanxi programmes remove", {"programme": "LIONS", "programmes": 1}
    )  # fmt: skip


def test_a_partner_whom_another_s_contract_excludes_stays_and_is_told_of(plugins, guanxi, tmp_path):
    bank = tmp_path / "bank"
    bank.mkdir()
    (bank / "partners.csv").write_text("partner_code,name,kind\nSKYAIR,Sky,airline\nFALCON,Falcon,airline\n")
    (bank / "programmes.csv").write_text(
        "programme_code,kind,name,partner_code,exclusive_of,ends_on\n"
        "SKY-1,club,Sky,SKYAIR,,2020-01-01\nFALCON-1,club,Falcon,FALCON,SKYAIR,\n"
    )
    for core, lines in (
        ("customers", "customer_no,kind\nC1,person\n"), ("products", "product_code,name,category\nSAVE,Save,deposit\n"),
        ("holdings", "customer_no,product_code\nC1,SAVE\n"),
    ):  # fmt: skip
        (bank / f"{core}.csv").write_text(lines)
    assert guanxi(tmp_path / "home", "load", bank).returncode == 0
    tried = plugins("programmes", "remove", "SKY-1", "--dry-run", loaded=False)
    told = json.loads(plugins("programmes", "remove", "SKY-1", "--yes", "--json", loaded=False).stdout)
    part = tmp_path / "part"
    part.mkdir()
    (part / "programmes.csv").write_text(
        "programme_code,kind,name,partner_code,exclusive_of,ends_on\nFALCON-1,club,Falcon,FALCON,SKYAIR,\n"
    )
    loaded = guanxi(tmp_path / "home", "load", part)

    assert tried.stdout.splitlines()[:2] == [
        "What there is of SKY-1 goes: programmes 1.",
        "Its partner stays, also in the bank's files, as exclusive_of names him in the contract of: FALCON-1.",
    ]
    assert (told["parts"], told["named_by"]) == ({"programmes": 1}, ["FALCON-1"])
    assert loaded.returncode == 0, loaded.stderr


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
        assert guanxi(other, *ASKED, **settings).returncode == 0
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            for name in PROGRAMMES:
                await plugin_traces.forget(store, name, waive=True)
            assert await dump(opened) == await dump(store)


def emptied(bank, into, code):
    """Write a bank whose files do not name a programme, and return its folder."""
    into.mkdir()
    for path in bank.glob("*.csv"):
        rows = rows_of(path)
        with (into / path.name).open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            for own in rows:
                is_gone = own.get("programme_code") == code
                if not (is_gone and path.stem in OWN[:3]):
                    writer.writerow(own | {"programme_code": ""} if is_gone else own)
    return into


async def test_what_stays_of_a_programme_is_offered_to_nobody_until_it_is_ordinary(guanxi, tmp_path, opened):
    home, bank = tmp_path / "home", tmp_path / "bank"
    assert guanxi(home, "sample", bank, "--customers", 60).returncode == 0
    assert guanxi(home, "load", bank).returncode == 0
    code = next(own.programme_code for own in await programmes(opened) if own.kind == "campus")

    def offered():
        return {product for _, product in offers(guanxi(home, *ASKED, **WITHOUT))}

    told = guanxi(home, "programmes", "remove", code, "--yes", "--json", **WITHOUT)
    stays = {*json.loads(told.stdout)["products"]}
    assert stays
    assert not offered() & stays
    assert guanxi(home, "plugins", "forget", "campus", "--yes", **WITHOUT).returncode == 0
    assert not offered() & stays
    named = guanxi(home, "load", without(bank, tmp_path / "named", ["programmes", "memberships"]), **WITHOUT)
    assert named.returncode == 1
    assert {(own["value"], own["reason"]) for own in rows_of(home / "rejects.csv")} == {
        (code, "names no row of programmes")
    }
    assert guanxi(home, "load", emptied(bank, tmp_path / "emptied", code), **WITHOUT).returncode == 0
    assert offered() & stays
