"""Puts an engine together from a catalogue, plugins and a model."""

from collections.abc import Sequence

from plugins.host import PluginHost
from recommenders.artefact import Model
from recommenders.catalogue import Catalogue
from recommenders.contract import FALLBACK, Lever
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
        combined(rules.levers),
        model_id=model.model_id if model else FALLBACK,
    )


def combined(levers: Sequence[Lever]) -> dict[str, float]:
    """Return each product's factor, by all levers."""
    factors: dict[str, float] = {}
    for lever in levers:
        for code, factor in lever.factors.items():
            factors[code] = factors.get(code, 1.0) * factor
    return factors
