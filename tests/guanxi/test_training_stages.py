"""Training beside plugins that are not live: they learn, and the ranker does as if they were not there."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graph.words import PluginStage
from guanxi.bank import Bank
from guanxi.testing.drawn import sample_bank
from plugins.life.stages import LIVE, Life, is_in_share
from plugins.life.staging import Order, put, standing
from recommenders.artefact import read

pytestmark = pytest.mark.embedded

PLUGIN = """
from guanxi import Proposal, recommender

@recommender("pushy")
def propose(customer):
    for code in ("FUND-BALANCED", "CREDIT-CARD", "AUTOPAY"):
        yield Proposal(code, score=(customer.age or 0) % 10 / 10)
"""


@pytest.fixture(scope="module")
def sample():
    with sample_bank(150) as bank:
        yield bank


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of plugins with one in it."""
    path = tmp_path_factory.mktemp("plugins")
    (path / "pushy.py").write_text(PLUGIN)
    return path


@pytest.fixture(scope="module")
def trained(sample, folder):
    """Return a function: the model that a bank learns with a plugin on a stage, None being without it; and its offers."""
    numbers = sample.table("customers")["customer_no"].sort().to_list()

    def learn(life):
        settings = sample.settings.model_copy(update={"plugins": [folder] if life else []})
        with Bank(settings, today=sample.today) as own:
            if life is not None:
                there = own.run(standing, own.store, own.host.plugins, "pushy", PluginStage.LIVE)
                order = Order("a test", "somebody", datetime.now(UTC))
                own.run(lambda: put(own.store, there, life, order, force=True))
            model = own.train()
            return model, {answer.customer_no: unnamed(answer) for answer in own.answers(numbers, top=20)}

    return learn


def unnamed(answer):
    """All of an answer, but what tells models and arms apart; numbers to the bit."""
    return re.sub(r"(model|arm)='[^']*'", "", repr(answer))


@pytest.fixture(scope="module")
def without(trained):
    return trained(None)


def test_commands_that_learn_go_by_the_stages(sample, folder, guanxi):
    home, settings = sample.settings.home, {"GUANXI_PLUGINS": str(folder), "GUANXI_NEW_PLUGINS": "shadow"}
    evaluated = guanxi(home, "evaluate", "--json", "--as-of", sample.today, **settings)
    learnt = guanxi(home, "train", "--as-of", sample.today, **settings)
    model = read(sample.settings.models_dir, Path(learnt.stdout.split()[-1]).name)

    assert "pushy" not in json.loads(evaluated.stdout)["systems"]
    assert model.calibration.is_learnt("pushy")
    assert "pushy" not in model.ranker.schema.recommenders


def test_what_is_learnt_beside_a_plugin_in_shadow_gives_the_same_offers_to_the_bit(trained, without):
    model, offers = trained(Life(PluginStage.SHADOW))

    assert offers == without[1]
    assert model.ranker.schema == without[0].ranker.schema
    assert model.calibration.is_learnt("pushy")


def test_a_shares_holdout_is_decided_by_a_ranker_that_knows_nothing_of_it(trained, without):
    model, offers = trained(Life(PluginStage.SHARE, 50))
    same = {number: own == without[1][number] for number, own in offers.items()}

    assert model.calibration.is_learnt("pushy")
    assert all(same[number] for number in same if not is_in_share("pushy", number, 50))
    assert not all(same.values())


def test_of_one_that_is_live_the_ranker_learns(trained, without):
    model, offers = trained(LIVE)

    assert "pushy" in model.ranker.schema.recommenders
    assert offers != without[1]
