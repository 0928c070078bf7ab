"""The engine in service: rebuilt when catalogue, model or plugins' settings change, without dropping a request."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from api.gathering import Gathering
from graph import plugin_settings, plugin_stages, products
from graph.errors import ModelError, StoreUnavailable
from graph.migrations import migrate
from graph.plugin_claims import Claim
from graph.records import Customer
from graph.store import Store
from graph.words import PluginStage
from plugins.claims import claims, remember
from plugins.deciding import build_engine
from plugins.host import PluginHost
from plugins.life.reloading import Reloading
from plugins.life.shadows import Shadows
from plugins.life.stages import Lives
from plugins.life_events import Happening, happenings
from recommenders.artefact import Model, current_id, load_current
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import FALLBACK, Answer, Arrays, Context, Decision
from recommenders.engine import Engine
from recommenders.history import Life, lives
from recommenders.insight import Insight
from recommenders.prospects import Page, look
from recommenders.purposes import DEFAULT_LIMITS, PurposeLimits
from recommenders.telling import insights, told
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi.api")

REFRESH_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 2.0
"""So long a refresh waits for plugins that are imported, and then goes on without them."""
PATIENCE_SECONDS: Final = 30.0
"""A store that took a question and says nothing for so long is asked anew, on another connection."""


class LiveEngine:
    """Decides in a thread of its own, so that a slow plugin does not stop the server from answering others."""

    def __init__(
        self,
        store: Store,
        host: PluginHost,
        models: Path,
        purposes: PurposeLimits = DEFAULT_LIMITS,
        new_plugins: PluginStage = PluginStage.LIVE,
    ) -> None:
        self.host = host
        self.stages = Lives(new=new_plugins)
        self.shadows = Shadows()
        self._reloading = Reloading(host)
        self.on_change: Callable[[], None] = lambda: None
        self.on_plugins: Callable[[PluginHost], None] = lambda _: None
        self._store = store
        self._purposes = purposes
        self.models = models
        self._engine: Engine | None = None
        self._model: Model | None = None
        self._seen: str | None = None
        self._migrated = self._stale = False
        self._claimed = set[Claim]()
        self._thread = ThreadPoolExecutor(1, "decisions")
        self._gathering = Gathering(self._thread)
        self._refreshing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[PluginHost | None] | None = None

    @property
    def model_id(self) -> str:
        """The id of the model in service; ``fallback`` while there is none."""
        return self._model.model_id if self._model else FALLBACK

    def aggregate(self, name: str) -> Arrays:
        """Return what the model in service learnt of the whole bank under a name; nothing where it did not."""
        return self._model.aggregates.get(name, {}) if self._model else {}

    @property
    def holders(self) -> dict[str, int]:
        """How many customers held each product when the model in service was trained; for no viewer as such."""
        counts = self.aggregate("similar").get("holders", np.zeros(0))
        return dict(zip(self.product_codes, counts.tolist(), strict=False))

    @property
    def product_codes(self) -> tuple[str, ...]:
        """The products the model in service knows, in the order of its columns."""
        return self._model.product_codes if self._model else ()

    @property
    def model(self) -> Model | None:
        """The model in service; None while there is none."""
        return self._model

    async def lives(self) -> list[Life]:
        """Return what was ever put in force, oldest first."""
        return await asyncio.to_thread(lives, self.models)

    async def engine(self) -> Engine:
        """Return the engine in service, built at the first call; raises as reading the catalogue does."""
        if self._engine is None:
            await self.refresh()
        if self._engine is None:
            raise ModelError("there is no engine")
        return self._engine

    async def answer(self, customers: Sequence[Customer], context: Context) -> list[Answer]:
        """Return each customer's offers and bundles."""
        return await self._gathering.answer(await self.engine(), customers, context)

    async def decide(self, customer: Customer, product_code: str, context: Context) -> Decision:
        """Say why one product is, or is not, offered; raises NotFound for an unknown product."""
        engine = await self.engine()
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, engine.decide, customer, product_code, context
        )

    async def look(self, customers: Sequence[Customer], context: Context) -> Page:
        """Say how likely customers are to take each product, and which gate refuses it."""
        engine = await self.engine()
        return await asyncio.get_running_loop().run_in_executor(self._thread, look, engine, customers, context)

    async def insights(self, customers: Sequence[Customer], today: date) -> list[Insight]:
        """Return what the bank's staff is told of customers beside offers."""
        engine, loop = await self.engine(), asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, insights, self._model, engine.catalogue, customers, today)

    async def told(self, customers: Sequence[Customer], today: date) -> Sequence[CustomerView]:
        """Return customers as plugins see them, with what the model says of them when it is asked for."""
        engine = await self.engine()
        return told(engine.tell, engine.catalogue, customers, Context(today, None))

    async def life_events(self, customer: Customer, today: date, days: int) -> list[Happening]:
        """Return what happens in a customer's life within some days before and after today, the first first."""
        engine, span = await self.engine(), timedelta(days=days)
        [seen] = Batch.of([customer], engine.catalogue, Context(today), tell=engine.tell).told
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, happenings, self.host, self.stages, seen, today - span, today + span
        )

    async def refresh(self) -> None:
        """Rebuild where something changed; a broken model leaves the last good one in service.

        Who asks while it runs waits for the same, and fails with it: a store that is down is not asked in a queue.
        """
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                catalogue = await self._catalogue()
                stored = await plugin_settings.every(self._store)
                stages = Lives.of(await plugin_stages.history(self._store), self.stages.new)
        except TimeoutError as error:
            raise StoreUnavailable(f"The store said nothing for {PATIENCE_SECONDS:g} seconds.") from error
        seen = await asyncio.to_thread(current_id, self.models)
        self._stale = await asyncio.to_thread(self.host.take_settings, stored) or self._stale
        host = await self._reloaded()
        same = self._engine is not None and host is None and catalogue.products == self._engine.catalogue.products
        if same and not self._stale and seen == self._seen and stages == self.stages:
            return
        first = self._engine is None
        model = await self._load() if first or seen != self._seen else self._model
        await asyncio.to_thread(self._put_in_service, catalogue, model, stages, host or self.host)
        self._seen, self._stale = seen, False
        if not first:
            logger.info("the engine was rebuilt: %d products, model %s", len(catalogue), self.model_id)
            self.on_change()

    async def _reloaded(self) -> PluginHost | None:
        """Return a host with plugins that have changed, once they are loaded; an import that takes long goes on."""
        if self._looking is None:
            self._looking = asyncio.create_task(asyncio.to_thread(self._reloading.look, self.host))
        done, _ = await asyncio.wait({self._looking}, timeout=LOOK_SECONDS)
        if not done:
            return None
        looked, self._looking = self._looking, None
        return looked.result()

    async def _catalogue(self) -> Catalogue:
        if not self._migrated:
            await migrate(self._store)
            self._migrated = True
        if (claimed := claims(self.host)) != self._claimed:
            await remember(self._store, self.host)
            self._claimed = claimed
        return Catalogue(await products.catalogue(self._store), self._purposes)

    def _put_in_service(self, catalogue: Catalogue, model: Model | None, stages: Lives, host: PluginHost) -> None:
        engine, model, host = self._built(catalogue, model, stages, host)
        self._engine, self._model, self.stages, self.host = engine, model, stages, host
        self.on_plugins(host)

    def _built(
        self, catalogue: Catalogue, model: Model | None, stages: Lives, host: PluginHost
    ) -> tuple[Engine, Model | None, PluginHost]:
        """Return an engine and what it is of; where it cannot be, plugins in service stay, and then the model does."""
        try:
            return build_engine(catalogue, host, model, stages, self.shadows), model, host
        except Exception as error:  # a plugin may choke in any way on what it learnt
            if host is self.host and model is self._model:
                raise
            stays = "model in service stays" if host is self.host else "plugins in service stay"
            logger.warning("the %s: %s: %s", stays, type(error).__name__, error)
        return self._built(catalogue, self._model if host is self.host else model, stages, self.host)

    async def keep_fresh(self) -> None:
        """Refresh for ever; while the store is down, what is in service stays."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
                logger.warning("the engine was not refreshed: %s", error)

    async def _load(self) -> Model | None:
        try:
            return await asyncio.to_thread(load_current, self.models, confined=self._purposes.kinds)
        except ModelError as error:
            logger.warning("the model in service stays: %s", error)
            return self._model

    def close(self) -> None:
        """Let the thread go, what still waits for the store, and plugins' processes."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        if self._looking is not None:
            self._looking.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
        self.host.close()
        self.shadows.close()
