"""What the command line tells of a plugin that fails in learning, after the training as well."""

import json
from types import SimpleNamespace

import pytest

from guanxi.bank import Bank
from guanxi.testing.drawn import sample_bank
from plugins.failures.reports import files, read
from plugins.recommending import OTHER_TEXT
from tests.plugins.sources import LEARNER

pytestmark = pytest.mark.embedded

FITS = {"listing": "return [1, 2]", "raising": "raise ValueError('not today, C1')"}
WHY = {"listing": "NotLearnt: fit gave list, not arrays by name", "raising": "ValueError in raising.py:9"}


@pytest.fixture(scope="module")
def trained(guanxi, tmp_path_factory):
    """Return what ``guanxi train`` said beside two plugins that cannot learn; its home, its plugins, and a function."""
    folder = tmp_path_factory.mktemp("unlearnt")
    for name, fit in FITS.items():
        (folder / f"{name}.py").write_text(LEARNER.format(name=name, fit=fit))
    with sample_bank(60) as bank:

        def run(*arguments, **settings):
            return guanxi(bank.settings.home, *arguments, GUANXI_PLUGINS=str(folder), **settings)

        yield SimpleNamespace(folder=folder, run=run, done=run("train", "--as-of", bank.today), today=bank.today)


def test_the_last_lines_of_train_say_why_and_what_shows_it(trained):
    lines = [line for line in trained.done.stdout.splitlines() if line.startswith("Learnt nothing: ")]

    assert (trained.done.returncode, "In force: " in trained.done.stdout) == (0, True)
    assert lines == [
        f"Learnt nothing: {name} of plugin {name}: {why}. It has no say until it is mended; guanxi plugins check PATH "
        "--own-bank has it learn anew, and shows the whole error."
        for name, why in WHY.items()
    ]


def test_a_notebook_s_training_tells_the_owner_too(tmp_path):
    (tmp_path / "mine.py").write_text(LEARNER.format(name="mine", fit="raise ValueError('not today')"))
    with sample_bank(60) as sample, Bank(sample.settings, today=sample.today) as bank:
        bank.add(tmp_path / "mine.py")
        model = bank.train()
        told = [read(path).place for path in files(bank.settings.failures_dir)]

    assert model.training["learnt_nothing"] == {"mine": {"version": "1", "why": "ValueError in mine.py:9"}}
    assert told == ["ValueError in mine.py:9"]


def test_strictly_it_is_a_failure_and_the_model_is_in_force_all_the_same(trained):
    done = trained.run("train", "--as-of", trained.today, "--strict")

    assert (done.returncode, "In force: " in done.stdout) == (1, True)
    assert done.stdout.count("Learnt nothing: ") == 2


def test_it_is_listed_as_failing_with_why_and_where_more_is_told(trained):
    listed = {one["name"]: one for one in json.loads(trained.run("plugins", "--json").stdout)}

    assert {name: (listed[name]["state"], listed[name]["untrained"]) for name in WHY} == {
        name: (
            "failing",
            [f"{name} is not trained: it failed at learning ({why}); see guanxi plugins failures {name}, and once it is "
             "mended, run guanxi train"],
        )
        for name, why in WHY.items()
    }  # fmt: skip
    assert trained.run("plugins").returncode == 0


def test_what_failed_at_learning_is_not_asked_again_and_what_does_so_is_said(trained):
    [one] = json.loads(trained.run("plugins", "failures", "raising", "--json").stdout)
    done = trained.run("plugins", "reproduce", one["file"], trained.folder / "raising.py")

    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            "'raising' failed at learning, and the model in force has nothing that it learnt; guanxi plugins check PATH "
            "--own-bank has it learn anew, and shows the error."
        ],
    )


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("thread", "ValueError: not today, C1 at {path}, line 9: raise ValueError"),
        ("process", "ValueError: not today, C1 in raising.py:9\n"),
    ],
)
def test_a_check_on_the_own_bank_shows_the_whole_error(trained, mode, shown):
    path = trained.folder / "raising.py"
    done = trained.run("plugins", "check", path, "--own-bank", GUANXI_PLUGIN_ISOLATION=mode)

    assert done.returncode == 1
    assert f"FAIL raising learns: {shown.format(path=path)}" in done.stdout, done.stdout


def test_one_that_was_altered_without_a_new_version_is_listed_until_it_learns_again(guanxi, tmp_path):
    (tmp_path / "mine.py").write_text(LEARNER.format(name="mine", fit="return {'a': np.zeros(1)}"))
    (tmp_path / "same.py").write_text(LEARNER.format(name="same", fit="return {'a': np.zeros(1)}"))
    with sample_bank(60) as bank:

        def run(*arguments):
            return guanxi(bank.settings.home, *arguments, GUANXI_PLUGINS=str(tmp_path))

        def outdated():
            return [
                one["outdated"]
                for one in json.loads(run("plugins", "--json").stdout)
                if one["recommenders"] in (["mine"], ["same"])
            ]

        run("train", "--as-of", bank.today)
        assert outdated() == [[], []]

        (tmp_path / "mine.py").write_text(LEARNER.format(name="mine", fit="return {'a': np.ones(1)}"))
        assert outdated() == [[f"mine is {OTHER_TEXT}"], []]
        assert f"  mine is {OTHER_TEXT}\n" in run("plugins").stdout

        run("train", "--as-of", bank.today)
        assert outdated() == [[], []]
