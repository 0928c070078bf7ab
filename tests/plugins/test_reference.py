"""The reference of hooks: whole, and what is committed is current."""

from pathlib import Path

import guanxi
from plugins import hookspecs
from plugins.reference import hooks, markdown
from plugins.registration import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "plugins-hooks.md"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "make hooks"


def test_every_hook_and_every_field_of_what_it_takes_is_described():
    page = markdown()

    assert set(KINDS) < set(hooks())
    assert [line for line in page.splitlines() if line.endswith("|  |")] == []
    assert all(f"\n## {name}\n" in page for name in hooks())
    assert hookspecs.jobs.__doc__.split(";")[0] in page
    assert "| `every` | `timedelta` |  | from one start to the next; a minute or more. |" in page
    assert "| `propose(batch)` | Score the batch's products; pure, and without input or output. |" in page
    assert "| `most` | `timedelta` | `timedelta(seconds=3600)` |" in page


def test_what_hooks_take_is_public():
    named = {line.removeprefix("### ") for line in markdown().splitlines() if line.startswith("### ")}

    assert named - set(guanxi.__all__) == set()


def test_the_command_prints_it(capsys):
    from guanxi.commands.plugin_hooks import hooks as command

    command()

    assert capsys.readouterr().out == markdown()
