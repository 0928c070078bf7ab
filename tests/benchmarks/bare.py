"""What guanxi is compared with: the same Cypher by the bare driver, and the same bytes by bare Strawberry, or both.

The statements, and the answers, are those of guanxi: each question is put to it once in this process, and what it asks
of the store is written down. Bare Strawberry has the types of the fields that are asked for, with its default
resolvers and the caches it ships for documents; it holds the answers as objects, and knows no tokens and no limits.
Where it runs the Cypher it asks the same and throws the rows away.
"""

import asyncio
import secrets
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import graphql
import strawberry
import uvicorn
from graphql import TypeInfo, TypeInfoVisitor, Visitor, parse, visit
from neo4j import AsyncGraphDatabase, RoutingControl
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from workload import OPERATIONS

from api.events import Changes, Interactions
from api.live_engine import LiveEngine
from api.requests import HttpContext
from api.schema import build_schema
from api.session import Services
from api.trail import Trail
from api.webhooks.rules import WebhookRules
from graph.audit import AuditLog
from graph.audit_entries import AuditKey
from graph.store import Store
from plugins.host import PluginHost

SDL = Path(__file__).parents[2] / "schema.graphql"
OF_THE_KEY = {"request_key", "recorded_as"}
"""Parameters that are new with each request that writes."""
SCALARS = {"Int": "int", "Float": "float", "Boolean": "bool", "ID": "strawberry.ID"}


@dataclass(frozen=True)
class Known:
    """Of each of an operation's questions, the root field's value, and the statements in waves that ran together."""

    answers: list[dict]
    waves: list[list[list[tuple]]]


class NotedStore(Store):
    """Writes down what it is asked: access, Cypher and parameters."""

    def __init__(self, *login):
        super().__init__(*login)
        self.waves = []
        self._running = 0

    async def read(self, cypher, **parameters):
        with self._noted("read", cypher, parameters):
            return await super().read(cypher, **parameters)

    async def write(self, cypher, **parameters):
        with self._noted("write", cypher, parameters):
            return await super().write(cypher, **parameters)

    @contextmanager
    def _noted(self, *statement):
        if not self._running:
            self.waves.append([])
        self.waves[-1].append(statement)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


async def known_of(bank, asked):
    """Put each question to guanxi once."""
    found = {name: Known([], []) for name in asked}
    async with NotedStore(*bank.login) as store:
        engine = LiveEngine(store, PluginHost.load(), bank.home / "models")
        secret = secrets.token_hex()
        trail = Trail(AuditLog(store, AuditKey(bank.audit_secret)))
        services = Services(store, engine, Changes(), Interactions(), secret, WebhookRules(secret), secret, trail)
        schema = build_schema()
        await engine.refresh()
        for name, questions in asked.items():
            for question in questions:
                store.waves = []
                viewer = await bank.rules.viewer(f"Bearer {question.token}")
                result = await schema.execute(
                    OPERATIONS[name].document,
                    variable_values=question.variables,
                    context_value=HttpContext(services, viewer),
                )
                if result.errors:
                    raise SystemExit(f"Not an answer: {result.errors}")
                found[name].answers.append(result.data[OPERATIONS[name].root])
                found[name].waves.append(store.waves)
        engine.close()
    return found


async def replay(driver, database, waves):
    """Run statements as they ran, each in a transaction of its own."""
    key = secrets.token_hex(16)
    for wave in waves:
        if len(wave) == 1:
            await run(driver, database, key, *wave[0])
        else:
            await asyncio.gather(*(run(driver, database, key, *statement) for statement in wave))


async def run(driver, database, key, access, cypher, parameters):
    given = parameters | dict.fromkeys(OF_THE_KEY & parameters.keys(), key)
    routing = RoutingControl.READ if access == "read" else RoutingControl.WRITE
    await driver.execute_query(cypher, given, routing_=routing, database_=database, bookmark_manager_=None)


def serve(listener, known, login):
    """Run bare Strawberry; the process's main function. With a ``login`` it runs the Cypher, too."""
    schema = strawberry.Schema(
        *roots(known, login),
        config=StrawberryConfig(auto_camel_case=False),
        extensions=[ParserCache, ValidationCache],
    )
    app = Starlette(routes=[Route("/graphql", GraphQL(schema))])
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def roots(known, login):
    """Return the types of the two roots, each of whose fields gives an answer by its number."""
    uri, username, password, database = login or (None,) * 4
    driver = AsyncGraphDatabase.driver(uri, auth=(username, password)) if login else None
    product = graphql.build_schema(SDL.read_text(encoding="utf-8"))
    declare(product, [operation.document for operation in OPERATIONS.values()])
    fields = {"query": {}, "mutation": {}}
    for name, operation in OPERATIONS.items():
        root = product.query_type if operation.kind == "query" else product.mutation_type
        kind = root.fields[operation.root].type
        answers = [instance(kind, answer) for answer in known[name].answers]
        fields[operation.kind][operation.root] = root_field(kind, answers, known[name].waves, driver, database)
    return (strawberry.type(type(kind.title(), (), own)) for kind, own in fields.items())


def root_field(kind, answers, waves, driver, database):
    async def resolve(number: int):
        if driver is not None:
            await replay(driver, database, waves[number])
        return answers[number]

    resolve.__annotations__["return"] = annotation(kind)
    return strawberry.field(resolver=resolve)


def declare(schema, documents):
    """Make types of this module, each with the fields that the documents ask for."""
    fields, info = defaultdict(dict), TypeInfo(schema)

    class Fields(Visitor):
        def enter_field(self, node, *_):
            fields[info.get_parent_type().name][node.name.value] = annotation(info.get_type())

    for document in documents:
        visit(parse(document), TypeInfoVisitor(info, Fields()))
    for name, own in fields.items():
        if name not in {"Query", "Mutation"}:
            unset = dict.fromkeys(own)
            globals()[name] = strawberry.type(type(name, (), unset | {"__annotations__": own, "__module__": __name__}))


def annotation(kind):
    """Return how Python writes a type of the schema."""
    if not graphql.is_non_null_type(kind):
        return f"{annotation(graphql.GraphQLNonNull(kind))} | None"
    if graphql.is_list_type(kind.of_type):
        return f"list[{annotation(kind.of_type.of_type)}]"
    name = kind.of_type.name
    return name if graphql.is_composite_type(kind.of_type) else SCALARS.get(name, "str")


def instance(kind, value):
    """Return a value of an answer as an object of its type."""
    kind = graphql.get_nullable_type(kind)
    if value is None or graphql.is_leaf_type(kind):
        return value
    if graphql.is_list_type(kind):
        return [instance(kind.of_type, item) for item in value]
    own = {name: instance(kind.fields[name].type, item) for name, item in value.items()}
    return globals()[kind.name](**own)
