"""Asks a plugin again on what it failed on."""

from pathlib import Path

import numpy as np

from graph.errors import PluginError
from guanxi.deciding import model_in_force
from guanxi.settings import Settings
from plugins.failures.reports import Failure
from plugins.host import PluginHost
from plugins.isolation.guard import check_candidates, check_reason
from recommenders.contract import Recommender, Trainable


def ask_again(failure: Failure, path: Path, settings: Settings) -> None:
    """Ask what failed, in this thread and for as long as it takes; raises whatever it does.

    Raises:
        PluginError: the plugin cannot be loaded, has no such recommender or gate, or has learnt nothing.
    """
    host, batch = PluginHost(), failure.batch()
    info = host.add_path(path)
    if info.error is not None:
        raise PluginError(f"The plugin at {path} is {info.state}: {info.error}")
    gates = [gate for gate, _ in host.of("gates") if gate.code == failure.item]
    for gate in gates:
        gate.refuses(batch)
    if not gates:
        recommender = _learnt(host, failure.item, settings)
        if not failure.customers:
            return
        candidates = recommender.propose(batch)
        check_candidates(candidates, batch)
        for row, column in np.argwhere(~np.isnan(candidates.scores)).tolist():
            check_reason(candidates.reason(row, column))


def _learnt(host: PluginHost, name: str, settings: Settings) -> Recommender:
    found = next((own for own in host.recommenders() if own.name == name), None)
    if found is None:
        raise PluginError(f"This plugin has no recommender and no gate named {name!r}.")
    if not isinstance(found, Trainable):
        return found
    model = model_in_force(settings)
    learnt = model.apply([found], _raise) if model else []
    if not learnt:
        raise PluginError(f"{name!r} learns, and the model in force has nothing that it learnt; run guanxi train.")
    return learnt[0]


def _raise(_: Recommender, error: BaseException) -> None:
    raise error
