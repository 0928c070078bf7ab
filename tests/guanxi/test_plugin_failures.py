"""``guanxi plugins failures`` and ``reproduce``, as a plugin's owner uses them."""

import asyncio
import json
import re
from datetime import date

import pytest

from graph.records import Customer, Holding, Product, StoredSettings
from graph.words import CustomerKind
from plugins.failures.failure import Asked
from plugins.failures.reports import FailureReports
from plugins.failures.telling import Foreign
from plugins.fields.calls import FieldCalls
from plugins.fields.checks import checked_field
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from plugins.life.stages import Lives
from plugins.life_events import happenings
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, Omitted
from recommenders.view import CustomerView

TODAY = date(2026, 6, 30)
SOURCE = """
from guanxi import About, Proposal, hookimpl, recommender

@hookimpl
def about():
    return About(version="7", owner="ann@bank.example")

@recommender("{name}")
def propose(customer, catalogue):
    if {when}:
        raise ValueError(f"not today, {{customer.customer_no}}")
    yield Proposal("A", 0.5)
"""
KNOWN = Customer("C-77", CustomerKind.PERSON, name="Li Wei", birth_date=date(1977, 7, 7), region="Dali",
                 occupation="teacher", income=7311.5, holdings=(Holding("A"),))  # fmt: skip


@pytest.fixture
def failed(tmp_path):
    """Return a function: the file of a plugin that failed, and the home that its failure is reported in."""

    def make(name="mine", when="True"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(SOURCE.format(name=name, when=when))
        host = PluginHost.load([folder], shipped=(), reports=FailureReports(tmp_path / "home" / "failures"))
        batch = Batch.whole([KNOWN], Catalogue([Product("A", "A", "deposit")]), Context(TODAY))
        with pytest.raises(Omitted):
            host.recommending.guarded(None)[0].propose(batch)
        return folder / f"{name}.py", tmp_path / "home"

    return make


def reports(guanxi, home, *arguments):
    return json.loads(guanxi(home, "plugins", "failures", *arguments, "--json").stdout)


def test_they_are_listed_with_the_command_that_shows_them(failed, guanxi):
    _, home = failed()
    failed("yours")
    done = guanxi(home, "plugins", "failures")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"(\w+) 7  (\w+): (.*)", done.stdout) == [
        ("mine", "mine", "ValueError in mine.py:11"),
        ("yours", "yours", "ValueError in yours.py:11"),
    ]
    found = reports(guanxi, home)
    assert [f"    for ann@bank.example: guanxi plugins reproduce {one['file']} PLUGIN" for one in found] == (
        done.stdout.splitlines()[1::2]
    )
    assert [one["plugin"] for one in reports(guanxi, home, "yours")] == ["yours"]
    nothing, gone = (guanxi(home, "plugins", "failures", name) for name in ("campus", "theirs"))
    assert (nothing.returncode, nothing.stdout) == (0, f"No failure of campus is reported in {home / 'failures'}.\n")
    assert (gone.returncode, gone.stdout, gone.stderr) == (2, "", "There is no plugin 'theirs'.\n")
    assert guanxi(home, "plugins", "failures", "yurs").stderr == "There is no plugin 'yurs'. Is yours meant?\n"


def test_one_that_is_too_broken_to_say_its_version_is_listed_without(guanxi, tmp_path):
    (tmp_path / "mine.py").write_text("import nothing_of_the_kind")
    guanxi(tmp_path / "home", "plugins", GUANXI_PLUGINS=str(tmp_path))
    [first, _] = guanxi(tmp_path / "home", "plugins", "failures").stdout.splitlines()
    assert first.partition("  ")[2] == "mine  mine: ModuleNotFoundError in mine.py:1"


def test_each_kind_of_branch_is_reproduced(failed, guanxi):
    branches = {
        "region": "customer.region == 'Dali'",
        "age": "customer.age == 48 and customer.holds('A')",
    }
    paths = {name: failed(name, when)[0] for name, when in branches.items()}
    home = next(iter(paths.values())).parent.parent / "home"
    for one in reports(guanxi, home):
        done = guanxi(home, "plugins", "reproduce", one["file"], paths[one["plugin"]])
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout.startswith(
            f"{one['plugin']} of {one['plugin']} 7 failed: ValueError in {one['plugin']}.py:11\n"
        )
        assert "ValueError: not today, " in done.stdout
        assert "C-77" not in done.stdout


