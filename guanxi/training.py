"""Learns a model with a host's plugins, and puts it in force or not: for ``guanxi train``, and for a notebook."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from graph.errors import ModelError
from graph.store import Store
from guanxi.deciding import model_in_force
from guanxi.settings import Settings
from plugins.host import PluginHost
from recommenders.artefact import Model, save
from recommenders.catalogue import Catalogue
from recommenders.training import Progress, Trained, train


def live_model(settings: Settings) -> Model | None:
    """The model in service; there is none to compare with where it is broken, or learnt of what is confined now."""
    try:
        return model_in_force(settings)
    except ModelError:
        return None


async def learn(
    settings: Settings,
    store: Store,
    catalogue: Catalogue,
    host: PluginHost,
    unranked: Collection[str],
    today: date,
    live: Model | None,
    progress: Progress = lambda _, __: None,
) -> Trained:
    """Learn from the store as ``recommenders.training.train`` does, and tell owners of what learns nothing."""
    trained = await train(
        store,
        catalogue,
        host.recommenders(),
        today,
        guard=host.recommending.guard,
        failed=host.recommending.learnt_nothing,
        protected=settings.protected,
        unranked=unranked,
        live=live,
        progress=progress,
    )
    training = {**trained.model.training, "texts": host.recommending.texts()}
    return replace(trained, model=replace(trained.model, training=training))


def keep(settings: Settings, model: Model, why_not: str | None) -> str:
    """Keep a model, put it in force unless it is said why not, and return which of these was done.

    Raises:
        ModelError: it cannot be written; what was in force stays.
    """
    path = save(settings.models_dir, model, live=why_not is None)
    if why_not is None:
        return f"In force: {path}"
    return f"Not in force: {why_not} To put it in force: guanxi models promote {model.model_id}"
