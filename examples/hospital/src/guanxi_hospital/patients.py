"""Who is a patient, and what is for patients alone."""

import numpy as np

from guanxi import Refusal, say

HOSPITAL = "hospital"
HEALTH = "health"


def is_patient(customer):
    """Whether he is a patient of a partner hospital today."""
    return customer.member_of(HOSPITAL)


def admitted_on(customer):
    """The day on which he became a patient; None where he is none, or that day is not known."""
    membership = customer.membership(HOSPITAL)
    return membership.since if membership else None


def by_insurance(members, day):
    """Patients with an insurance number, and without."""
    return "insured" if members.has_reference else "not insured"


class NotAPatient:
    """Refuses what is for health to who is no patient."""

    gate = "eligibility"
    code = "NOT_A_PATIENT"

    def refuses(self, batch):
        """True at (i, j) where product j may not be offered to customer i."""
        strangers = np.array([not is_patient(customer) for customer in batch.customers])
        return strangers[:, None] & np.array([product.purpose == HEALTH for product in batch.catalogue])[None, :]

    def explain(self, customer, product):
        """Say why; asked only of a pair that was refused."""
        text = say("It is for patients of a partner hospital.", "仅限合作医院的患者。")
        return Refusal(
            self.gate, self.code, text, "no patient", say("a partner hospital's patient", "成为合作医院患者")
        )
