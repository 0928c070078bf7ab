"""What a model would have said of customers on a day of the past: it is learnt from what was known by then alone.

A recommender that is told of segments and scores is so trained on what it will meet, and never on what came later. Only
codes and names of segments are taken from later ones, so that a code that the last day has means the same on all days.
"""

from dataclasses import dataclass, field

from graph.errors import ModelError
from recommenders.churn import ActiveMonths, Churn, fit_churn
from recommenders.examples import Past, Seen, draw, read_examples, sample_schema
from recommenders.features import FeatureSchema
from recommenders.known_customers import KnownCustomers
from recommenders.portfolio import Ledger, Portfolio
from recommenders.segments import Segments, fit_segments
from recommenders.telling import Learnt
from recommenders.timeline import Moment, Period, find_period, moments


@dataclass
class Hindsight:
    """Learns what was to be learnt on days, the latest first.

    Attributes:
        protected: columns that no feature is made of.
        named: the segments that give their codes and names: the model's before, then those of the first day learnt.
    """

    ledger: Ledger
    customers: KnownCustomers
    protected: tuple[str, ...] = ()
    named: Segments | None = None
    _is_begun: bool = field(default=False, init=False)

    async def learnt(self, then: Portfolio) -> Learnt:
        """Learn from a portfolio's customers, as the training of its day would have; nothing where that fails."""
        period = find_period(self.ledger, then.today)
        earlier = list(moments(self.ledger, period))
        if not any(len(moment.openings) for moment in earlier):
            return Learnt()
        active = ActiveMonths(self.customers.load, self.ledger.catalogue.limits.kinds)
        try:
            schema = await sample_schema(
                active, self.ledger, (), then.today, then.rows,
                protected=self.protected, seasonal=period.sees_seasons,
            )  # fmt: skip
        except ModelError:  # of so few customers, a protected column may be known of none
            return Learnt()
        churn = None if period.hides else await self._churn(schema, active, earlier, period)
        segments, _ = await fit_segments(self.customers.load, self.ledger, schema, then.today, self.named, then.rows)
        if not self._is_begun:
            self.named, self._is_begun = segments or self.named, True
        return Learnt(churn, segments)

    async def _churn(
        self, schema: FeatureSchema, active: ActiveMonths, earlier: list[Moment], period: Period
    ) -> Churn | None:
        days = [moment.portfolio.today for moment in earlier]
        seen = [Seen(moment.portfolio.rows, moment.openings) for moment in earlier]
        drawn = draw(len(self.ledger.customer_nos), len(self.ledger.catalogue), seen)
        past = [Past(day, ()) for day in days]
        examples = await read_examples(active, self.ledger, schema, drawn, past, lambda _: None)
        churn, _ = fit_churn(schema, examples, self.ledger, active, days, period)
        return churn
