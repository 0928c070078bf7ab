"""What callers may rely on: nothing they use goes without word, and what will go says since when and until when.

A break that is meant is told to callers: the section Unreleased of the changelog has the sentence this test prints.
``make released``, at a release, makes the schema the one that is promised.
"""

import re
from datetime import date
from pathlib import Path

import pytest
from graphql import build_schema
from graphql.utilities import DangerousChangeType, find_breaking_changes, find_dangerous_changes

ROOT = Path(__file__).parents[2]
RELEASED = Path(__file__).with_name("released.graphql").read_text()
SCHEMA = (ROOT / "schema.graphql").read_text()
REASON = re.compile(r".+ \(since (\d{4}-\d\d-\d\d), removed after (\d{4}-\d\d-\d\d)\)")


def breaks(before, after):
    """What of a schema callers may use differently, or no more: what breaks, and defaults that are others now."""
    old, new = build_schema(before), build_schema(after)
    dangerous = find_dangerous_changes(old, new)
    silent = [change for change in dangerous if change.type is DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE]
    return [change.description for change in [*find_breaking_changes(old, new), *silent]]


def untold(found, changelog):
    """The breaks that the changelog's section of what comes next doesn't tell."""
    unreleased = changelog.split("\n## [Unreleased]")[1].split("\n## ")[0]
    told = " ".join(unreleased.split())
    return [break_ for break_ in found if break_ not in told]


def badly_deprecated(sdl):
    """The reasons of deprecations that don't say what to use instead, since when, and until when."""
    schema = build_schema(sdl)
    members = [
        member
        for kind in schema.type_map.values()
        for member in [*getattr(kind, "fields", {}).values(), *getattr(kind, "values", {}).values()]
    ]
    parts = [*members, *(argument for member in members for argument in getattr(member, "args", {}).values())]
    return [
        part.deprecation_reason for part in parts if part.deprecation_reason and not is_dated(part.deprecation_reason)
    ]


def is_dated(reason):
    dated = REASON.fullmatch(reason)
    return dated is not None and date.fromisoformat(dated[1]) < date.fromisoformat(dated[2])


def test_what_was_released_still_works_or_the_changelog_tells():
    found = breaks(RELEASED, SCHEMA)

    assert untold(found, (ROOT / "CHANGELOG.md").read_text()) == [], "tell callers of these in CHANGELOG.md"


SMALL = """
type Query { customer(no: ID!, months: Int = 12): Customer }
type Customer { no: ID! name: String }
enum Channel { WEB MOBILE }
"""


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("name: String", "", "Field Customer.name was removed."),
        ("name: String", "name: Int", "Field Customer.name changed type from String to Int."),
        ("WEB", "", "Enum value Channel.WEB was removed."),
        ("months: Int = 12", "months: Int = 6", "Query.customer(months:) has changed defaultValue from 12 to 6."),
        ("no: ID!,", "no: ID!, on: Int!,", "A required argument Query.customer(on:) was added."),
    ],
)
def test_a_break_is_found_and_allowed_by_the_changelog_alone(before, after, sentence):
    [found] = breaks(SMALL, SMALL.replace(before, after))

    wrapped = found.replace(" ", "\n  ", 1)
    assert found == sentence
    assert untold([found], "\n## [Unreleased]\n- Something else.\n\n## [0.1.0]\n") == [found]
    assert untold([found], f"\n## [Unreleased]\n\n## [0.1.0]\n- {found}\n") == [found]
    assert untold([found], f"\n## [Unreleased]\n- {wrapped} Ask for it elsewhere.\n\n## [0.1.0]\n") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: String", "name: String!"),
        ("no: ID! name", "no: ID! age: Int name"),
        ("no: ID!,", "no: ID!, on: Int,"),
        ("WEB", "WEB ATM"),
        ("no: ID!,", "no: ID,"),
    ],
)
def test_what_grows_breaks_nothing(before, after):
    assert breaks(SMALL, SMALL.replace(before, after)) == []


def test_what_is_deprecated_says_since_when_and_until_when():
    assert badly_deprecated(SCHEMA) == []


@pytest.mark.parametrize(
    "sdl",
    [
        "type Query { name: String %s }",
        "type Query { name(language: String %s): String }",
        "enum Language { EN ZH %s }",
        "input Name { family: String %s }",
    ],
)
@pytest.mark.parametrize(
    ("reason", "is_good"),
    [
        ('(reason: "Use `name` (since 2026-11-26, removed after 2027-05-26)")', True),
        ('(reason: """Use `name` (since 2026-11-26, removed after 2027-05-26)""")', True),
        ('(reason: "Use `name`.")', False),
        ('(reason: "(since 2026-11-26, removed after 2027-05-26)")', False),
        ('(reason: "Use `name` (since 2026-11-26, removed after 2026-11-26)")', False),
        ("", False),
    ],
)
def test_a_deprecation_without_dates_is_found(sdl, reason, is_good):
    assert (badly_deprecated(sdl % f"@deprecated{reason}") == []) is is_good
