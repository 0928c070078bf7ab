"""Which model is in force, by whom it was put there, and what goes when there are many."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from graph.errors import ModelError
from recommenders.artefact import KEPT, Model, current_id, fault, load_current, promote, read_card, roll_back, save
from recommenders.history import Life, ids, lives, previous


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def kept(models):
    """Return a function: save models, in force or not, by their ids."""

    def keep(*model_ids, live=True):
        for model_id in model_ids:
            save(models, Model(("A",), date(2026, 6, 30), {}, model_id=model_id), live=live)

    return keep


def told(models):
    return [(life.model_id, life.how) for life in lives(models)]


def break_(models, model_id):
    (models / model_id / "calibration.npz").write_bytes(b"")


def test_each_time_a_model_is_put_in_force_is_told_with_its_moment(models, kept):
    before = datetime.now(UTC)
    kept("m1", "m2")
    promote(models, "m1")
    roll_back(models)

    assert told(models) == [("m1", "trained"), ("m2", "trained"), ("m1", "promoted"), ("m2", "rolled back")]
    moments = [before, *(life.at for life in lives(models)), datetime.now(UTC)]
    assert moments == sorted(moments)


def test_a_model_that_is_not_to_be_live_is_kept_beside_the_one_that_is(models, kept):
    kept("m1")
    kept("m2", live=False)

    assert ids(models) == ["m1", "m2"]
    assert load_current(models).model_id == "m1"
    assert told(models) == [("m1", "trained")]
    assert previous(models) is None


def test_rolling_back_goes_further_back_each_time(models, kept):
    kept("m1", "m2", "m3")

    assert [roll_back(models).model_id, roll_back(models).model_id] == ["m2", "m1"]
    assert current_id(models) == "m1"
    with pytest.raises(ModelError, match="No model was in force before"):
        roll_back(models)
    assert current_id(models) == "m1"


def test_after_a_rollback_what_is_trained_next_goes_back_to_what_was_rolled_back_to(models, kept):
    kept("m1", "m2")
    roll_back(models)
    kept("m3")

    assert previous(models) == "m1"
    assert roll_back(models).model_id == "m1"


def test_a_promotion_is_undone_by_a_rollback(models, kept):
    kept("m1", "m2", "m3")
    promote(models, "m1")

    assert roll_back(models).model_id == "m3"


@pytest.mark.parametrize("wrong", ["m9", "", "../models/m1", "current", "."])
def test_what_is_no_model_cannot_be_promoted(models, kept, wrong):
    kept("m1", "m2")

    with pytest.raises(ModelError, match="guanxi models lists those there are"):
        promote(models, wrong)

    assert current_id(models) == "m2"
    assert told(models) == [("m1", "trained"), ("m2", "trained")]


def test_a_broken_model_cannot_be_promoted_or_rolled_back_to(models, kept):
    kept("m1", "m2")
    break_(models, "m1")

    for change in (lambda: promote(models, "m1"), lambda: roll_back(models)):
        with pytest.raises(
            ModelError, match=r"m1 is broken \(calibration.npz is not what was written\); promote anoth"
        ):
            change()
    assert current_id(models) == "m2"
    assert (fault(models, "m1"), fault(models, "m2")) == ("calibration.npz is not what was written", None)


def test_what_is_live_and_what_a_rollback_needs_are_never_removed(models, kept):
    kept("m01", "m02")
    kept(*(f"m{number}" for number in range(10, 20)), live=False)

    assert ids(models) == ["m01", "m02", *(f"m{number}" for number in range(20 - KEPT, 20))]
    assert roll_back(models).model_id == "m01"


def test_a_model_that_was_never_live_stands_in_for_a_broken_one_last_of_all(models, kept):
    kept("m1", "m2")
    kept("m3", live=False)
    break_(models, "m2")
    assert load_current(models).model_id == "m1"

    break_(models, "m1")
    assert load_current(models).model_id == "m3"


def test_what_was_rolled_back_from_stands_in_after_what_was_live_before(models, kept):
    kept("m1", "m2", "m3")
    roll_back(models)
    break_(models, "m2")

    assert load_current(models).model_id == "m1"


def test_a_change_by_hand_is_told_as_one(models, kept):
    kept("m1", "m2")
    (models / "current").write_text("m1\n")

    assert told(models) == [("m1", "trained"), ("m2", "trained"), ("m1", "by hand")]
    assert datetime.now(UTC) - lives(models)[-1].at < timedelta(minutes=1)
    assert roll_back(models).model_id == "m2"
    assert told(models)[2:] == [("m1", "by hand"), ("m2", "rolled back")]


ODD = [
    "",
    "no JSON",
    "[]",
    '{"model": "m1"}',
    '{"model": "m1", "at": "now", "how": "trained"}',
    '{"model": "m1", "at": "2026-06-30T00:00:00", "how": "trained"}',
    '{"model": "m1", "at": "2026-06-30T00:00:00+00:00", "how": "wished for"}',
]


@pytest.mark.parametrize("line", ODD)
def test_a_line_that_says_nothing_is_passed_over(models, kept, line):
    kept("m1")
    good = (models / "history.jsonl").read_text()
    (models / "history.jsonl").write_text(f"{line}\n{good}")

    assert told(models) == [("m1", "trained")]


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"\xff\xfe")])
def test_a_lost_history_leaves_what_is_live(models, kept, spoil):
    kept("m1", "m2")
    spoil(models / "history.jsonl")

    assert load_current(models).model_id == "m2"
    assert told(models) == [("m2", "by hand")]


def test_a_line_has_the_model_the_moment_and_how(models, kept):
    kept("m1")

    [line] = (models / "history.jsonl").read_text().splitlines()

    assert lives(models) == [Life("m1", datetime.fromisoformat(json.loads(line)["at"]), "trained")]


def test_a_card_is_read_without_the_arrays(models, kept):
    kept("m1")
    break_(models, "m1")

    card = read_card(models, "m1")

    assert (card.model_id, card.as_of, card.headline) == ("m1", date(2026, 6, 30), None)
    assert card.limits == (
        "Nothing was ever opened or held: each recommender speaks for itself, by rules and popularity.",
    )


@pytest.mark.parametrize("text", ["", "[]", '{"as_of": "2026-06-30"}', '{"as_of": 3, "ranker": null}'])
def test_a_card_that_cannot_be_read_is_a_broken_model(models, kept, text):
    kept("m1")
    (models / "m1" / "manifest.json").write_text(text)

    with pytest.raises(ModelError, match="The model m1 is broken"):
        read_card(models, "m1")
