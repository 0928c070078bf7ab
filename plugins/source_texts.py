"""What a class's source says of its attributes: the text in quotes that stands below each."""

import ast
import inspect
import textwrap
from dataclasses import is_dataclass
from enum import Enum
from itertools import pairwise
from typing import Final
from weakref import WeakKeyDictionary

UNSAID: Final = ("An enumeration.",)

_known: Final = WeakKeyDictionary[type, dict[str, str]]()
"""What a class's source said once: later its file may be another text."""


def description_of(own: type) -> str | None:
    """Return the first paragraph of a class's own docstring; None where it has none but what Python makes up."""
    text = vars(own).get("__doc__")
    if not isinstance(text, str) or text in UNSAID or (is_dataclass(own) and text.startswith(f"{own.__name__}(")):
        return None
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split()) or None


def attribute_texts(own: type) -> dict[str, str]:
    """Return the texts below a class's attributes, inherited ones too; none where its source cannot be read."""
    texts: dict[str, str] = {}
    for one in reversed(own.__mro__):
        if one.__module__ not in {"builtins", "enum"} and (is_dataclass(one) or issubclass(one, Enum)):
            known = _known.get(one) or _read_texts(one)
            if known:  # a file that is torn may be whole again later
                _known[one] = known
            texts |= known
    return texts


def _read_texts(own: type) -> dict[str, str]:
    try:
        [tree] = ast.parse(textwrap.dedent(inspect.getsource(own))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    texts = {}
    for node, below in pairwise(body):
        match node, below:
            case (
                (ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)])),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = " ".join(text.split())
    return texts
