import re
from pathlib import Path

import pytest

from graph.imports import import_rows
from tests.api.conftest import row

MOBILE = "{ viewer { role key customer { name offers { id product { name } reasons } bundles { title } } } }"
SEEN = "query ($no: String!) { customer(customerNo: $no) { customerNo } }"


async def test_a_phone_is_told_who_its_owner_is_and_what_to_offer(server, bearers):
    answer = await server.ask(MOBILE, bearers.anna)

    viewer = answer["data"]["viewer"]
    assert "errors" not in answer
    assert (viewer["role"], viewer["customer"]["name"]) == ("CUSTOMER", "Anna")
    assert [offer["product"]["name"] for offer in viewer["customer"]["offers"]] == [
        "Campus card",
        "Credit card",
        "Autopay",
    ]


async def test_a_customer_with_nothing_at_all_is_answered(server, bearers):
    answer = await server.ask(MOBILE, bearers.nothing)

    assert answer["data"]["viewer"]["customer"] == {"name": None, "offers": [], "bundles": []}


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("anna", {"ANNA"}),
        ("bo", {"BO"}),
        ("manager", {"ANNA", "CLARA"}),
        ("marketing", set()),
        ("partner", set()),
        ("admin", {"ANNA", "BO", "CLARA", "NOTHING"}),
    ],
)
async def test_each_role_sees_its_customers_and_no_others(server, bearers, who, seen):
    bearer = getattr(bearers, who)

    found = {no for no in ("ANNA", "BO", "CLARA", "NOTHING", "NOBODY") if (await server.ask(SEEN, bearer, no=no))["data"]["customer"]}  # fmt: skip
    listed = await server.ask("{ customers(first: 4) { nodes { customerNo id } totalCount } }", bearer)

    assert found == seen
    if seen:
        assert {node["customerNo"] for node in listed["data"]["customers"]["nodes"]} == seen
        ids = [node["id"] for node in listed["data"]["customers"]["nodes"]]
        nodes = await server.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", bearer, ids=ids)
        assert [node["id"] for node in nodes["data"]["nodes"]] == ids
    else:
        assert listed["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_node_of_another_is_not_there(server, bearers):
    query = "query ($id: ID!) { node(id: $id) { id } }"
    found = await server.ask('{ customer(customerNo: "BO") { id offers { id } } }', bearers.admin)
    theirs = [found["data"]["customer"]["id"], *(offer["id"] for offer in found["data"]["customer"]["offers"])]

    for node_id in [*theirs, "nonsense", "Q3VzdG9tZXI6Tk9CT0RZ"]:
        assert (await server.ask(query, bearers.anna, id=node_id))["data"] == {"node": None}
    for node_id in theirs:
        assert (await server.ask(query, bearers.admin, id=node_id))["data"]["node"] is not None


async def test_a_relative_is_named_only_to_who_may_see_him(server, bearers):
    query = '{ customer(customerNo: "ANNA") { relations { nodes { kind customer { name } } } } }'

    mine = (await server.ask(query, bearers.anna))["data"]["customer"]["relations"]["nodes"]
    theirs = (await server.ask(query, bearers.manager))["data"]["customer"]["relations"]["nodes"]
    all_of_it = (await server.ask(query, bearers.admin))["data"]["customer"]["relations"]["nodes"]

    assert mine == theirs == [{"kind": "SPOUSE", "customer": None}]
    assert all_of_it == [{"kind": "SPOUSE", "customer": {"name": "Bo"}}]


async def test_a_manager_cannot_ask_for_the_book_of_another(server, bearers):
    query = '{ customers(filter: {managerNo: {eq: "M2"}}) { nodes { customerNo } totalCount } }'

    assert (await server.ask(query, bearers.manager))["data"]["customers"] == {"nodes": [], "totalCount": 0}


@pytest.mark.parametrize("who", ["anna", "marketing", "partner"])
async def test_how_decisions_come_about_is_for_those_who_serve(server, bearers, who):
    query = '{ decision(customerNo: "ANNA", productCode: "FUND") { offered } }'

    answer = await server.ask(query, getattr(bearers, who))

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_customer_reads_no_workings_and_no_margins(server, bearers):
    query = '{ customer(customerNo: "ANNA") { offers { rank priority trace { text } product { margin attributes } } } }'

    mine = (await server.ask(query, bearers.anna))["data"]["customer"]["offers"]
    staffs = (await server.ask(query, bearers.manager))["data"]["customer"]["offers"]

    assert mine == [
        {"rank": rank, "priority": 1 / rank, "trace": [], "product": {"margin": None, "attributes": {}}}
        for rank in (1, 2, 3)
    ]
    assert len(staffs) == 3
    assert all(offer["trace"] and offer["product"]["margin"] for offer in staffs)
    assert [offer["product"]["attributes"] for offer in staffs if offer["product"]["attributes"]] == [
        {"issuer": "VISA"}
    ]


async def test_a_partner_sees_its_own_programmes(server, bearers):
    query = "{ programmes { nodes { programmeCode memberCount partner { name } products { productCode } } } }"

    its = (await server.ask(query, bearers.partner))["data"]["programmes"]["nodes"]
    everybody = (await server.ask(query, bearers.marketing))["data"]["programmes"]["nodes"]

    campus = {
        "programmeCode": "CAMPUS",
        "memberCount": 40,
        "partner": {"name": "Uni"},
        "products": [{"productCode": "CAMPUS-CARD"}],
    }
    assert its == [campus]
    assert everybody == [campus, {"programmeCode": "FAMILY", "memberCount": None, "partner": None, "products": []}]


async def test_a_partner_is_told_of_its_own_programmes_and_nothing_of_a_few(server, bearers):
    figures = "members shown taken spent shownPeriods { shown } takenPeriods { taken }"
    query = f"{{ programmes {{ nodes {{ kind kindName memberCount report {{ {figures} breakdowns {{ groups {{ members }} }} }} }} }} }}"

    its = (await server.ask(query, bearers.partner))["data"]["programmes"]["nodes"]
    mine = (await server.ask(query, bearers.anna))["data"]["programmes"]["nodes"]

    nothing = {"shown": None, "taken": None, "spent": None, "shownPeriods": [], "takenPeriods": []}
    report = nothing | {"members": 40, "breakdowns": [{"groups": [{"members": 40}]}]}
    assert its == [{"kind": "CAMPUS", "kindName": "campus", "memberCount": 40, "report": report}]
    assert [own["report"] for own in mine] == [None, None]


async def test_a_partner_asks_for_its_report_as_the_documentation_says(server, bearers):
    page = (Path(__file__).parents[2] / "docs" / "plugins-programmes.md").read_text()
    [query] = re.findall(r"```graphql\n(.*?)```", page, re.DOTALL)

    [own] = (await server.ask(query, bearers.partner))["data"]["programmes"]["nodes"]

    assert (own["programmeCode"], own["report"]["members"]) == ("CAMPUS", 40)
    assert own["report"]["breakdowns"] == [{"name": "studies", "groups": [{"name": "students", "members": 40}]}]


async def test_a_partner_reads_no_member_more_than_its_report_tells(server, bank, bearers):
    query = "{ programmes { nodes { memberCount report { members } } } }"
    await server.ask(query, bearers.partner)
    joined = row("BO|CAMPUS|student", customer_no="BO", programme_code="CAMPUS", role="student")
    await import_rows(bank, "memberships", [joined])

    its = (await server.ask(query, bearers.partner))["data"]["programmes"]["nodes"]
    [staffs, _] = (await server.ask(query, bearers.marketing))["data"]["programmes"]["nodes"]

    assert its == [{"memberCount": 40, "report": {"members": 40}}]
    assert staffs == {"memberCount": 41, "report": {"members": 40}}


async def test_a_programme_tells_its_benefit_in_the_language_asked_for_or_the_other(server, bearers):
    query = "{ programmes { nodes { programmeCode en: benefit zh: benefit(language: ZH) } } }"

    found = (await server.ask(query, bearers.anna))["data"]["programmes"]["nodes"]

    assert found == [
        {"programmeCode": "CAMPUS", "en": "Free meals", "zh": "Free meals"},
        {"programmeCode": "FAMILY", "en": None, "zh": None},
    ]


async def test_recommenders_are_for_staff(server, bearers):
    query = "{ recommenders { name state calls failures } }"

    assert (await server.ask(query, bearers.partner))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    states = {r["name"]: r["state"] for r in (await server.ask(query, bearers.marketing))["data"]["recommenders"]}
    assert states["als"] == "untrained"
    assert states["popularity"] == "ready"


async def test_without_a_token_there_is_no_data(server):
    for query in (
        MOBILE,
        "{ products { nodes { name } } }",
        "{ programmes { nodes { name } } }",
        SEEN.replace("$no: String!", '$no: String! = "ANNA"'),
    ):
        answer = (await server.post(query)).json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_a_decision_names_the_first_gate_what_it_saw_and_what_would_unlock(server, bearers):
    query = """query ($code: String!) { decision(customerNo: "ANNA", productCode: $code) {
        offered rank stoppedBy { gate code saw text unlock zh: unlock(language: ZH) } trace { stage } } }"""

    fund = (await server.ask(query, bearers.manager, code="FUND"))["data"]["decision"]
    card = (await server.ask(query, bearers.manager, code="CARD"))["data"]["decision"]

    assert fund == {
        "offered": False,
        "rank": None,
        "stoppedBy": {
            "gate": "suitability",
            "code": "RISK_TOO_HIGH",
            "saw": "C3",
            "text": "Its risk R4 needs a risk profile of C4 or higher.",
            "unlock": "risk profile C4 or higher",
            "zh": "风险承受能力C4或以上",
        },
        "trace": fund["trace"],
    }
    assert (card["offered"], card["rank"], card["stoppedBy"]) == (True, 2, None)


@pytest.mark.parametrize(("no", "code"), [("NOBODY", "CARD"), ("ANNA", "NONE"), ("BO", "CARD")])
async def test_an_input_that_names_nothing_is_a_typed_error(server, bearers, no, code):
    query = "query ($no: String!, $code: String!) { decision(customerNo: $no, productCode: $code) { offered } }"

    answer = await server.ask(query, bearers.manager, no=no, code=code)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
