"""The queries about what the bank holds on a customer, and about who was erased."""

from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from api import access
from api.access_reports import SCHEMA, access_report
from api.costs import SEARCH, assumed
from api.requests import Asked
from api.types.subjects import AccessReport, Erasure
from graph import erasures


@strawberry.type
class SubjectQueries:
    """A part of the root of queries."""

    @strawberry.field(
        description="Everything the bank holds on a customer and derives of him, for the customer himself and for "
        "administrators; null where the viewer has no such customer. Of others it tells no more than the last places "
        "of their numbers.",
        directives=[SEARCH],
    )
    async def access_report(
        self, info: Asked, customer_no: Annotated[str, strawberry.argument(description="The customer's number.")]
    ) -> AccessReport | None:
        """One customer's report."""
        session = info.context.session
        access.require(session.viewer, access.SEES_ACCESS_REPORTS, "access reports")
        record = await session.customer(customer_no)
        if record is None:
            return None
        engine = session.services.engine
        insight = (await engine.insights([record], session.today))[0]
        model_id = engine.model.model_id if engine.model else None
        report = await access_report(session.services.store, record, insight, engine.models, model_id, session.now)
        return AccessReport(
            customer_no=customer_no, schema=SCHEMA, generated_at=session.now, document=JSON(report)
        )  # fmt: skip

    @strawberry.field(
        description="The proofs that a customer was erased, the latest last; empty where he never was. For "
        "administrators.",
        directives=[assumed(1)],
    )
    async def erasures(
        self,
        info: Asked,
        customer_no: Annotated[str, strawberry.argument(description="The number that he had.")],
    ) -> list[Erasure]:
        """One number's proofs."""
        session = info.context.session
        access.require(session.viewer, access.ERASES_CUSTOMERS, "erasures")
        digest = erasures.digest(session.services.erasure_secret, customer_no)
        return [Erasure.of(found) for found in await erasures.erasures(session.services.store, digest)]
