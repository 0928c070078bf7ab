"""Finds whom customers may be compared with, without a walk over the bank: the first so many of each group."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from graph.store import Row, Store

OF_HOLDINGS: Final = """
UNWIND $customers AS row UNWIND row.codes AS code
CALL {
  WITH code MATCH (:Product {product_code: code})<-[:HOLDS]-(o:Customer) RETURN o.customer_no AS other LIMIT $most
}
RETURN row.customer_no AS customer_no, collect(DISTINCT other) AS others
"""
OF_PROGRAMMES: Final = """
UNWIND $customers AS row
MATCH (:Customer {customer_no: row.customer_no})-[:MEMBER_OF]->(g:Programme)
CALL { WITH g MATCH (g)<-[:MEMBER_OF]-(o:Customer) RETURN o.customer_no AS other LIMIT $most }
RETURN row.customer_no AS customer_no, collect(DISTINCT other) AS others
"""
OF_RELATIONS: Final = """
UNWIND $customers AS row
MATCH (:Customer {customer_no: row.customer_no})-[:RELATED]->(e:Customer)
CALL { WITH e MATCH (e)<-[:RELATED]-(o:Customer) RETURN o.customer_no AS other LIMIT $most }
RETURN row.customer_no AS customer_no, collect(DISTINCT other) AS others
"""
OF_BOOK: Final = "MATCH (o:Customer {manager_no: $manager_no}) RETURN o.customer_no AS other LIMIT $most"


async def companions(store: Store, codes: Mapping[str, Sequence[str]], most: int) -> dict[str, set[str]]:
    """Return, by customer, whom he shares the products of ``codes``, a programme, or a relation's other end with.

    At most ``most`` of each product, programme and relation, himself not among them; three queries for all customers.
    """
    asked: list[Row] = [{"customer_no": no, "codes": list(own)} for no, own in codes.items()]
    found = defaultdict[str, set[str]](set)
    for cypher in (OF_HOLDINGS, OF_PROGRAMMES, OF_RELATIONS):
        for row in await store.read(cypher, customers=asked, most=most):
            found[row["customer_no"]].update(row["others"])
    return {no: found[no] - {no} for no in codes}


async def book(store: Store, manager_no: str, most: int) -> list[str]:
    """Return the numbers of a relationship manager's customers, ``most`` at most."""
    return [row["other"] for row in await store.read(OF_BOOK, manager_no=manager_no, most=most)]
