"""The campus programme: students and staff of a partner university.

Members get the university's card; students, what is for ``study``, such as a loan; who graduated in the last year, or
will within half a year, what is for a ``first_salary``: products say so in the ``purpose`` column of the bank's file.
"""

from collections.abc import Callable

from graph.words import ProgrammeKind
from loaders.sample_parts import Sample
from plugins.about import About
from plugins.campus.gates import NOT_A_STUDENT
from plugins.campus.knowing import FIELDS, GRADUATION, STUDIES
from plugins.campus.offering import STUDY, propose
from plugins.campus.sample import SAMPLE
from plugins.contract import Breakdown, Field
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from plugins.programmes import card_bundles
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, LifeEvent, Recommender
from recommenders.gates import say


@hookimpl
def about() -> About:
    """See memberships of campus programmes, and nothing else."""
    return About(permissions=("membership:campus",), serves=(ProgrammeKind.CAMPUS,), guards=(STUDY,))


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("campus", "1", propose))


@hookimpl
def gates(register: Callable[[Gate], None]) -> None:
    """What is for studies is for students only."""
    register(NOT_A_STUDENT)


@hookimpl
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """Each university's card with each student loan."""
    title = say("Campus start", "校园启航")
    otherwise = say("Both are for members of your university.", "均面向您所在大学的成员。")
    for rule in card_bundles(catalogue, ProgrammeKind.CAMPUS, STUDY, "STUDY", title, otherwise):
        register(rule)


@hookimpl
def events(register: Callable[[LifeEvent], None]) -> None:
    """A student's graduation."""
    register(GRADUATION)


@hookimpl
def fields(register: Callable[[Field], None]) -> None:
    """Whether a customer studies, and until when."""
    for field in FIELDS:
        register(field)


@hookimpl
def breakdowns(register: Callable[[Breakdown], None]) -> None:
    """Students and staff, for the report to the university."""
    register(STUDIES)


@hookimpl
def samples(register: Callable[[Sample], None]) -> None:
    """The sample bank's universities."""
    register(SAMPLE)
