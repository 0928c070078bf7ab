"""The reference of all hooks, as Markdown: made of their specifications and of the docstrings of what they take."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, get_args

from graph import words
from loaders.sample_parts import Firm
from loaders.sample_village import Person, Village
from loaders.sources import Source
from plugins import hookspecs
from plugins.about import API_VERSION
from recommenders.contract import Candidates, Proposal, Reason, Refusal, Trainable

MARK: Final = "guanxi_spec"
HEAD: Final = f"""# The hooks of a plugin

What a plugin can add, by version {API_VERSION} of the plugin API: made of their specifications, by `make hooks`, and
printed by `guanxi plugins hooks`. [plugins.md](plugins.md) says how plugins are written.

A hook is a function marked `@guanxi.hookimpl`, by its name, in a plugin's module. All values are imported
from `guanxi`.
"""
BESIDE: Final[Mapping[str, tuple[type, ...]]] = {
    "recommenders": (Trainable, Candidates, Reason, Proposal),
    "gates": (Refusal,),
    "formats": (Source,),
    "samples": (Village, Person, Firm),
}
"""What else is written for a hook, or given by what is registered there."""
WORDS: Final[tuple[type[StrEnum], ...]] = (
    words.Channel,
    words.CreditTier,
    words.CustomerKind,
    words.Gender,
    words.Language,
    words.LifecycleStage,
    words.MemberRole,
    words.OutcomeKind,
    words.ProgrammeKind,
    words.Purpose,
    words.RelationKind,
    words.RiskProfile,
    words.RiskRating,
    words.ValueTier,
)
"""The vocabularies that plugins meet in what they are shown."""
OF_WORDS: Final = """## The bank's words

Enumerations of what a plugin meets in customers, products and batches. A member is its text as well:
`guanxi.MemberRole.STUDENT == "student"`.

| enumeration | | members |
|---|---|---|"""
MODULES: Final = re.compile(r"\b(?:\w+\.)+(?=\w)")
ATTRIBUTE: Final = re.compile(r"^(\w+): (.*)$")


def hooks() -> Mapping[str, Callable[..., Any]]:
    """Return every hook's specification by its name, in the order of the file."""
    return {name: found for name, found in vars(hookspecs).items() if hasattr(found, MARK)}


def markdown() -> str:
    """Return the page."""
    rows = [
        f"| [`{name}`](#{name}) | {_code(_value(hook).__name__)} | {_summary(hook)} |" for name, hook in hooks().items()
    ]
    table = ["| hook | gives | for |", "|---|---|---|", *rows]
    sections = ["\n".join(_section(name, hook)) for name, hook in hooks().items()]
    return "\n".join([HEAD, *table, "", "\n\n".join(sections), "", OF_WORDS, *map(_word, WORDS), ""])


def _section(name: str, hook: Callable[..., Any]) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield f"```python\n@hookimpl\ndef {name}({', '.join(inspect.signature(hook).parameters)}): ...\n```"
    yield ""
    yield (inspect.getdoc(hook) or "").replace("``", "`")
    for value in (_value(hook), *BESIDE.get(name, ())):
        yield from ("", f"### {value.__name__}", "")
        yield from described(value)


def described(value: type) -> Iterator[str]:
    """Yield what is said of a value, and a table of its fields or, of a protocol, of what it has."""
    told, attributes = parts(inspect.getdoc(value) or "")
    yield told
    yield ""
    if dataclasses.is_dataclass(value):
        yield "| field | type | default | |"
        yield "|---|---|---|---|"
        for field in dataclasses.fields(value):
            kind = inspect.formatannotation(field.type) if not isinstance(field.type, str) else field.type
            default = "" if field.default is dataclasses.MISSING else _code(_plain(repr(field.default)))
            yield f"| `{field.name}` | {_code(_plain(kind))} | {default} | {_cell(attributes.get(field.name, ''))} |"
        return
    yield "| has | |"
    yield "|---|---|"
    for name, said in attributes.items():
        yield f"| `{name}` | {_cell(said)} |"
    for name, listed in vars(value).items():
        own = listed.__func__ if isinstance(listed, staticmethod) else listed
        if name.startswith("_"):
            continue
        if isinstance(own, property):
            yield f"| `{name}` | {_line(inspect.getdoc(own) or '')} |"
        elif inspect.isfunction(own):
            parameters = [parameter for parameter in inspect.signature(own).parameters if parameter != "self"]
            yield f"| `{name}({', '.join(parameters)})` | {_line(inspect.getdoc(own) or '')} |"


def _word(own: type[StrEnum]) -> str:
    members = ", ".join(f"`{member.name}`" for member in own)
    return f"| `{own.__name__}` | {_line(inspect.getdoc(own) or '')} | {members} |"


def _value(hook: Callable[..., Any]) -> type:
    """Return the type of what a hook registers, or else returns."""
    signature = inspect.signature(hook)
    if "register" in signature.parameters:
        (value,), _ = get_args(signature.parameters["register"].annotation)
    else:
        value = next(kind for kind in get_args(signature.return_annotation) if kind is not type(None))
    found: type = value
    return found


def parts(doc: str) -> tuple[str, Mapping[str, str]]:
    """Split a docstring into what it says and, by name, what it says of each attribute."""
    told, _, rest = doc.partition("\n\nAttributes:\n")
    attributes: dict[str, str] = {}
    for line in inspect.cleandoc(rest).splitlines():
        if found := ATTRIBUTE.match(line):
            name, attributes[found[1]] = found[1], found[2]
        elif line.strip():
            attributes[name] += f" {line.strip()}"
    return told.replace("``", "`"), {name: said.replace("``", "`") for name, said in attributes.items()}


def _summary(hook: Callable[..., Any]) -> str:
    return _line((inspect.getdoc(hook) or "").partition("\n\n")[0])


def _line(doc: str) -> str:
    return " ".join(doc.split()).replace("``", "`")


def _plain(text: str) -> str:
    return MODULES.sub("", text)


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
