"""The test kit for plugin authors: pytest fixtures, there wherever guanxi is installed.

``draw`` decides for a bank drawn as a few lines of text (``guanxi.testing.drawing`` tells how); ``sample_bank`` is the
sample bank of 400 customers. Both have a store of their own, whatever the environment says.
"""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from graph import embedded
from guanxi.bank import Bank
from guanxi.testing import drawn
from loaders.sample import UNTIL

Draw = Callable[..., Bank]


@pytest.fixture(scope="session")
def _drawing_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("drawn")
    with embedded.join(home):  # it starts once, not with every drawing
        yield home


@pytest.fixture
def draw(_drawing_home: Path) -> Iterator[Draw]:
    """Return a function: the bank of a drawing, decided with the shipped plugins and those given.

    ``draw(text, *plugins, today=…)``; a plugin is a function, a module, an object with hooks, or the path of one. The
    test fails where an expectation of the drawing is not met, and hears why; a plugin that fails raises
    ``PluginError``.
    """
    opened: list[Bank] = []

    def make(text: str, *plugins: object, today: date = UNTIL) -> Bank:
        bank, expectations = drawn.drawn_bank(_drawing_home, text, today)
        opened.append(bank)
        for plugin in plugins:
            bank.add(plugin)
        told = drawn.unmet(bank, expectations)
        if told:
            pytest.fail("\n".join(told), pytrace=False)
        return bank

    yield make
    for bank in opened:
        bank.close()


@pytest.fixture(scope="session")
def sample_bank() -> Iterator[Bank]:
    """The sample bank; add no plugins to it, but make a ``PluginHost`` of your own: all tests share it."""
    with drawn.sample_bank() as bank:
        yield bank
