"""The example apps of ``examples/``: typed from ``schema.graphql``, type-checked, and one of them run."""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(package.parent for package in (ROOT / "examples").glob("*/package.json"))
READ = """{ customers(first: 50) { nodes {
  customerNo name offers(first: 3, channel: MOBILE) { rank reasons product { name } } } } }"""


@pytest.fixture(scope="session")
def checked(tool):
    """Return a function: what the type checker says of an example, with its types newly made."""

    def check(example):
        tool("graphql-codegen", cwd=example)
        return tool("tsc", "--noEmit", cwd=example)

    return check


@pytest.fixture(scope="session")
def phone(tool, checked):
    """The folder of the mobile example, compiled."""
    example = ROOT / "examples" / "mobile-offers"
    checked(example)
    tool("tsc", cwd=example)
    return example


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_it_is_typed_by_the_schema_without_a_complaint(checked, example):
    assert checked(example) == ""


def test_the_phone_shows_the_offers_that_its_customer_has(phone, run, served, ask, guanxi):
    customer = next(found for found in ask(served.url, READ)["customers"]["nodes"] if found["offers"])
    issued = guanxi("token", "--role", "customer", "--customer", customer["customerNo"], GUANXI_DEVELOPMENT="1")
    token = subprocess.run(**issued, capture_output=True, check=True).stdout.strip()

    printed = run("node", "dist/main.js", cwd=phone, GUANXI_URL=served.url, GUANXI_TOKEN=token)

    offers = [
        line
        for offer in customer["offers"]
        for line in (f"{offer['rank']}. {offer['product']['name']}", *(f"   {reason}" for reason in offer["reasons"]))
    ]
    assert printed.splitlines()[: len(offers) + 1] == [f"For {customer['name']}:", *offers]


def test_every_package_has_one_exact_version():
    versions = defaultdict(set)
    for package in [*EXAMPLES, ROOT / "tests" / "clients"]:
        told = json.loads((package / "package.json").read_text())
        for name, version in (told["dependencies"] | told.get("devDependencies", {})).items():
            versions[name].add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for found in versions.values() for version in found)
