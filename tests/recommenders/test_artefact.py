import json
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from graph.errors import ModelError
from recommenders.artefact import KEPT, Model, current_id, load_current, save
from recommenders.calibration import Calibration, Curve
from recommenders.history import lives
from recommenders.popularity import Popularity
from recommenders.rules import LifecycleRules

SAVE_ANOTHER = """
import os, resource, signal, sys
from datetime import date
from pathlib import Path
import numpy as np
from recommenders.artefact import Model, save

models, trouble, amount = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
model = Model(("A",), date(2026, 6, 30), {"als": {"factors": np.ones(50_000)}}, model_id="m2")
touched = 0

def die_at(event, arguments):
    global touched
    if event in {"open", "os.mkdir", "os.rename"} and str(arguments[0]).startswith(str(models)):
        touched += 1
        if touched == amount:
            os.kill(os.getpid(), signal.SIGKILL)

if trouble == "disk full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (amount, amount))
else:
    sys.addaudithook(die_at)
try:
    save(models, model)
except Exception as error:
    print(type(error).__name__, error)
    sys.exit(1)
"""


@pytest.fixture
def model():
    """Return a function: a model named by its id, whose arrays are of several types."""

    def make(model_id, seed=1):
        dice = np.random.default_rng(seed)
        return Model(
            product_codes=("A", "卡"),
            as_of=date(2026, 6, 30),
            arrays={
                "als": {"factors": dice.random((2, 5), np.float32)},
                "popularity": {"shares": dice.random((3, 2), np.float32), "keys": np.array(["employer|E1", "项目|X"])},
                "empty": {},
            },
            calibration=Calibration(
                {
                    "als": Curve(np.array([0.5], np.float32), np.array([0.1, 0.3], np.float32)),
                    "my|odd.name": Curve(np.array([], np.float32), np.array([0.2], np.float32)),
                }
            ),
            versions={"als": "1", "popularity": "1"},
            learnt_from={"customers": 3, "first": None, "last": "2026-06-01"},
            model_id=model_id,
        )

    return make


@pytest.fixture
def another_process(tmp_path):
    """Return a function: save another model, m2, in a process that has some trouble."""

    def run(trouble, amount):
        return subprocess.run(
            [sys.executable, "-c", SAVE_ANOTHER, tmp_path, trouble, str(amount)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )

    return run


def assert_same(one, other):
    assert (one.model_id, one.product_codes, one.as_of) == (other.model_id, other.product_codes, other.as_of)
    assert (dict(one.versions), dict(one.learnt_from)) == (dict(other.versions), dict(other.learnt_from))
    assert {name: dict.fromkeys(arrays) for name, arrays in one.arrays.items()} == {
        name: dict.fromkeys(arrays) for name, arrays in other.arrays.items()
    }
    pairs = [(array, other.arrays[name][key]) for name, arrays in one.arrays.items() for key, array in arrays.items()]
    assert set(one.calibration.curves) == set(other.calibration.curves)
    for name, curve in one.calibration.curves.items():
        pairs += [
            (curve.edges, other.calibration.curves[name].edges),
            (curve.rates, other.calibration.curves[name].rates),
        ]
    for left, right in pairs:
        assert (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())


def test_a_model_comes_back_to_the_bit(tmp_path, model):
    saved = model("m1")

    folder = save(tmp_path, saved)

    assert folder == tmp_path / "m1"
    assert current_id(tmp_path) == "m1"
    assert_same(load_current(tmp_path), saved)


@pytest.mark.parametrize("folder", ["", "not/there"])
def test_where_there_was_never_a_model_there_is_none(tmp_path, folder):
    assert load_current(tmp_path / folder) is None
    assert current_id(tmp_path / folder) is None


def test_the_model_saved_last_is_in_force(tmp_path, model):
    save(tmp_path, model("m1"))
    save(tmp_path, model("m2", seed=2))

    assert_same(load_current(tmp_path), model("m2", seed=2))


def test_ids_made_by_time_are_in_the_order_of_time(tmp_path):
    fresh = [Model(("A",), date(2026, 6, 30), {}) for _ in range(3)]

    for made in fresh:
        save(tmp_path, made)

    assert load_current(tmp_path).model_id == fresh[-1].model_id
    assert sorted(made.model_id for made in fresh) == [made.model_id for made in fresh]


def test_only_the_newest_are_kept(tmp_path, model):
    for number in range(1, 8):
        save(tmp_path, model(f"m{number}"))

    assert KEPT == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "current",
        "history.jsonl",
        *(f"m{n}" for n in range(3, 8)),
    ]


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def turn_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap_digests(path):
    manifest = json.loads(path.read_text())
    manifest["sha256"] = list(manifest["sha256"])
    path.write_text(json.dumps(manifest))


DAMAGES = {
    "arrays cut short": ("als.npz", cut),
    "one bit of arrays turned": ("als.npz", turn_a_bit),
    "arrays emptied": ("als.npz", lambda path: path.write_bytes(b"")),
    "arrays removed": ("als.npz", Path.unlink),
    "arrays a folder": ("als.npz", lambda path: (path.unlink(), path.mkdir())),
    "curves removed": ("calibration.npz", Path.unlink),
    "manifest removed": ("manifest.json", Path.unlink),
    "manifest cut short": ("manifest.json", cut),
    "manifest emptied": ("manifest.json", lambda path: path.write_bytes(b"")),
    "manifest not text": ("manifest.json", lambda path: path.write_bytes(b"\xff\xfe{}")),
    "manifest without its parts": ("manifest.json", lambda path: path.write_text("{}")),
    "manifest a list": ("manifest.json", lambda path: path.write_text("[]")),
    "manifest of other types": ("manifest.json", swap_digests),
}


