"""Activity of customers whom a bank pays a salary."""

from dateutil.relativedelta import relativedelta

from graph.records import ActivityMonth


def months_from(first, until, salary_until):
    """Activity from the first month to the last before ``until``; salary up to a month."""
    found, month = [], first
    while month < until.replace(day=1):
        paid = 5_000.0 if month <= salary_until else 0.0
        found.append(ActivityMonth(f"{month:%Y-%m}", 100.0 + paid, 90.0, paid, 12, 10.0, 500.0))
        month += relativedelta(months=1)
    return tuple(found)
