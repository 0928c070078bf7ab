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
