"""``guanxi models`` and what ``guanxi train`` puts in force, in a home whose models are made by hand, without a store."""

import json
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from recommenders.artefact import Model, current_id, save
from recommenders.features import FeatureSchema
from recommenders.ranker import Ranker

CARD = {
    "map@7": {"popularity": 0.4, "logit": 0.55, "boosting": 0.58, "stack": 0.6},
    "calibration_error": 0.002,
    "stack": {"popularity": 0.1, "boosting": 0.9},
    "ablation": {
        "examples": 1_000,
        "whole": 0.59,
        "groups": {"contacts": 0.05, "score:als": -0.001},
        "members": {"boosting": 0.02},
    },
    "features": {"logit": 0.7, "product": 0.3},
    "rounds": {"pairs": 12, "counts": 7},
}
CONFINED = {"purpose_limits": {"membership:tobacco": ["programme:tobacco"]}}
TRAINING = CONFINED | {
    "trained_at": "2026-07-01T03:00:00+00:00",
    "recommenders": {"als": "1", "popularity": "2"},
    "protected": ["gender"],
    "seconds": {"reading": 1.25, "ranker": 2.0},
    "judged": {"from": "2026-05-30", "until": "2026-06-30", "examples": 1_234},
}


@pytest.fixture
def kept(tmp_path):
    """A home with three models, each live in its turn, the first of them without a card."""
    home = SimpleNamespace(path=tmp_path, models=tmp_path / "models")
    schema = FeatureSchema(("A", "B"), numbers=("points",), words={"region": ("N", "S")})
    ones = np.ones(2, np.float32)
    learnt = {"customers": 3_000, "holdings": 7_000, "products": 2, "first": "2020-01-01", "last": "2026-06-30",
              "period_months": 1, "moments": 24}  # fmt: skip
    for number in (1, 2, 3):
        ranker = Ranker(schema, 1, ones, CARD["stack"], 1.0, ones, card=CARD) if number > 1 else None
        model = Model(("A", "B"), date(2026, 6, number), {}, ranker=ranker, learnt_from=learnt, model_id=f"m{number}",
                      training=TRAINING if number > 1 else CONFINED)  # fmt: skip
        save(home.models, model)
    return home


def break_(home, model_id):
    (home.models / model_id / "ranker.npz").write_bytes(b"")


def assert_said(done, *lines):
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [*lines]


def assert_refused(done, line):
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_models_are_listed_with_which_is_live_and_which_was_before(kept, guanxi):
    done = guanxi(kept.path, "models")

    first, second, third = [line.split("   ") for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [part.strip() for part in first if part.strip()] == [
        "m1", "as of 2026-06-01", "trained unknown", "MAP@7 not measured",
    ]  # fmt: skip
    assert "before it" in "   ".join(second)
    assert second[-1] == "MAP@7 0.6000"
    assert third[-1].startswith("live since 20")


def test_a_listing_for_machines_says_the_same(kept, guanxi):
    [first, _, live] = json.loads(guanxi(kept.path, "models", "list", "--json").stdout)

    assert first == {
        "id": "m1",
        "state": "",
        "live_since": None,
        "broken": None,
        "as_of": "2026-06-01",
        "trained_at": None,
        "map@7": None,
    }
    assert (live["state"], live["as_of"], live["trained_at"], live["map@7"]) == (
        "live",
        "2026-06-03",
        "2026-07-01T03:00:00+00:00",
        0.6,
    )


def test_a_broken_model_is_listed_as_such(kept, guanxi):
    break_(kept, "m2")

    done = guanxi(kept.path, "models")

    assert done.returncode == 1
    assert "broken: ranker.npz is not what was written" in done.stdout.splitlines()[1]


def test_without_a_model_it_is_said_how_to_make_one(tmp_path, guanxi):
    assert_said(guanxi(tmp_path, "models"), f"There is no model in {tmp_path / 'models'}; guanxi train makes one.")
    assert_refused(guanxi(tmp_path, "models", "show"), "No model is live in")
    assert_refused(guanxi(tmp_path, "models", "rollback"), "No model was in force before this one; promote one")


def test_the_card_of_the_live_model_is_shown_as_a_person_reads_it(kept, guanxi):
    done = guanxi(kept.path, "models", "show")

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].startswith("Model m3, live since 20")
    for line in [
        "  trained      2026-07-01 03:00:00 UTC, as of 2026-06-03, in 3.2 s",
        "  data         3,000 customers, 7,000 holdings of 2 products, opened from 2020-01-01 to 2026-06-30",
        "  looks ahead  1 months, learnt at 24 moments of the past",
        "  with         als 1, popularity 2",
        "  without      gender",
        "  measured on  1,234 customers who opened something from 2026-05-30 to 2026-06-30",
        "    map@7                              0.6000",
        "    map@7 of popularity                0.4000",
        "  ablation     on 1,000 of them map@7, 0.5900, falls by",
        "    contacts exchanged                 0.0500",
        "    score:als exchanged                -0.0010",
        "    without boosting                   0.0200",
        "  stack        popularity 0.1, boosting 0.9",
        "    logit                               70.0%",
    ]:
        assert line in lines


def test_a_card_for_machines_is_json(kept, guanxi):
    told = json.loads(guanxi(kept.path, "models", "show", "m2", "--json").stdout)

    assert (told["model_id"], told["as_of"], told["live"], told["broken"]) == ("m2", "2026-06-02", False, None)
    assert told["metrics"]["map@7"] == 0.6
    assert told["protected"] == ["gender"]
    assert told["ablation"] == CARD["ablation"]


def test_a_broken_models_card_is_shown_with_what_is_wrong(kept, guanxi):
    break_(kept, "m3")

    done = guanxi(kept.path, "models", "show")

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "broken: ranker.npz is not what was written; run guanxi train"


def test_one_command_promotes_and_one_rolls_back(kept, guanxi):
    promoted = guanxi(kept.path, "models", "promote", "m1")

    assert_said(
        promoted,
        "Live: m1, as of 2026-06-01; before it m3. Servers take it up within seconds.",
        "To go back: guanxi models rollback",
    )
    assert current_id(kept.models) == "m1"
    assert_said(
        guanxi(kept.path, "models", "rollback"),
        "Live: m3, as of 2026-06-03; before it m1. Servers take it up within seconds.",
    )
    assert current_id(kept.models) == "m3"


def test_what_is_live_already_stays_so(kept, guanxi):
    assert_said(guanxi(kept.path, "models", "promote", "m3"), "m3 is live already.")


USE = "guanxi models promote takes the ID of a model, show may take one, list and rollback none."


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["promote", "m9"], "There is no model 'm9'; guanxi models lists those there are."),
        (
            ["promote", "m2"],
            "The model m2 is broken (ranker.npz is not what was written); promote another, or train anew.",
        ),
        (["rollback"], "The model m2 is broken (ranker.npz is not what was written); promote another, or train anew."),
        (["show", "../m1"], "There is no model '../m1'; guanxi models lists those there are."),
        (["promote"], USE),
        (["rollback", "m1"], USE),
        (["list", "m1"], USE),
        (["dance"], "'dance' is not one of 'list', 'show', 'promote', 'rollback'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(kept, guanxi, arguments, line):
    break_(kept, "m2")

    assert_refused(guanxi(kept.path, "models", *arguments), line)
    assert current_id(kept.models) == "m3"
