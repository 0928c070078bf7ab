"""Fields of a plugin that has a process of its own."""

import os
import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from plugins.fields.calls import FieldCalls
from plugins.fields.checks import checked_field
from plugins.host import PluginHost
from plugins.isolation.guard import FAILURES_TO_OPEN
from plugins.isolation.modes import Isolation
from tests.waiting import PATIENCE, until

SHAPES = '''
from dataclasses import dataclass
from datetime import date, datetime, UTC
from decimal import Decimal
from enum import Enum
from typing import Annotated
from guanxi import Field, hookimpl

class Side(Enum):
    """Where."""
    LEFT = (1, 2)
    "There."
    RIGHT = (3, 4)
    "Here."

@dataclass(frozen=True)
class Bed:
    """A bed."""
    side: Side
    "Its side."
    price: Decimal | None
    "Of a day."

@dataclass(frozen=True, slots=True)
class Ward:
    """A ward."""
    beds: tuple[Bed, ...]
    "Its beds."
    since: date
    "Its first day."
    at: datetime
    "When it was told."
    share: float
    "How full."

    def __post_init__(self):
        assert isinstance(self.beds, tuple)

def ward(
    code,
    side: Annotated[Side, "Of which."] = Side.LEFT,
    since: Annotated[date | None, "From when."] = None,
    words: Annotated[tuple[str, ...], "What else."] = ("a",),
):
    beds = tuple(Bed(side, Decimal("1.50") if word == "a" else None) for word in words)
    return Ward(beds, since or date(2026, 2, 28), datetime(2026, 6, 30, 12, tzinfo=UTC), 1)

@hookimpl
def fields(register):
    register(Field("Programme", "length", int, len, "How long its code is."))
    register(Field("Programme", "ward", Ward, ward, "Its ward."))
    register(Field("Programme", "nothing", Ward | None, lambda code: None, "Nothing."))
    register(Field("Product", "letters", str, lambda product: product.name, "Its name."))
    register(Field("Customer", "number", str, lambda customer: customer.customer_no, "His number."))
'''
PARENT = "import time; os.kill(os.getppid(), 9); time.sleep(10**6)"
DEEP = "import sys; sys.setrecursionlimit(10**8); deep = lambda _: max([1], key=deep); deep(1)"
FAILING = """
import os
from pathlib import Path
from guanxi import Field, hookimpl

def own(code):
    Path({pid!r}).write_text(str(os.getpid()))
    if code == "BAD":
        {does}
    return len(code)

@hookimpl
def fields(register):
    register(Field("Programme", "own", int, own, "Its own."))
"""


SLOW = """
import time
from pathlib import Path
from guanxi import Field, hookimpl

def own(code):
    with Path({asked!r}).open("a") as asked:
        asked.write(code)
    time.sleep(1.3)
    return 1

@hookimpl
def fields(register):
    register(Field("Programme", "own", int, own, "Its own."))
"""


@pytest.fixture
def fields(plugin_folder, request):
    """Return a function: the fields of a plugin as a server asks them, by name, and the plugin."""

    def make(source, mode="process"):
        isolation = Isolation(mode, memory_mb=256)
        host = PluginHost.load([plugin_folder(mine=source)], shipped=(), isolation=isolation)
        request.addfinalizer(host.close)
        assert host.plugins[-1].error is None
        return {field.name: FieldCalls(checked_field(field), info) for field, info in host.of("fields")}

    return make


async def test_values_of_every_shape_come_as_they_would_from_a_thread(fields, product, person, batch, catalogue):
    here, there = fields(SHAPES, "thread"), fields(SHAPES)
    seen = batch([person("C-OWN")], catalogue("A")).customers
    side = type(here["ward"].checked.parameters[0].default)
    asked = {
        "length": [(["A", None, "CCC"], {})],
        "ward": [(["A"], {}), (["A"], {"side": side.RIGHT, "since": date(2020, 2, 1), "words": ("a", "b")})],
        "nothing": [(["A"], {})],
        "letters": [([product("CARD")], {})],
        "number": [(seen, {})],
    }
    for name, questions in asked.items():
        for subjects, arguments in questions:
            told = [await own[name].values(range(len(subjects)), subjects, arguments) for own in (here, there)]
            assert repr(told[0]) == repr(told[1])
            assert there[name].health.failures == 0
    side = type(there["ward"].checked.parameters[0].default)
    [ward] = await there["ward"].values(["A"], ["A"], {"side": side.RIGHT})
    assert ward.beds[0].side is side.RIGHT
    [number] = await there["number"].values(["C-OWN"], seen, {})
    assert number.startswith("~"), "it sees no true number without identifiers"


@pytest.mark.parametrize(
    "does",
    ["while True: pass", "import ctypes; ctypes.PyDLL(None).sleep(10_000)", "code * 10**10", "os._exit(3)", "os.closerange(3, 99)", PARENT, DEEP],
    ids=["an endless loop", "C", "a memory hog", "a process that ends", "a connection that is closed", "the end of its parent", "recursion in C"],
)  # fmt: skip
@pytest.mark.usefixtures("hurried")
async def test_what_nothing_else_stops_is_ended_and_another_process_answers(fields, tmp_path, budget, does):
    pid = tmp_path / "pid"
    own = fields(FAILING.format(pid=str(pid), does=does))["own"]
    assert await own.values(["BAD"], ["BAD"], {}) == [None]
    assert (own.health.failures, own.plugin.state) == (1, "failing")
    budget(PATIENCE)
    first = int(pid.read_text())
    await until(lambda: own.values(["GOOD"], ["GOOD"], {}), lambda given: given == [4])  # it is being started
    assert int(pid.read_text()) != first
    assert not is_alive(first)
    assert (own.health.failures, own.plugin.state) == (1, "loaded")


@pytest.mark.usefixtures("hurried")
async def test_it_is_off_after_three_calls_that_were_ended_however_often_it_was_not_there_between(fields, tmp_path):
    own = fields(FAILING.format(pid=str(tmp_path / "pid"), does="while True: pass"))["own"]
    deadline = time.monotonic() + PATIENCE
    while own.state != "off":
        assert await own.values(["BAD"], ["BAD"], {}) == [None]
        assert time.monotonic() < deadline
    assert own.health.failures == FAILURES_TO_OPEN


async def test_a_page_that_is_late_asks_the_process_of_no_more(fields, tmp_path, budget):
    asked = tmp_path / "asked"
    own = fields(SLOW.format(asked=str(asked)))["own"]
    budget(2.0)
    assert await own.values("ABCDE", "ABCDE", {}) == [1, None, None, None, None]
    await until(lambda: own.state != "busy")
    assert asked.read_text() == "AB"


def is_alive(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
