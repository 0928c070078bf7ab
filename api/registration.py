"""A client app's operations, made ready to be registered: each by itself, checked against the schema and the limits."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    concat_ast,
    parse,
    print_ast,
    separate_operations,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values

from api.cost_plans import Plan
from api.document_size import size_rule
from api.documents import sha256
from api.limits import Limits
from api.manifests import read_manifest
from api.pricing import too_dear
from graph.errors import SettingsError

SUFFIXES: Final = (".graphql", ".gql")


def read_operations(paths: Iterable[Path]) -> dict[str, str]:
    """Return the operations of ``.graphql`` files, of those in folders, and of manifests, by their ids.

    An operation of a ``.graphql`` file has its fragments, of all the files, with it, and its SHA-256 as id.

    Raises:
        SettingsError: a file cannot be read, or two operations have one name.
    """
    texts, documents = dict[str, str](), list[DocumentNode]()
    for file in _files(paths):
        if file.suffix in SUFFIXES:
            documents.append(_read(file))
        else:
            texts |= read_manifest(file)
    whole = concat_ast(documents)
    names = Counter(d.name.value if d.name else "" for d in whole.definitions if isinstance(d, OperationDefinitionNode))
    if twice := [name for name, count in names.items() if count > 1]:
        raise SettingsError(f"Several operations are named {', '.join(map(repr, twice))}; give each a name of its own.")
    for document in separate_operations(whole).values():
        text = print_ast(document)
        texts[sha256(text)] = text
    return texts


def faults(schema: GraphQLSchema, texts: Mapping[str, str], limits: Limits) -> list[str]:
    """Return what is wrong with operations, a line each; a list as long as a variable without a default is empty."""
    found = []
    for key, text in texts.items():
        try:
            document = parse(text, max_tokens=limits.tokens)
        except GraphQLError as error:
            found.append(f"{key}: {error.message}")
            continue
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        name = " ".join(operation.name.value for operation in operations if operation.name) or key
        errors = validate(schema, document, (size_rule(limits),)) or validate(schema, document)
        for operation in operations if not errors else ():
            errors += _too_dear(schema, document, operation, limits)
        found += [f"{name}: {error.message}" for error in errors]
    return found


def _too_dear(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, limits: Limits
) -> list[GraphQLError]:
    known = [
        variable
        for variable in operation.variable_definitions or ()
        if variable.default_value or not isinstance(variable.type, NonNullTypeNode)
    ]
    defaults = get_variable_values(schema, known, {})
    plan = Plan(schema, document, operation)
    cost = plan.estimate(defaults) if isinstance(defaults, VariableValues) else 0
    return [too_dear(plan, cost, limits.cost)] if cost > limits.cost else []


def _files(paths: Iterable[Path]) -> list[Path]:
    files = list[Path]()
    for path in paths:
        found = (file for file in path.rglob("*") if file.suffix in SUFFIXES) if path.is_dir() else [path]
        files += sorted(file for file in found if "node_modules" not in file.parts)
    return list(dict.fromkeys(files))


def _read(file: Path) -> DocumentNode:
    """A file's operations and fragments; a schema beside them is none of the app's operations."""
    try:
        document = parse(file.read_text(encoding="utf-8"), no_location=True)
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, GraphQLError) as error:
        raise SettingsError(f"{file} is no GraphQL document: {error}.") from error
    own = tuple(d for d in document.definitions if isinstance(d, ExecutableDefinitionNode))
    return DocumentNode(definitions=own)
