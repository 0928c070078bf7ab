"""How much time a plugin has."""

from typing import Final

from recommenders.batch import Batch

BUDGET_SECONDS: Final = 0.1
"""For one customer; a batch has BATCH_SECONDS for each customer more."""
BATCH_SECONDS: Final = 0.01
BREAKDOWN_SECONDS: Final = 1.0
"""For all members in a partner's report, once a month; GROUP_SECONDS for each time that it is asked more."""
GROUP_SECONDS: Final = 0.00002


def budget_for(customers: int) -> float:
    """Return how many seconds a plugin has for so many customers that are asked for at once."""
    return BUDGET_SECONDS + BATCH_SECONDS * customers


def own_budget(batch: Batch) -> float:
    """Return how many seconds a plugin has for a batch."""
    return budget_for(len(batch.customers))


def budget_of(batch: Batch) -> float:
    """Return how many seconds it has in a request that may have less time."""
    asked = batch.context.budget_ms
    return own_budget(batch) if asked is None else min(own_budget(batch), asked / 1000)


def breakdown_budget(groups: int) -> float:
    """Return how many seconds a plugin has to say so many times which group members are in, for a partner's report."""
    return BREAKDOWN_SECONDS + GROUP_SECONDS * groups
