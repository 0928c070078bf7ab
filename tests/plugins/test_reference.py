"""The reference of hooks: whole, and what is committed is current."""

from enum import EnumType
from pathlib import Path
from typing import get_args, get_type_hints

import guanxi
from graph.records import Customer, Product
from plugins import hookspecs
from plugins.reference import WORDS, hooks, markdown
from plugins.registration import KINDS
from recommenders.view import CustomerView

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


def test_the_banks_words_that_are_public_are_told_with_their_members():
    public = {name for name in guanxi.__all__ if isinstance(getattr(guanxi, name), EnumType)}

    assert {own.__name__ for own in WORDS} == public
    assert "| `Gender` | A person's gender as the bank's file states it. | `FEMALE`, `MALE`, `OTHER` |" in markdown()


def test_what_customers_are_told_by_has_public_words():
    seen = {kind for of in (Customer, CustomerView, Product) for kind in get_type_hints(of).values()}
    met = {word for kind in seen for word in (kind, *get_args(kind)) if isinstance(word, EnumType)}

    assert met - set(WORDS) == set()


def test_the_command_prints_it(capsys):
    from guanxi.commands.plugin_hooks import hooks as command

    command()

    assert capsys.readouterr().out == markdown()