@pytest.mark.parametrize(("file", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_a_broken_model_is_passed_over_for_the_newest_good_one(tmp_path, model, file, damage):
    for number in (1, 2, 3):
        save(tmp_path, model(f"m{number}", seed=number))

    damage(tmp_path / "m3" / file)

    assert_same(load_current(tmp_path), model("m2", seed=2))


@pytest.mark.parametrize("text", [None, "", "m9", "../m1"], ids=["lost", "empty", "of no model", "elsewhere"])
def test_without_a_word_on_which_is_in_force_the_newest_is(tmp_path, model, text):
    save(tmp_path, model("m1"))
    save(tmp_path, model("m2"))

    (tmp_path / "current").unlink()
    if text is not None:
        (tmp_path / "current").write_text(text)

    assert load_current(tmp_path).model_id == "m2"


def test_where_an_older_one_is_named_it_is_in_force(tmp_path, model):
    save(tmp_path, model("m1"))
    save(tmp_path, model("m2"))

    (tmp_path / "current").write_text("m1\n")

    assert load_current(tmp_path).model_id == "m1"


def test_when_all_are_broken_it_is_said_what_to_do(tmp_path, model):
    for name in ("m1", "m2"):
        cut(save(tmp_path, model(name)) / "als.npz")

    with pytest.raises(ModelError, match=r"broken.*run guanxi train"):
        load_current(tmp_path)


def test_what_an_interrupted_save_left_behind_is_not_looked_at(tmp_path, model):
    save(tmp_path, model("m1"))
    shutil.copytree(tmp_path / "m1", tmp_path / ".m2")
    (tmp_path / "current.new").write_text("m2")

    assert load_current(tmp_path).model_id == "m1"
    save(tmp_path, model("m3"))
    assert load_current(tmp_path).model_id == "m3"


@pytest.mark.parametrize("step", range(1, 10))
def test_a_process_killed_at_any_step_of_saving_leaves_the_last_in_force(tmp_path, model, another_process, step):
    save(tmp_path, model("m1"))

    killed = another_process("killed", step)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert {path.name for path in tmp_path.glob("[!.]*/")} <= {"m1", "m2"}
    assert_same(load_current(tmp_path), model("m1"))
    save(tmp_path, model("m3"))
    assert_same(load_current(tmp_path), model("m3"))


@pytest.mark.parametrize("step", [10, 11])
def test_a_process_killed_before_it_has_told_the_history_leaves_the_new_one_in_force(
    tmp_path, model, another_process, step
):
    save(tmp_path, model("m1"))

    killed = another_process("killed", step)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert load_current(tmp_path).model_id == "m2"
    assert [(life.model_id, life.how) for life in lives(tmp_path)] == [("m1", "trained"), ("m2", "by hand")]


def test_a_process_that_is_not_killed_saves_in_eleven_steps(tmp_path, model, another_process):
    save(tmp_path, model("m1"))

    unharmed = another_process("killed", 12)

    assert (unharmed.returncode, unharmed.stderr) == (0, "")
    assert load_current(tmp_path).model_id == "m2"
    assert [(life.model_id, life.how) for life in lives(tmp_path)] == [("m1", "trained"), ("m2", "trained")]


@pytest.mark.parametrize("room", [0, 100, 100_000, 399_900])
def test_on_a_full_disk_the_last_stays_and_nothing_is_left_over(tmp_path, model, another_process, room):
    save(tmp_path, model("m1"))

    failed = another_process("disk full", room)

    assert failed.stdout.startswith("ModelError The model cannot be written"), failed.stderr
    assert "The last one stays." in failed.stdout
    assert_same(load_current(tmp_path), model("m1"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "history.jsonl", "m1"]


def test_a_model_is_not_written_over(tmp_path, model):
    save(tmp_path, model("m1"))

    with pytest.raises(ModelError, match="cannot be written"):
        save(tmp_path, model("m1", seed=2))

    assert_same(load_current(tmp_path), model("m1"))


def test_arrays_are_kept_by_names_that_numpy_takes_for_its_own(tmp_path, model):
    learnt = model("m1")
    learnt.arrays["als"].update(file=np.arange(3), allow_pickle=np.array([True]))

    save(tmp_path, learnt)

    assert_same(load_current(tmp_path), learnt)


def test_a_model_gives_each_recommender_its_own_and_leaves_out_those_that_learnt_nothing(model):
    learnt = model("m1")
    stale = Popularity(version="2")
    unlearnt = Popularity(name="other")
    popularity, rules = Popularity(), LifecycleRules()

    applied = learnt.apply([popularity, unlearnt, stale, rules])

    assert [recommender.name for recommender in applied] == ["popularity", "lifecycle"]
    assert applied[0].shares.tobytes() == learnt.arrays["popularity"]["shares"].tobytes()
    assert applied[1] is rules
