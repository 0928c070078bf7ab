"""Puts an engine together from a catalogue, plugins and a model."""

from plugins.host import PluginHost
from recommenders.artefact import Model
from recommenders.catalogue import Catalogue
from recommenders.contract import FALLBACK
from recommenders.engine import Engine


def build_engine(catalogue: Catalogue, host: PluginHost, model: Model | None) -> Engine:
    """Return the engine of a bank; without a model it answers by rules, programmes and the fallback."""
    rules = host.rules(catalogue)
    return Engine(
        catalogue,
        host.guarded(model),
        host.gates(),
        rules.bundles,
        model.calibration if model else None,
        model.ranker if model else None,
        rules.levers,
        model_id=model.model_id if model else FALLBACK,
    )
