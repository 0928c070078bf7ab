"""The command that lists, verifies and prunes the audit log, and what the other commands have in it."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from graph import embedded
from graph.store import Store

pytestmark = pytest.mark.embedded

TODAY = datetime.now(UTC).date()
LATER = TODAY + timedelta(days=2)


def written(home, cypher):
    """Write to a home's store, as one could who has the store and not the secret."""

    async def write():
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            await store.write(cypher)

    with embedded.join(home) as lease:
        asyncio.run(write())


@pytest.fixture
def entries(guanxi):
    """Return a function: the entries that ``guanxi audit list`` prints, the oldest first."""

    def read(home, *arguments):
        done = guanxi(home, "audit", "list", "--json", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()][::-1]

    return read


def test_an_empty_log_holds_and_reading_it_is_recorded(new_home, guanxi, entries):
    empty = guanxi(new_home, "audit", "verify")
    first, second = entries(new_home), entries(new_home)
    held, head = guanxi(new_home, "audit", "verify"), guanxi(new_home, "audit", "head")

    assert (empty.returncode, empty.stdout) == (0, "The audit log holds: no entries. Head 0:genesis\n")
    assert first == []
    assert [(entry["operation"], entry["action"]) for entry in second] == [("guanxi audit list", "read")]
    assert (held.returncode, held.stdout) == (0, f"The audit log holds: entries 1 to 2. Head {head.stdout}")
    assert head.stdout.startswith("2:")


def test_what_was_changed_is_named_with_exit_code_1(new_home, guanxi):
    for _ in range(3):
        guanxi(new_home, "audit")
    head = guanxi(new_home, "audit", "head").stdout.strip()
    good = guanxi(new_home, "audit", "verify", "--head", head)
    later = guanxi(new_home, "audit", "verify", "--head", f"9{head}")
    written(new_home, "MATCH (e:AuditEntry {entry_no: 2}) SET e.actor = 'nobody'")
    bad = guanxi(new_home, "audit", "verify")

    assert (good.returncode, later.returncode, bad.returncode) == (0, 1, 1)
    assert later.stdout == "Entries 4 to 93 are missing: the head that was kept is beyond the end.\n"
    assert bad.stdout == "Entry 2 was changed, moved or inserted: its hash is not that of what it tells.\n"


def test_another_secret_neither_verifies_nor_appends(new_home, guanxi):
    guanxi(new_home, "audit")
    other = {"GUANXI_AUDIT_SECRET": "another secret of thirty-two letters"}

    verified, listed = (guanxi(new_home, "audit", action, **other) for action in ("verify", "list"))

    assert (verified.returncode, verified.stdout) == (1, "The log is of another secret than GUANXI_AUDIT_SECRET, or the chain's node was changed.\n")  # fmt: skip
    assert listed.returncode == 2
    assert listed.stderr.startswith("The audit log was begun with another secret")


def test_old_entries_are_pruned_into_an_archive_and_both_hold(new_home, guanxi, entries, tmp_path):
    archive, second = tmp_path / "old.jsonl", tmp_path / "second.jsonl"
    for _ in range(3):
        guanxi(new_home, "audit")
    none = guanxi(new_home, "audit", "prune", "--before", TODAY, "--archive", archive)
    assert (none.returncode, none.stdout, archive.exists()) == (0, f"No entry is older than {TODAY}.\n", False)

    pruned = guanxi(new_home, "audit", "prune", "--before", LATER, "--archive", archive)
    held = guanxi(new_home, "audit", "verify")
    kept = guanxi(new_home, "audit", "verify", "--archive", archive)
    [left] = entries(new_home)

    assert (pruned.returncode, pruned.stdout) == (0, f"Entries 1 to 3 are in {archive}, and no more in the log.\n")
    assert (held.returncode, held.stdout.startswith("The audit log holds: entries 4 to 4; 3 before them are in archives. Head 4:")) == (0, True)  # fmt: skip
    assert (kept.returncode, kept.stdout) == (0, f"The audit log holds: entries 1 to 3. Head 3:{left['previous']}\n")
    assert (left["operation"], json.loads(left["details"])) == ("guanxi audit prune", {"first": 1, "last": 3})

    again = guanxi(new_home, "audit", "prune", "--before", LATER, "--archive", archive)
    assert (again.returncode, again.stderr) == (2, f"{archive} exists already; name another file.\n")
    guanxi(new_home, "audit", "prune", "--before", LATER, "--archive", second)
    assert [guanxi(new_home, "audit", "verify", *own).returncode for own in ((), ("--archive", second))] == [0, 0]
    early = guanxi(new_home, "audit", "verify", "--head", "1:x")
    assert (early.returncode, early.stderr) == (2, "Entry 1 was pruned: check its archive, or name a head after 5.\n")

    archive.write_text(archive.read_text().replace('"read"', '"write"', 1))
    changed = guanxi(new_home, "audit", "verify", "--archive", archive)
    assert (changed.returncode, changed.stdout) == (1, "Entry 1 was changed, moved or inserted: its hash is not that of what it tells.\n")  # fmt: skip


