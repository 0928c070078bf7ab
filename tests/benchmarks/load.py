"""Loading a bank: rows a second of ``guanxi load`` beside the bare driver's UNWIND, on one embedded store.

The bare driver gets its rows ready-made: it neither reads files nor validates, knows no digests, and creates the same
nodes and relationships by the same keys in transactions of the same size. All are asked in turn, on an emptied store.

rows, then relationships  one UNWIND for a table's nodes, one for each kind of relationship
first at once             a node and its first relationship by one UNWIND, as ``guanxi load`` does; the ratio is to this

    python tests/benchmarks/load.py [--customers 2000] [--rounds 3]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import polars as pl
from neo4j import AsyncGraphDatabase
from rich.console import Console
from rich.table import Table

from graph import embedded
from graph.imports import IMPORTS, NodeImport
from graph.migrations import EDGE_KEYS, NODE_KEYS, migrate
from graph.store import Store
from loaders.bank_directory import BankDirectory
from loaders.importing import BATCH_ROWS, load_bank, survey_source
from loaders.tables import TABLES
from plugins.samples import write_sample

WIPE = "MATCH (n) WHERE NOT n:Migration WITH n LIMIT 5000 DETACH DELETE n RETURN count(*) AS n"


async def main(customers, rounds):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_sample(folder / "bank", customers, 1)
        rows = {table: typed_rows(folder / "bank", table) for table in TABLES}
        count = sum(map(len, rows.values()))
        with embedded.join(folder / "home") as lease:
            async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
                await migrate(store)
                taken = await measure(store, lease, folder, rows, rounds)
        report(taken, count)


async def measure(store, lease, folder, rows, rounds):
    taken = {"rows, then relationships": [], "first at once": [], "guanxi load": [], "of that the survey": []}
    source = BankDirectory(folder / "bank")
    async with AsyncGraphDatabase.driver(lease.uri, auth=(lease.username, lease.password)) as driver:
        for number in range(rounds + 1):  # the first round warms the store up, and is not counted
            apart = await timed(load_barely(driver, lease.database, rows, at_once=0))
            apart_graph = await wiped(store)
            bare = await timed(load_barely(driver, lease.database, rows, at_once=1))
            bare_graph = await wiped(store)
            whole = await timed(load_bank(store, source, folder / "rejects.csv"))
            if len(graphs := {apart_graph, bare_graph, await wiped(store)}) > 1:
                raise SystemExit(f"They made different graphs: {graphs}.")
            started = time.perf_counter()
            survey_source(source)
            if number:
                for name, seconds in zip(taken, (apart, bare, whole, time.perf_counter() - started), strict=True):
                    taken[name].append(seconds)
    return taken


def typed_rows(folder, table):
    frame = pl.read_csv(folder / f"{table}.csv", try_parse_dates=True, infer_schema_length=None)
    if table == "activity":
        frame = frame.with_columns(activity_key=pl.format("{}|{}", "account_no", "month"))
    target = IMPORTS[table]
    if not isinstance(target, NodeImport):
        frame = frame.with_columns(pl.int_range(pl.len()).cast(pl.String).alias(EDGE_KEYS[target.kind]))
    return [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]


async def load_barely(driver, database, rows, at_once):
    async with driver.session(database=database) as session:
        for table, batch in ((table, own[i : i + BATCH_ROWS]) for table, own in rows.items()
                             for i in range(0, len(own), BATCH_ROWS)):  # fmt: skip
            await session.execute_write(write, IMPORTS[table], batch, at_once)


async def write(transaction, target, batch, at_once):
    for cypher, rows in statements(target, batch, at_once):
        await (await transaction.run(f"UNWIND $rows AS row {cypher}", rows=rows)).consume()


def statements(target, batch, at_once):
    if not isinstance(target, NodeImport):
        (start, column), (end, other) = target.start, target.end
        yield (f"MATCH (s:{start} {{{NODE_KEYS[start]}: row.{column}}}) MATCH (e:{end} {{{NODE_KEYS[end]}: row.{other}}}) "
               f"CREATE (s)-[r:{target.kind}]->(e) SET r = row"), batch  # fmt: skip
        return
    key = NODE_KEYS[target.label]
    create = f"CREATE (n:{target.label}) SET n = row"
    for link in target.links[:at_once]:
        create += f" WITH n, row {linked(link, f'row.{link.column}')}"
    yield create, batch
    for link in target.links[at_once:]:
        ends = [{"key": row[key], "other": row[link.column]} for row in batch if link.column in row]
        if ends:
            yield f"MATCH (n:{target.label} {{{key}: row.key}}) {linked(link, 'row.other')}", ends


def linked(link, key):
    arrow = f"<-[:{link.kind}]-" if link.inward else f"-[:{link.kind}]->"
    return f"MATCH (o:{link.label} {{{NODE_KEYS[link.label]}: {key}}}) CREATE (n){arrow}(o)"


async def timed(awaitable):
    started = time.perf_counter()
    await awaitable
    return time.perf_counter() - started


async def wiped(store):
    """Empty the store; return how many nodes and relationships it had."""
    nodes = (await store.read("MATCH (n) WHERE NOT n:Migration RETURN count(n) AS n"))[0]["n"]
    edges = (await store.read("MATCH ()-[r]->() RETURN count(r) AS n"))[0]["n"]
    left = nodes
    while left:
        left -= (await store.write(WIPE))[0]["n"]
    return nodes, edges


def report(taken, count):
    table = Table("median of rounds", "seconds", "rows a second", "ratio to the bare driver", title=f"{count:,} rows")
    apart, bare, whole, survey = (statistics.median(seconds) for seconds in taken.values())
    lines = {
        "bare driver: rows, then relationships": apart,
        "bare driver: first at once": bare,
        "guanxi load": whole,
        "guanxi load without its survey of the files": whole - survey,
    }
    for name, seconds in lines.items():
        table.add_row(name, f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{bare / seconds:.2f}")
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    asyncio.run(main(**vars(parser.parse_args())))
