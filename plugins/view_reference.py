"""Writes docs/plugins-view.md, the reference of what a plugin sees, from the code: words, customers, batches."""

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import FunctionType
from typing import Final

from graph.records import (
    ActivityMonth,
    Consent,
    Customer,
    Holding,
    Interaction,
    Membership,
    Outcome,
    Product,
    Relation,
)
from plugins.reference import described, parts
from recommenders.batch import Batch
from recommenders.frames import SCHEMAS, Frames
from recommenders.insight import CustomerScores, Leaving, Segment, Value
from recommenders.portfolio import Portfolio
from recommenders.sight import PROFILE, WORDS
from recommenders.view import COLUMNS, CustomerView, SharedLimit

HEAD: Final = """# What a plugin sees

This page is written by `plugins.view_reference.view_reference`, and a test holds it against the code.

## Permissions

A plugin declares the kinds of data that it sees; nothing else reaches its recommenders, gates, life events and fields
of customers, be it asked of one customer, of a batch, or in training (`fit`). Whatever is derived, such as the stage,
is made of what it sees alone, but for `segment` and `scores`. A word that is none keeps the plugin from being loaded.

```python
from guanxi import About, hookimpl


@hookimpl
def about():
    return About(permissions=("birth_date", "holdings", "membership:campus"))
```

A plugin that declares nothing sees everything but `identifiers`, `kin`, `segment` and `scores`. Without `identifiers`,
numbers are pseudonyms: of one customer the same wherever he is met, until the process ends. So nothing that is learnt,
or kept, may rest on them. In the path of a reason they become true numbers again, of the customer and of those he is
related to. `kind`, the day and the channel are always there. A word covers what the record of a customer has of it.

`segment` and `scores` are what `Customer.segment`, `churn` and `value` of the GraphQL API tell: what the bank's model
finds of a customer by all that may serve every product, whatever else the plugin sees. They are looked for only when a
plugin that declares them asks. In a request and in a batch they are of the model in force; in training, at each moment
of the past, of what the training of that day would have learnt from what was known by then, as little as that may be: a
moment may have no churn, or no segments, as the first months of a bank have none. A segment of the past that is one of
today's has its code and name, and no code of today's stands for another. To learn so takes about as long at every
moment as to train churn and segments takes once, and keeps every customer's record in memory while training runs.
Without a model, or where it could not learn them, `segment` and `scores.churn` are None, and `scores.value` rests on
the stage; it is None where no product has a margin. They are for those who serve a customer: a field of his that he
asks for himself is told neither.

| word | covers |
|---|---|
"""


HIDDEN: Final = frozenset({"changed", "of", "own", "whole", "insights", "telling", "told"})
"""Members that are for the engine."""


TOLD: Final[Mapping[str, type]] = {
    "segment": Segment,
    "scores": CustomerScores,
    "scores.churn": Leaving,
    "scores.value": Value,
}
"""What a model says of a customer, by where it stands in a view."""
RECORDS: Final = (Holding, Membership, Relation, SharedLimit, ActivityMonth, Interaction, Outcome, Consent, Product)
"""What views and catalogues hold many of."""


def view_reference() -> str:
    """Return the page."""
    words = [*((word, "the column of the customers' file") for word in sorted(PROFILE)), *WORDS.items()]
    rows = [f"| `{word}` | {covers} |" for word, covers in words]
    return HEAD + "\n".join(
        [
            *rows,
            *_section("A customer", CustomerView),
            *_told_of(),
            *_records(),
            *_section("A batch", Batch),
            *_frames(),
            *_section("A portfolio", Portfolio, "fit(portfolio)"),
            "",
        ]
    )


def _section(title: str, of: type, named: str = "") -> Iterator[str]:
    yield from ("", f"## {title}", "", f"`{named or f'guanxi.{of.__name__}'}`: {_told(of)}", "")
    yield from ("| name | type | gives |", "|---|---|---|")
    attributes = parts(inspect.getdoc(of) or "")[1]
    for name, kind in inspect.get_annotations(of).items():
        if name in attributes:
            yield _row(name, kind, attributes[name])
    if of is CustomerView:
        yield from _columns()
    for name, member in vars(of).items():
        if name.startswith("_") or name in HIDDEN:
            continue
        if isinstance(member, property | cached_property):
            getter = member.fget if isinstance(member, property) else member.func
            yield _row(name, inspect.get_annotations(getter)["return"] if getter else "", _told(member))
        elif isinstance(member, FunctionType):
            takes = ", ".join(str(own) for own in list(inspect.signature(member).parameters.values())[1:])
            gives = inspect.get_annotations(member)["return"]
            yield _row(f"{name}({takes})", gives, _told(member))


def _told_of() -> Iterator[str]:
    yield from ("", "## Segment and scores", "", "| name | type |", "|---|---|")
    for path, of in TOLD.items():
        for name, kind in inspect.get_annotations(of).items():
            yield _row(f"{path}.{name}", kind)


def _records() -> Iterator[str]:
    yield from ("", "## Records", "", "All are imported from `guanxi`. What is None is not known, or has no bound.")
    for of in RECORDS:
        yield from ("", f"### {of.__name__}", "", *described(of))


def _frames() -> Iterator[str]:
    yield from ("", "## Frames", "", f"`Batch.frames`: {_told(Frames)} `row` is the customer's row in the batch.")
    for name, schema in SCHEMAS.items():
        yield from ("", f"### {name}", "", _told(vars(Frames)[name]), "", "| column | type |", "|---|---|")
        for column, kind in schema.items():
            yield f"| `{column}` | `{kind}` |"


def _columns() -> Iterator[str]:
    types = inspect.get_annotations(Customer)
    for name, kind in types.items():
        if name in COLUMNS:
            yield _row(name, kind, "the column of the customers' file")


def _row(name: str, kind: object, *told: str) -> str:
    written = (kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)).split("; ")[0]
    return " | ".join([f"| `{_plain(name) if told else name}`", f"`{_plain(written)}`", *told, ""]).rstrip(" ")


def _plain(code: str) -> str:
    """Leave out where a name is from, and keep a table's columns apart."""
    return re.sub(r"(?:[A-Za-z_]+\.)+(?=[A-Za-z_])", "", re.sub(r"<([^:>]+)[^>]*>", r"\1", code)).replace("|", "\\|")


def _told(of: object) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(of) or "").partition("\n")[0]
