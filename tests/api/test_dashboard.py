"""The dashboard asks for metrics and labels that a served bank has, and leaves none out."""

import json
from ipaddress import ip_network
from itertools import chain
from pathlib import Path

import httpx
import promql_parser as promql
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.webhooks.rules import WebhookRules
from graph.store import Store
from guanxi.metrics_server import metrics_served
from tests.waiting import PATIENCE, until

BOARD = json.loads((Path(__file__).parents[2] / "deploy" / "grafana" / "guanxi.json").read_text())
QUERIES = [(p["title"], target["expr"]) for p in BOARD["panels"] for target in p.get("targets", ())]
SUFFIXES = ("_total", "_bucket", "_sum", "_count")
CREATE = """mutation ($url: String!) {
    createWebhook(input: {url: $url, events: [STAGE_CHANGED]}) { webhook { id } } }"""
PING = "mutation ($id: ID!) { sendTestWebhook(input: {id: $id}) { errors { code } } }"
FAILED = "{ webhookDeliveries(state: FAILED) { totalCount } }"
DELETE = "mutation ($id: ID!) { deleteWebhook(input: {id: $id}) { deleted } }"
OF_SCRAPES = {"job", "instance"}


@pytest.fixture(scope="module")
async def samples(server, serving, bearers, login, bank):
    """The labels of every sample of a server that has answered all sorts, by the sample's name."""
    await server.post("{ viewer { customer { offers { product { name } } } } }", bearers.anna)
    await server.post("{ nothing }", bearers.anna)
    await server.post("{ customers { totalCount } }", bearers.admin)
    async with Store("bolt://127.0.0.1:1", *login[1:], 0) as down, serving(down) as running:
        await running.post("{ products(first: 1) { nodes { name } } }", bearers.admin)
    await pinged(bank, serving, bearers)
    with metrics_served("127.0.0.1", 0, 1) as port:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    families = text_string_to_metric_families(text)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


async def pinged(bank, serving, bearers):
    """Send a ping where nobody is."""
    rules = WebhookRules("a secret", plain=True, networks=(ip_network("127.0.0.0/8"),), attempts=1, poll=0.05)
    async with serving(bank, webhooks=rules) as running:
        made = await running.ask(CREATE, bearers.admin, url="http://127.0.0.1:1/")
        webhook = made["data"]["createWebhook"]["webhook"]["id"]
        await running.ask(PING, bearers.admin, id=webhook)
        await until(
            lambda: running.ask(FAILED, bearers.admin), lambda told: told["data"]["webhookDeliveries"]["totalCount"]
        )
        await running.ask(DELETE, bearers.admin, id=webhook)


def parsed(expression):
    return promql.parse(expression.replace("$__rate_interval", "5m"))


def selected(node):
    """Every selector in an expression."""
    match node:
        case promql.VectorSelector():
            return [node]
        case promql.MatrixSelector():
            return [node.vector_selector]
        case promql.Call():
            return list(chain.from_iterable(map(selected, node.args)))
        case promql.BinaryExpr():
            return selected(node.lhs) + selected(node.rhs)
        case promql.AggregateExpr() | promql.ParenExpr():
            return selected(node.expr)
    return []


def grouped(node):
    """The labels of every aggregation in an expression, each with the selectors below it."""
    match node:
        case promql.AggregateExpr():
            return [(set(node.modifier.labels if node.modifier else ()), selected(node)), *grouped(node.expr)]
        case promql.Call():
            return list(chain.from_iterable(map(grouped, node.args)))
        case promql.BinaryExpr():
            return grouped(node.lhs) + grouped(node.rhs)
        case promql.ParenExpr():
            return grouped(node.expr)
    return []


@pytest.mark.parametrize(("title", "expression"), QUERIES, ids=[f"{title}-{n}" for n, (title, _) in enumerate(QUERIES)])
async def test_what_a_panel_asks_for_is_there(samples, title, expression):  # noqa: ARG001 - the panel's, for the id
    tree = parsed(expression)

    assert selected(tree)
    for selector in selected(tree):
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert selector.name in samples
        assert asked - OF_SCRAPES <= samples[selector.name]
    for labels, selectors in grouped(tree):
        assert all(labels <= samples[selector.name] for selector in selectors)


async def test_every_metric_is_on_the_dashboard(samples):
    asked = {selector.name for _, expression in QUERIES for selector in selected(parsed(expression))}
    families = {family(name) for name in samples if not name.endswith("_created")}

    assert families == {family(name) for name in asked}


def family(name):
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def test_panels_do_not_overlap_and_have_ids_of_their_own():
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
