"""A manager sees another's book by grant, until its last day: in every read, and for that book alone."""

from datetime import UTC, datetime, timedelta

import pytest

from api.global_ids import global_id
from api.roles import Role
from graph import deputies
from graph.deputies import Deputy

TODAY = datetime.now(UTC).date()
YESTERDAY, TOMORROW, LATER = (TODAY + timedelta(days=days) for days in (-1, 1, 2))
GRANT = """mutation ($deputy: String!, $manager: String!, $until: Date!) {
    grantDeputy(input: {deputyNo: $deputy, managerNo: $manager, until: $until}) {
        deputy { deputyNo managerNo until grantedBy } errors { code message path } } }"""
REVOKE = """mutation ($deputy: String!, $manager: String!) {
    revokeDeputy(input: {deputyNo: $deputy, managerNo: $manager}) { revoked } }"""
BOOK = """query ($filter: CustomerFilter) { customers(filter: $filter) { nodes { customerNo } totalCount } }"""
READS = {
    "by number": '{ customer(customerNo: "ANNA") { name } }',
    "by id": f'{{ node(id: "{global_id("Customer", "ANNA")}") {{ id }} }}',
    "by ids": f'{{ nodes(ids: ["{global_id("Customer", "ANNA")}"]) {{ id }} }}',
    "as a relative": '{ customer(customerNo: "BO") { relations { nodes { customer { customerNo } } } } }',
    "in a page": "{ customers { nodes { customerNo } } }",
    "in a page of the book": '{ customers(filter: {managerNo: {eq: "M1"}}) { nodes { customerNo } } }',
    "in a decision": '{ decision(customerNo: "ANNA", productCode: "CARD") { customerNo } }',
    "in a mutation": 'mutation { setConsent(input: {customerNo: "ANNA", marketing: true}) { customer { customerNo } } }',
}
BO_KNOWS_ANNA = """MATCH (a:Customer {customer_no: 'ANNA'}), (b:Customer {customer_no: 'BO'})
MERGE (b)-[r:RELATED {relation_key: 'BO|ANNA|spouse'}]->(a) SET r.kind = 'spouse'"""


@pytest.fixture
async def book(bank):
    await bank.write(BO_KNOWS_ANNA)
    yield bank
    await bank.write("MATCH ()-[r:DEPUTY_OF]->() DELETE r")
    await bank.write("MATCH ()-[r:RELATED {relation_key: 'BO|ANNA|spouse'}]->() DELETE r")


@pytest.fixture
def deputy(rules):
    return rules.issue(Role.RELATIONSHIP_MANAGER, "M2")


def granted(until, deputy_no="M2", manager_no="M1"):
    return Deputy(deputy_no, manager_no, until, "admin", datetime.now(UTC))


@pytest.mark.parametrize("query", READS.values(), ids=READS)
async def test_a_grant_opens_the_book_and_its_end_shuts_it(server, book, deputy, query):
    before = await server.ask(query, deputy)
    await deputies.grant(book, granted(TOMORROW))
    open_ = await server.ask(query, deputy)
    await deputies.grant(book, granted(YESTERDAY))
    after = await server.ask(query, deputy)

    assert after == before
    assert "ANNA" not in str(before.get("data"))
    assert "errors" not in open_
    assert any(known in str(open_["data"]) for known in ("ANNA", "Anna", global_id("Customer", "ANNA")))


async def test_a_grant_holds_to_the_end_of_its_last_day(book):
    await deputies.grant(book, granted(TODAY))

    assert await deputies.books(book, "M2", YESTERDAY) == ["M1"]
    assert await deputies.books(book, "M2", TODAY) == ["M1"]
    assert await deputies.books(book, "M2", TOMORROW) == []


async def test_a_deputys_pages_are_of_both_books_and_in_one_order(server, book, deputy):
    await deputies.grant(book, granted(TOMORROW))

    first = (await server.ask("{ customers(first: 2) { nodes { customerNo } pageInfo { endCursor } totalCount } }", deputy))["data"]["customers"]  # fmt: skip
    then = await server.ask("query ($after: String) { customers(after: $after) { nodes { customerNo } } }", deputy, after=first["pageInfo"]["endCursor"])  # fmt: skip

    assert [node["customerNo"] for node in first["nodes"]] == ["ANNA", "BO"]
    assert first["totalCount"] == 3
    assert then["data"]["customers"]["nodes"] == [{"customerNo": "CLARA"}]
    for manager_no, numbers in {"M1": ["ANNA", "CLARA"], "M2": ["BO"], "M3": []}.items():
        found = (await server.ask(BOOK, deputy, filter={"managerNo": {"eq": manager_no}}))["data"]["customers"]
        assert [node["customerNo"] for node in found["nodes"]] == numbers
        assert found["totalCount"] == len(numbers)