def test_what_was_mended_fails_no_more(failed, guanxi):
    path, home = failed()
    path.write_text(SOURCE.format(name="mine", when="False"))
    [one] = reports(guanxi, home)
    done = guanxi(home, "plugins", "reproduce", one["file"], path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == (
        "It does not fail on what was reported; amounts are made up, and it may be by one that it fails."
    )


def test_what_cannot_be_asked_again_is_told_in_a_line(failed, guanxi, tmp_path):
    path, home = failed()
    [one] = reports(guanxi, home)
    other, _ = failed("yours")
    for report, plugin, told in (
        (one["file"], tmp_path / "gone.py", f"There is no {tmp_path / 'gone.py'}."),
        (path, path, f"{path} is no report of a plugin's failure (JSONDecodeError)."),
        (one["file"], other, "This plugin has no recommender named 'mine'."),
    ):
        done = guanxi(home, "plugins", "reproduce", report, plugin)
        assert (done.returncode, done.stderr.splitlines()) == (2, [told])


@pytest.mark.parametrize("code", [0, 3])
def test_one_that_ends_the_process_fails(failed, guanxi, code):
    path, home = failed(when=f"__import__('sys').exit({code})")
    [one] = reports(guanxi, home)
    done = guanxi(home, "plugins", "reproduce", one["file"], path)
    assert (one["place"], done.returncode) == ("SystemExit in mine.py:10", 1)
    assert f"\nSystemExit: {code}\n" in done.stdout


GATE = """
import numpy as np
from guanxi import hookimpl

class Own:
    gate = "eligibility"
    code = "OWN"

    def refuses(self, batch):
        return {refuses}

    def explain(self, customer, product):
        raise ValueError("nobody is refused")

@hookimpl
def gates(register):
    register(Own())
"""


@pytest.mark.parametrize(
    ("refuses", "shown"),
    [
        ("np.zeros(batch.shape)", "TypeError: gave float64, not booleans"),
        ("None", "TypeError: gave object, not booleans"),
    ],
)
def test_a_gate_that_gives_no_booleans_is_reproduced(guanxi, tmp_path, refuses, shown):
    (tmp_path / "mine.py").write_text(GATE.format(refuses=refuses))
    home = tmp_path / "home"
    host = PluginHost.load([tmp_path], shipped=(), reports=FailureReports(home / "failures"))
    [gate] = host.gates()
    assert gate.refuses(Batch.whole([KNOWN], Catalogue([Product("A", "A", "deposit")]), Context(TODAY))).all()

    [one] = reports(guanxi, home)
    done = guanxi(home, "plugins", "reproduce", one["file"], tmp_path / "mine.py")
    assert (done.returncode, shown in done.stdout) == (1, True), done.stdout + done.stderr


EARLY = """
from guanxi import About, BundleRule, Lever, hookimpl, say
from pydantic import BaseModel, Field

class Settings(BaseModel, frozen=True):
    factor: float = Field(1.0, description="How strongly.")

@hookimpl
def about():
    return About(version="7", owner="ann@bank.example", settings=Settings)

@hookimpl
def levers(register, catalogue, settings):
    {levers}

@hookimpl
def bundles(register, catalogue, settings):
    {bundles}

@hookimpl
def fields(register, settings):
    {fields}
"""
EARLY_HOOKS = ("levers", "bundles", "fields")


BUNDLE = "register(BundleRule({code!r}, {products!r}, say('B', 'B'), say('b', 'b')))"
EMPTY = BUNDLE.format(code="EMPTY", products=())
TWICE = "; ".join([BUNDLE.format(code="PAIR", products=("A", "B"))] * 2)


@pytest.mark.parametrize(
    ("own", "hook", "said", "code", "shown"),
    [
        ({"levers": "1 / 0"}, "rules", "division by zero", 1, "ZeroDivisionError: division by zero"),
        ({"fields": "1 / 0"}, "loading", "division by zero", 2, "is broken: ZeroDivisionError: division by zero"),
        ({"levers": "register(Lever('spring', {'A': -1.0}))"}, "rules",
         "registered the lever 'spring', whose factor of 'A' is -1.0", 1, "whose factor of 'A' is -1.0"),
        ({"bundles": EMPTY}, "rules", "registered the bundle 'EMPTY', whose products are no product codes", 1,
         "registered the bundle 'EMPTY', whose products are no product codes"),
        ({"bundles": TWICE}, "rules", "registered a bundle by the code 'PAIR', which is no text or is taken", 1,
         "registered a bundle by the code 'PAIR', which is no text or is taken"),
        ({"fields": "1 / settings.factor"}, "settings", "float division by zero", 2, "under the bank's settings"),
    ],
)  # fmt: skip
def test_what_fails_before_a_customer_is_seen_is_reported_with_all_it_says(
    guanxi, tmp_path, own, hook, said, code, shown
):
    (tmp_path / "mine.py").write_text(EARLY.format_map(dict.fromkeys(EARLY_HOOKS, "pass") | own))
    home = tmp_path / "home"
    host = PluginHost.load([tmp_path], shipped=(), reports=FailureReports(home / "failures"))
    if hook == "settings":
        host.take_settings({"mine": StoredSettings("mine", 1, {"factor": 0})})
    host.rules(Catalogue([Product("A", "A", "deposit")]))

    [one] = reports(guanxi, home)
    assert (one["hook"], one["item"], one["said"]) == (hook, "mine", said)
    assert (one["version"], one["owner"]) == ("7", "ann@bank.example")
    done = guanxi(home, "plugins", "reproduce", one["file"], tmp_path / "mine.py")
    assert (done.returncode, shown in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"levers": "1 / 0"}, "products' days are moved, the bank's settings and other plugins are not there, and it may "
                              "be by one of these that it fails."),
        ({"fields": "1 / 0"}, "the bank's settings and other plugins are not there, and it may be by one of these that "
                              "it fails."),
    ],
)  # fmt: skip
def test_of_what_has_no_amounts_it_says_what_else_it_may_fail_by(guanxi, tmp_path, own, told):
    path, home = tmp_path / "mine.py", tmp_path / "home"
    path.write_text(EARLY.format_map(dict.fromkeys(EARLY_HOOKS, "pass") | own))
    PluginHost.load([tmp_path], shipped=(), reports=FailureReports(home / "failures")).rules(Catalogue([]))
    [one] = reports(guanxi, home)
    path.write_text(EARLY.format_map(dict.fromkeys(EARLY_HOOKS, "pass")))

    done = guanxi(home, "plugins", "reproduce", one["file"], path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"It does not fail on what was reported; {told}"


FIELDS = """
from guanxi import Field, LifeEvent, hookimpl, say

def own(customer, part: Annotated[str, "A part."] = ""):
    if customer.region == "Dali" and part == "Erhai":
        raise ValueError(customer.region)

def moved(customer):
    if customer.age == 48:
        raise ValueError(customer.region)

def length(product):
    return len(product.name_zh)

def share(code):
    return 1 / (code != "CAMPUS")

@hookimpl
def fields(register):
    register(Field("Customer", "own", int, own, "Its own."))
    register(Field("Product", "length", int, length, "Its length."))
    register(Field("Programme", "share", float, share, "Its share."))

@hookimpl
def events(register):
    register(LifeEvent("MOVED", say("Moved.", "搬家。"), moved))
"""


@pytest.fixture
def failed_fields(tmp_path):
    """Return the file of a plugin whose fields and life event failed, each once."""
    path = tmp_path / "mine.py"
    path.write_text("from typing import Annotated\n" + FIELDS)
    host = PluginHost.load([tmp_path], shipped=(), reports=FailureReports(tmp_path / "home" / "failures"))
    seen = CustomerView(KNOWN, TODAY)
    asked = {"own": (seen, {"part": "Erhai"}), "length": (Product("A", "A", "deposit"), {}), "share": ("CAMPUS", {})}
    for field, info in host.of("fields"):
        subject, given = asked[field.name]
        calls = FieldCalls(checked_field(field), info, reports=host.reports)
        assert asyncio.run(calls.values(["one"], [subject], given)) == [None]
    happenings(host, Lives(), seen, TODAY, TODAY)
    return path


def test_fields_and_life_events_are_reproduced(failed_fields, guanxi, tmp_path):
    found = {one["item"]: one for one in reports(guanxi, tmp_path / "home")}
    assert {item: (one["hook"], one["place"], one["said"]) for item, one in found.items()} == {
        "Customer.own": ("fields", "ValueError in mine.py:7", "xxxx"),
        "MOVED": ("events", "ValueError in mine.py:11", "xxxx"),
        "Product.length": ("fields", "TypeError in mine.py:14", "object of type 'NoneType' has no len()"),
        "Programme.share": ("fields", "ZeroDivisionError in mine.py:17", "division by zero"),
    }
    for item, one in found.items():
        done = guanxi(tmp_path / "home", "plugins", "reproduce", one["file"], failed_fields)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout.startswith(f"{item} of mine 1 failed: {one['place']}\n")
        assert f"\n{one['place'].partition(' ')[0]}: " in done.stdout
        assert "C-77" not in done.stdout


def test_facts_of_a_reason_cannot_be_asked_for_again(failed_fields, guanxi, tmp_path):
    told = FailureReports(tmp_path / "home" / "failures")
    told.tell(PluginInfo("mine", "nowhere"), "facts", "Offer.typedReasons", TypeError("gave str"), Asked.of())
    [one] = [one for one in reports(guanxi, tmp_path / "home") if one["hook"] == "facts"]
    done = guanxi(tmp_path / "home", "plugins", "reproduce", one["file"], failed_fields)
    assert (done.returncode, done.stderr) == (
        2, "Offer.typedReasons cannot be asked again by itself: it failed on what a recommender gave.\n"
    )  # fmt: skip


HUNGRY = """
from guanxi import About, Proposal, recommender

@recommender("mine")
def propose(customer):
    {does}
"""
ISOLATIONS = ("thread", "process")
HOG = "held = bytearray(3_000_000_000)"


@pytest.fixture
def reported(tmp_path):
    """Return a function: the file of a plugin that does something, and that of a report that it failed by an error."""

    def make(does, error):
        path, folder = tmp_path / "mine.py", tmp_path / "home" / "failures"
        path.write_text(HUNGRY.format(does=does))
        told = FailureReports(folder)
        asked = Asked.of([CustomerView(KNOWN, TODAY)], [Product("A", "A", "deposit")])
        told.tell(PluginInfo("mine", str(path)), "recommenders", "mine", error, asked)
        return path, next(folder.glob("*/*.json"))

    return make


@pytest.mark.parametrize("error", [TimeoutError("took longer than 110 ms"), ValueError("no")], ids=["time", "other"])
def test_one_that_never_ends_is_shown_where_it_hangs(reported, guanxi, tmp_path, error):
    path, report = reported("while True: pass", error)
    done = guanxi(tmp_path / "home", "plugins", "reproduce", report, path)
    seconds = "110 ms" if isinstance(error, TimeoutError) else "10000 ms"
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[1:] == [
        f"TimeoutError: took longer than {seconds}",
        "It is still at:",
        f'  File "{path}", line 6, in propose',
        "    while True: pass",
        "",
    ]


def test_one_that_never_ends_is_ended_with_its_process(reported, guanxi, tmp_path):
    path, report = reported("while True: pass", TimeoutError("took longer than it has"))
    done = guanxi(tmp_path / "home", "plugins", "reproduce", report, path, GUANXI_PLUGIN_ISOLATION="process")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[1:] == [
        "TimeoutError: took longer than it has; its process was ended",
        "GUANXI_PLUGIN_ISOLATION=thread shows where it is.",
        "",
    ]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_an_own_error_about_time_is_shown_with_its_line(reported, guanxi, tmp_path, isolation):
    path, report = reported("raise TimeoutError('the bank is away')", TimeoutError("no"))
    done = guanxi(tmp_path / "home", "plugins", "reproduce", report, path, GUANXI_PLUGIN_ISOLATION=isolation)
    assert (done.returncode, "line 6, in propose\n" in done.stdout) == (1, True), done.stdout
    assert done.stdout.rstrip().splitlines()[-1] == "TimeoutError: the bank is away"


def test_what_takes_too_much_memory_is_asked_in_a_process_with_the_memory_of_the_settings(reported, guanxi, tmp_path):
    path, report = reported(HOG, MemoryError())
    done = guanxi(tmp_path / "home", "plugins", "reproduce", report, path, GUANXI_PLUGIN_ISOLATION="process")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-2:] == [f'  File "{path.name}", line 6, in propose', "MemoryError: "]


THREADED = "; GUANXI_PLUGIN_ISOLATION=process bounds its memory, too"


@pytest.mark.parametrize(
    ("error", "isolation", "short"),
    [
        (TimeoutError(), "thread", f"time, and there may be more of it here{THREADED}"),
        (MemoryError(), "thread", f"memory, and there may be more of it here{THREADED}"),
        (MemoryError(), "process", "memory, and there may be more of it here"),
        (Foreign("ProcessEnded", ""), "process", "memory, and there may be more of it here"),
    ],
)
def test_of_what_was_short_of_time_or_memory_it_says_so(reported, guanxi, tmp_path, error, isolation, short):
    path, report = reported("yield Proposal('A', 0.5)", error)
    done = guanxi(tmp_path / "home", "plugins", "reproduce", report, path, GUANXI_PLUGIN_ISOLATION=isolation)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"It does not fail on what was reported; it failed for want of {short}."
