"""What is for studies is for students only."""

from typing import Final

import numpy as np

from graph.records import Product
from plugins.campus.knowing import is_student
from plugins.campus.offering import STUDY
from recommenders.batch import Batch
from recommenders.contract import Mask
from recommenders.gates import Explanation, Rule, say
from recommenders.view import CustomerView


def _refuses(batch: Batch) -> Mask:
    for_students: Mask = np.array([[product.purpose == STUDY for product in batch.catalogue]])
    are_none: Mask = np.array([[not is_student(customer)] for customer in batch.customers])
    return are_none & for_students


def _explain(customer: CustomerView, _: Product) -> Explanation:
    seen = "member who is no student" if customer.member_of("campus") else "no student"
    return Explanation(
        say("It is for students of a partner university.", "仅限合作院校的在读学生。"),
        seen,
        say("studies at a partner university", "就读于合作院校"),
    )


NOT_A_STUDENT: Final = Rule("eligibility", "NOT_A_STUDENT", _refuses, _explain)
