"""What is looked at now and then rather than counted as it happens: the model in service, plugins and their health."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, time
from importlib.metadata import version
from typing import Any, Final, get_args

from api import metrics
from api.live_engine import LiveEngine
from graph.store import MOST_CONNECTIONS
from plugins.isolation.guard import State

LOOK_SECONDS: Final = 5.0
RECOMMENDER_STATES: Final = (*get_args(State), "untrained")
PLUGIN_STATES: Final = ("loaded", "failing", "broken")


class Gauges:
    """Looks at one engine, and remembers what it saw: counters take what was added since."""

    def __init__(self, engine: LiveEngine) -> None:
        self._engine = engine
        self._seen: defaultdict[tuple[Any, str], float] = defaultdict(float)
        self._model: str | None = None

    async def keep(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Look once."""
        metrics.WORKERS.labels(version("guanxi")).set(1)
        metrics.STORE_CONNECTIONS.set(MOST_CONNECTIONS)
        self._look_at_model()
        for info in self._engine.host.recommending.infos():
            self._count(metrics.RECOMMENDER_CALLS, info.name, info.calls)
            self._count(metrics.RECOMMENDER_FAILURES, info.name, info.failures)
            self._count(metrics.RECOMMENDER_SECONDS, info.name, info.calls * info.mean_ms / 1000)
            for state in RECOMMENDER_STATES:
                metrics.RECOMMENDER_STATES.labels(info.name, state).set(state == info.state)
        for plugin in self._engine.host.plugins:
            self._count(metrics.PLUGIN_FAILURES, plugin.name, plugin.failures)
            for state in PLUGIN_STATES:
                metrics.PLUGIN_STATES.labels(plugin.name, state).set(state == plugin.state)

    def _look_at_model(self) -> None:
        if self._model is not None:
            metrics.MODEL.labels(self._model).set(0)
        self._model = self._engine.model_id
        metrics.MODEL.labels(self._model).set(1)
        model = self._engine.model
        metrics.MODEL_AS_OF.set(datetime.combine(model.as_of, time(), UTC).timestamp() if model else 0)

    def _count(self, metric: Any, name: str, total: float) -> None:
        grown = total - self._seen[metric, name]
        self._seen[metric, name] = total
        metric.labels(name).inc(max(grown, 0))
