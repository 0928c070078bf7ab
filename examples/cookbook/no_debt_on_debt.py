"""A gate: no consumer loan to who was overdrawn in the last three months, whoever proposes it."""

import numpy as np

from guanxi import Refusal, hookimpl, say

MONTHS = 3


def was_overdrawn(customer):
    """Whether the lowest balance of one of the last months was below zero."""
    return any((month.lowest_balance or 0) < 0 for month in customer.activity[-MONTHS:])


class NoDebtOnDebt:
    """Refuses products on credit of the category ``loan``."""

    gate = "credit"
    code = "NO_DEBT_ON_DEBT"

    def refuses(self, batch):
        """True at (i, j) where product j may not be offered to customer i."""
        overdrawn = np.array([was_overdrawn(customer) for customer in batch.customers])
        loans = np.array([product.category == "loan" for product in batch.catalogue])
        return overdrawn[:, None] & loans[None, :]

    def explain(self, customer, product):
        """Say why; asked only of a pair that was refused."""
        lowest = min(month.lowest_balance or 0 for month in customer.activity[-MONTHS:])
        text = say("Your account was overdrawn lately.", "您的账户近期出现透支。")
        unlock = say("three months without an overdraft", "连续三个月无透支")
        return Refusal(self.gate, self.code, text, f"lowest balance {lowest:g}", unlock)


@hookimpl
def gates(register):
    """Register the gate."""
    register(NoDebtOnDebt())
