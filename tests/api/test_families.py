"""A family's one credit limit: it decides for all of them, and tells none of another's figures."""

import pytest

from graph.imports import import_rows

WHOLE = """{ viewer { customer {
  name attributes creditTier lifecycleStage valueTier
  holdings { nodes { balance product { name attributes } } } accounts { nodes { balance attributes } }
  cards { nodes { attributes } } memberships { nodes { role programme { name benefit } } }
  relations { nodes { kind customer { name } } }
  offers(first: 20) { product { name attributes } priority propensity reasons trace { text } }
  bundles(first: 20) { title benefit offers { reasons } }
} } }"""
DECISION = """query ($no: String!) { decision(customerNo: $no, productCode: "CARD") {
  offered stoppedBy { code saw text unlock } refusals { saw text unlock } trace { text } } }"""
LIMIT, OWED, LEFT = 77_777.0, 66_666.0, 11_111.0


def row(key, **own):
    return {"key": key, "digest": str(own), "properties": own}


async def owe(store, amount):
    own = {"customer_no": "BO", "product_code": "CARD", "balance": -amount}
    await import_rows(store, "holdings", [row("BO|CARD|", **own)])


@pytest.fixture
async def family(bank):
    """Bo, of another manager's book, is the principal of his wife Anna, who has no limit of her own."""
    await import_rows(
        bank,
        "memberships",
        [
            row(f"{no}|FAMILY|{role}", customer_no=no, programme_code="FAMILY", role=role)
            for no, role in (("BO", "principal"), ("ANNA", "dependant"))
        ],
    )
    await bank.write("MATCH (c:Customer {customer_no: 'BO'}) SET c.credit_limit = $limit", limit=LIMIT)
    await bank.write("MATCH (c:Customer {customer_no: 'ANNA'}) SET c.credit_limit = null")
    await owe(bank, OWED)
    return bank


def has_figures(answer):
    told = str(answer).replace(",", "").replace("_", "")
    return any(str(int(figure)) in told for figure in (LIMIT, OWED, LEFT))


@pytest.mark.usefixtures("family")
async def test_a_dependant_is_offered_credit_by_the_principals_limit_and_reads_no_figure_of_his(server, bearers):
    answer = await server.ask(WHOLE, bearers.anna)
    own = await server.ask(WHOLE, bearers.bo)

    assert "errors" not in answer
    assert "Credit card" in [offer["product"]["name"] for offer in answer["data"]["viewer"]["customer"]["offers"]]
    assert not has_figures(answer)
    assert has_figures(own)  # what Bo owes is his to read


async def test_who_serves_a_dependant_is_told_that_the_shared_limit_is_used_up_and_no_figure(server, bearers, family):
    await owe(family, LIMIT)

    answer = await server.ask(DECISION, bearers.manager, no="ANNA")
    offers = (await server.ask(WHOLE, bearers.anna))["data"]["viewer"]["customer"]["offers"]

    assert answer["data"]["decision"]["offered"] is False
    assert answer["data"]["decision"]["stoppedBy"] == {
        "code": "CREDIT_LIMIT",
        "saw": "shared limit of FAMILY",
        "text": "The credit limit that the family shares is used up.",
        "unlock": "a repayment by the family, or a higher limit of its principal",
    }
    assert not has_figures(answer)
    assert "Credit card" not in [offer["product"]["name"] for offer in offers]
