"""The test kit for plugin authors: pytest fixtures, there wherever guanxi is installed.

``draw`` decides for a bank drawn as a few lines of text (``guanxi.testing.drawing`` tells how), ``customer`` gives one
of those customers. ``bank`` is the sample bank of 400 customers, ``engine`` decides over it, and ``plant`` makes a bank
with an effect to be found. All have a store of their own, whatever the environment says.
"""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph import embedded
from guanxi.bank import Bank, take_in
from guanxi.testing import drawn, planting
from guanxi.testing.drawing import Drawing
from guanxi.testing.planting import Effect, PlantedBank
from loaders.sample import UNTIL
from plugins.deciding import build_engine
from plugins.host import PluginHost
from recommenders.engine import Engine
from recommenders.view import CustomerView

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

    def make(text: str, *plugins: object, today: date | str = UNTIL) -> Bank:
        bank, expectations = drawn.drawn_bank(_drawing_home, text, today, plugins)
        opened.append(bank)
        told = drawn.unmet(bank, expectations)
        if told:
            pytest.fail("\n".join(told), pytrace=False)
        return bank

    yield make
    for bank in opened:
        bank.close()


@pytest.fixture
def customer(draw: Draw) -> Callable[..., CustomerView]:
    """Return a function: the first customer of a drawing, as plugins see him.

    Example:
        >>> ann = customer("ann: person income=9000", "ann -EARNS-> 9000 months=36")
    """

    def show(*lines: str, today: date | str = UNTIL) -> CustomerView:
        text = "\n".join(lines)
        bank = draw(text, today=today)
        return bank.customer(Drawing(text, bank.today).first_customer())

    return show


@pytest.fixture(scope="session")
def bank() -> Iterator[Bank]:
    """The sample bank, which all tests share: add no plugins to it."""
    with drawn.sample_bank() as bank:
        yield bank


@pytest.fixture
def engine(bank: Bank) -> Callable[..., Engine]:
    """Return a function: the engine of the sample bank's catalogue with the shipped plugins and those given.

    Raises ``PluginError`` where one of them cannot be loaded.
    """

    def make(*plugins: object) -> Engine:
        host = PluginHost.load()
        for plugin in plugins:
            take_in(host, plugin)
        return build_engine(bank.catalogue, host, None)

    return make


@pytest.fixture
def plant(_drawing_home: Path) -> Iterator[Callable[..., PlantedBank]]:
    """Return a function: a bank in which the customers ``among`` open a product more often than others.

    ``plant(product_code, *plugins, among=…, rate=0.8, otherwise=0.1, customers=400, seed=1)``; whether a recommender
    finds it, its ``auc`` tells.
    """
    opened: list[Bank] = []

    def make(product_code: str, *plugins: object, customers: int = 400, seed: int = 1, **effect: Any) -> PlantedBank:
        planted = planting.planted_bank(_drawing_home, Effect(product_code, **effect), customers, seed)
        opened.append(planted.bank)
        for plugin in plugins:
            planted.bank.add(plugin)
        return planted

    yield make
    for bank in opened:
        bank.close()
