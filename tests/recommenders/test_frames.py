from datetime import date

import polars as pl
import pytest

from graph.records import Holding, Membership, Relation
from graph.words import MemberRole, ProgrammeKind, RelationKind
from recommenders.frames import SCHEMAS
from recommenders.sight import Sight


@pytest.fixture
def crowd(person):
    return [
        person("C1", holdings=(Holding("SAVE", date(2020, 1, 1), None, 5.0), Holding("CARD", date(2099, 1, 1)))),
        person("C2", income=9.0, relations=tuple(
            Relation(no, RelationKind.CHILD, outgoing=True) for no in ("C3", "C4", "C3")
        )),
        person("C3", memberships=(Membership("F-1", ProgrammeKind.FAMILY, MemberRole.PRINCIPAL, reference="L-1"),)),
    ]  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_frames_have_their_schema_also_of_nobody(batch, catalogue, crowd, name):
    for customers in (crowd, []):
        frame = getattr(batch(customers, catalogue("SAVE")).frames, name)

        assert frame.schema == pl.Schema(SCHEMAS[name])


def test_frames_show_what_views_show_and_nothing_of_the_future(batch, catalogue, crowd):
    frames = batch(crowd, catalogue("SAVE")).frames

    assert frames.customers["customer_no"].to_list() == ["C1", "C2", "C3"]
    assert frames.holdings.rows() == [(0, "SAVE", date(2020, 1, 1), None, 5.0)]
    assert frames.relations.rows() == [(1, "child", 2)]
    assert frames.memberships["reference"].to_list() == ["L-1"]
    assert frames.holdings.equals(frames.holdings)


def test_frames_show_what_permissions_cover(batch, catalogue, crowd):
    frames = Sight.of(["membership:family", "income"]).batch(batch(crowd, catalogue("SAVE"))).frames

    assert frames.customers["income"].to_list() == [None, 9.0, None]
    assert frames.memberships["programme_code"].to_list() == ["F-1"]
    assert frames.memberships["reference"].to_list() == [None]
    assert not set(frames.customers["customer_no"]) & {"C1", "C2", "C3"}
    assert (frames.holdings.height, frames.relations.height) == (0, 0)


def test_a_customer_has_the_same_rows_alone_and_beside_others(batch, catalogue, crowd):
    beside = batch(crowd, catalogue("SAVE")).frames
    for row, record in enumerate(crowd):
        alone = batch([record], catalogue("SAVE")).frames
        for name in SCHEMAS:
            own = getattr(beside, name).filter(row=row).drop("row")
            assert own.equals(getattr(alone, name).drop("row"))
