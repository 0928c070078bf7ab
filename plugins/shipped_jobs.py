"""The jobs that guanxi does itself, through the same hook as anybody's; each is imported when it runs."""

from collections.abc import Callable
from datetime import timedelta

from plugins.contract import Job
from plugins.hookspecs import hookimpl

DAY = timedelta(days=1)


@hookimpl
def jobs(register: Callable[[Job], None]) -> None:
    """What servers always do, and what banks may leave to them instead of to a clock of their own."""
    register(Job("sweep", "Delete idempotency keys that have expired.", timedelta(hours=1), "guanxi.jobs:sweep"))
    register(
        Job(
            "stages",
            "Note each customer's lifecycle stage, and tell webhooks which have changed.",
            DAY,
            "guanxi.jobs:stages",
            most=timedelta(hours=6),
            by_default=False,
        )
    )
    register(
        Job(
            "events",
            "Note what happened in customers' lives, and tell webhooks of each event once.",
            DAY,
            "guanxi.jobs:events",
            most=timedelta(hours=6),
            by_default=False,
        )
    )
    register(
        Job(
            "retention",
            "Remove what is older than the settings GUANXI_KEEP_… say.",
            DAY,
            "guanxi.jobs:retention",
            most=timedelta(hours=6),
            by_default=False,
        )
    )
