import asyncio

import pytest
from neo4j.exceptions import ConstraintError

from graph.migrations import EDGE_KEYS, MIGRATIONS, NODE_KEYS, migrate


async def test_each_migration_is_recorded_and_applied_once(store):
    rows = await store.read("MATCH (m:Migration) RETURN m.number AS number, m.name AS name ORDER BY number")

    assert rows == [{"number": migration.number, "name": migration.name} for migration in MIGRATIONS]
    assert await migrate(store) == []


async def test_processes_that_start_together_may_all_migrate(empty_store):
    for _ in range(5):
        await empty_store.write("MATCH (m:Migration) DETACH DELETE m")

        await asyncio.gather(*(migrate(empty_store) for _ in range(8)))

        assert await empty_store.read("MATCH (m:Migration) RETURN count(m) AS n") == [{"n": len(MIGRATIONS)}]


@pytest.mark.parametrize(("label", "key"), NODE_KEYS.items())
async def test_a_business_key_names_one_node(empty_store, label, key):
    value = 1_000 if label == "Migration" else "K1"
    create = f"CREATE (:{label} {{{key}: $value}})"
    await empty_store.write(create, value=value)

    with pytest.raises(ConstraintError):
        await empty_store.write(create, value=value)
    await empty_store.write(f"MATCH (n:{label} {{{key}: $value}}) DELETE n", value=value)


@pytest.mark.parametrize(("kind", "key"), EDGE_KEYS.items())
async def test_a_business_key_names_one_edge(empty_store, kind, key):
    create = f"CREATE (:Customer)-[:{kind} {{{key}: 'K1'}}]->(:Product)"
    await empty_store.write(create)

    with pytest.raises(ConstraintError):
        await empty_store.write(create)
