"""The line that is told of a plugin that takes too long."""

import pytest

from guanxi.findings import where
from guanxi.hanging import stacks
from plugins.isolation.threads import Apart
from plugins.loading import of_path

HANGING = """
import threading

gone = threading.Event()

def alone():
    gone.wait(60)

def helped():
    helper = threading.Thread(target=alone, daemon=True)
    helper.start()
    helper.join(60)
"""


@pytest.fixture
def late():
    """Return a function: the error of a plugin's function that takes too long, by its path and the function's name."""
    ends = []

    def call(path, name):
        path.write_text(HANGING)
        plugin = of_path(path).load()
        ends.append(plugin.gone)
        with pytest.raises(TimeoutError) as raised:
            Apart(name).call(1.0, getattr(plugin, name))
        return raised.value

    yield call
    for gone in ends:
        gone.set()


def test_it_is_of_what_was_asked_and_not_of_a_thread_of_the_plugins_own(late, tmp_path):
    path = tmp_path / "mine.py"
    error = late(path, "helped")

    assert where(error, path) == f"TimeoutError: took longer than 1000 ms at {path}, line 12: helper.join(60)"
    assert [stack[0].name for stack in stacks(path)] == ["helped", "alone"]


@pytest.mark.parametrize("asked", ["link", "folder"])
def test_it_is_found_whatever_name_the_folder_was_loaded_by(late, tmp_path, asked):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    error = late(tmp_path / "link" / "mine.py", "alone")

    assert where(error, tmp_path / asked / "mine.py").endswith(f" at {tmp_path}/link/mine.py, line 7: gone.wait(60)")


def test_what_is_of_no_file_is_not_the_plugins_whatever_folder_is_worked_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZeroDivisionError) as raised:
        exec("1 / 0")

    assert where(raised.value, tmp_path) == "ZeroDivisionError: division by zero"