async def test_a_deputy_does_not_open_his_own_book_nor_pass_on_anothers(server, book, bearers, rules):
    await deputies.grant(book, granted(TOMORROW))
    await book.write("CREATE (:Manager {manager_no: 'M3'})")
    try:
        await deputies.grant(book, granted(TOMORROW, "M3", "M2"))
        third = await server.ask(BOOK, rules.issue(Role.RELATIONSHIP_MANAGER, "M3"))
    finally:
        await book.write("MATCH (m:Manager {manager_no: 'M3'}) DETACH DELETE m")

    assert (await server.ask('{ customer(customerNo: "BO") { name } }', bearers.manager))["data"]["customer"] is None
    assert third["data"]["customers"]["nodes"] == [{"customerNo": "BO"}]


@pytest.mark.usefixtures("book")
async def test_an_administrator_grants_lists_and_revokes(server, bearers, deputy):
    asked = {"deputy": "M2", "manager": "M1", "until": LATER.isoformat()}
    grant = {"deputyNo": "M2", "managerNo": "M1", "until": LATER.isoformat(), "grantedBy": "admin"}
    listed = "{ deputies { deputyNo managerNo until grantedBy } }"
    mine = "{ viewer { deputyOf { deputyNo managerNo until grantedBy } } }"

    done = (await server.ask(GRANT, bearers.admin, **asked))["data"]["grantDeputy"]
    shorter = await server.ask(GRANT, bearers.admin, **asked | {"until": TOMORROW.isoformat()})
    longer = await server.ask(GRANT, bearers.admin, **asked)

    assert done == {"deputy": grant, "errors": []}
    assert shorter["data"]["grantDeputy"]["deputy"] == grant | {"until": TOMORROW.isoformat()}
    assert longer["data"]["grantDeputy"]["deputy"] == grant
    assert (await server.ask(listed, bearers.admin))["data"] == {"deputies": [grant]}
    assert (await server.ask(mine, deputy))["data"]["viewer"] == {"deputyOf": [grant]}
    assert (await server.ask(mine, bearers.manager))["data"]["viewer"] == {"deputyOf": []}

    revoked = [(await server.ask(REVOKE, bearers.admin, deputy="M2", manager="M1"))["data"]["revokeDeputy"]["revoked"] for _ in range(2)]  # fmt: skip
    assert revoked == [True, False]
    assert (await server.ask(READS["by number"], deputy))["data"] == {"customer": None}


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"until": YESTERDAY.isoformat()}, "BAD_INPUT", "until"),
        ({"until": (TODAY + timedelta(days=368)).isoformat()}, "BAD_INPUT", "until"),
        ({"deputy": "M1"}, "BAD_INPUT", "deputyNo"),
        ({"deputy": "M9"}, "NOT_FOUND", "deputyNo"),
        ({"manager": "M9"}, "NOT_FOUND", "managerNo"),
    ],
)
async def test_a_grant_that_cannot_be_is_a_typed_error(server, book, bearers, wrong, code, path):
    asked = {"deputy": "M2", "manager": "M1", "until": TOMORROW.isoformat()} | wrong

    done = (await server.ask(GRANT, bearers.admin, **asked))["data"]["grantDeputy"]

    assert (done["deputy"], done["errors"][0]["code"], done["errors"][0]["path"]) == (None, code, ["input", path])
    assert await deputies.running(book, TODAY) == []


@pytest.mark.parametrize("who", ["manager", "marketing", "partner", "anna"])
async def test_grants_are_for_administrators(server, book, bearers, who):
    asked = {"deputy": "M2", "manager": "M1", "until": TOMORROW.isoformat()}
    await deputies.grant(book, granted(TOMORROW, "M1", "M2"))

    for query in (GRANT, REVOKE, "{ deputies { deputyNo } }"):
        given = asked if query is GRANT else {"deputy": "M1", "manager": "M2"} if query is REVOKE else {}
        answer = await server.ask(query, getattr(bearers, who), **given)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert [found.deputy_no for found in await deputies.running(book, TODAY)] == ["M1"]