def test_a_log_that_was_cut_without_the_secret_does_not_hold(new_home, guanxi):
    for _ in range(3):
        guanxi(new_home, "audit")
    written(
        new_home,
        "MATCH (c:AuditChain), (e:AuditEntry {entry_no: 1}) SET c.pruned_no = 1, c.pruned_hash = e.hash, c.pruned_seal = 'x' DELETE e",
    )

    done = guanxi(new_home, "audit", "verify")

    assert (done.returncode, done.stdout) == (1, "Entries 1 to 1 are missing: they were not pruned by guanxi.\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("verify", "--head", "x"), "'x' is no head; guanxi audit head prints one."),
        (("verify", "--archive", "/nowhere/a.jsonl"), "/nowhere/a.jsonl cannot be read: No such file or directory."),
        (("prune", "--before", TODAY), "guanxi audit prune takes --before DAY and --archive FILE."),
    ],
)
def test_wrong_use_is_one_line(tmp_path, guanxi, arguments, line):
    done = guanxi(tmp_path, "audit", *arguments)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")


def test_what_is_no_archive_is_named(guanxi, tmp_path):
    for text in ("rubbish\n", "[]\n", '{"entry_no": 1}\n'):
        (tmp_path / "a.jsonl").write_text(text)
        done = guanxi(tmp_path, "audit", "verify", "--archive", tmp_path / "a.jsonl")
        assert (done.returncode, done.stdout) == (1, f"{tmp_path / 'a.jsonl'} is no archive of an audit log, or a line of it was changed.\n")  # fmt: skip


def test_commands_that_read_or_write_customers_are_recorded(journey, guanxi, entries, last_day):
    before = entries(journey.home)[-1]["entry_no"]
    at = ("--as-of", last_day)
    customer = guanxi(journey.home, "recommend", "--all", "--top", 1, *at).stdout.splitlines()[1].partition(",")[0]
    explained = guanxi(journey.home, "explain", customer, *at)
    guanxi(journey.home, "recommend", "--customer", customer, *at)
    product = guanxi(journey.home, "recommend", "--customer", customer, *at).stdout.splitlines()[1].split(",")[2]
    found = guanxi(journey.home, "prospects", product, "--top", 7, *at)
    nobody = guanxi(journey.home, "explain", "NOBODY", *at)
    told = [entry for entry in entries(journey.home) if entry["entry_no"] > before]
    about = entries(journey.home, "--customer", customer)

    assert (explained.returncode, found.returncode, nobody.returncode) == (0, 0, 2)
    assert [(entry["operation"], entry["action"], len(entry["subjects"])) for entry in told] == [
        ("guanxi audit list", "read", 0),
        ("guanxi recommend", "read", 0),
        ("guanxi explain", "read", 1),
        ("guanxi recommend", "read", 1),
        ("guanxi recommend", "read", 1),
        ("guanxi prospects", "read", 7),
    ]
    assert json.loads(told[1]["details"]) == {"customers": 300}
    assert json.loads(told[5]["details"]) == {"product": product}
    assert {"guanxi explain", "guanxi recommend", "guanxi prospects"} <= {entry["operation"] for entry in about}
    loads = [entry for entry in entries(journey.home, "--top", 1_000) if entry["operation"] == "guanxi load"]
    assert [json.loads(entry["details"])["customers.csv"] > 0 for entry in loads[:2]] == [True, False]
    assert guanxi(journey.home, "audit", "verify").returncode == 0


APPENDING = """
import asyncio, sys
from graph import embedded
from graph.audit import AuditLog
from graph.audit_entries import Act, AuditAction, AuditKey
from graph.store import Store

async def go(lease):
    async with Store(lease.uri, lease.username, lease.password, lease.database, 30) as store:
        log = AuditLog(store, AuditKey(sys.argv[2]))
        while True:
            await log.append([Act(f"user {n}", AuditAction.READ, "customer", customers=["C1", "C2"]) for n in range(20)])
            print(flush=True)

from pathlib import Path
with embedded.join(Path(sys.argv[1])) as lease:
    asyncio.run(go(lease))
"""


def test_a_process_killed_while_it_appends_leaves_a_log_that_holds(new_home, guanxi):
    guanxi(new_home, "audit")
    secret = (new_home / "audit.secret").read_text()
    for turn in range(3):
        process = subprocess.Popen([sys.executable, "-c", APPENDING, new_home, secret], stdout=subprocess.PIPE)
        for _ in range(5 + turn):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()

        done = guanxi(new_home, "audit", "verify")
        assert (done.returncode, done.stdout.startswith("The audit log holds: entries 1 to ")) == (0, True)
    last = int(done.stdout.partition(" to ")[2].partition(".")[0])
    assert last % 20 == 1  # whole batches, beside the entry of the list
    assert last >= 20 * 18
