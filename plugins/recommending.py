"""The recommenders of a host as they answer: guarded, with their health, and with what a model learnt for them."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from plugins.failures.failure import Asked
from plugins.failures.reports import FailureReports
from plugins.failures.telling import own_words, placed, told
from plugins.infos import SHIPPED, Loaded, PluginInfo, RecommenderInfo, Untrained
from plugins.isolation.guard import GuardedRecommender, Health
from recommenders.contract import Recommender, Trainable

if TYPE_CHECKING:
    from recommenders.artefact import Model

logger = logging.getLogger("guanxi.plugins")

LEARNING: Final = "learning"
UNLEARNT: Final = (
    "not trained: it failed at learning ({}); see guanxi plugins failures {}, and once it is mended, run guanxi train"
)
OTHER_TEXT: Final = (
    "trained, and what is in force was learnt by another text of its plugin, of the same version; run guanxi train"
)


class Recommending:
    """Guards what plugins have registered, and keeps its health from engine to engine; ``loaded`` is the host's own."""

    def __init__(self, loaded: Sequence[Loaded], reports: FailureReports) -> None:
        self._loaded = loaded
        self._reports = reports
        self._health: dict[str, Health] = {}
        self._guarded: dict[str, GuardedRecommender] = {}
        self.warned: set[tuple[str, str]] = set()
        """What was logged of how they stand with the model in force, so that each rebuilding does not say it."""

    def begin(self, names: Collection[str]) -> None:
        """Count what becomes of recommenders from now on."""
        self._health |= {name: Health() for name in names}

    def keep(self, names: Collection[str], other: "Recommending") -> None:
        """Count on from another's health of recommenders."""
        self._health |= {name: other._health[name] for name in names}

    def guard(self, recommender: Recommender) -> GuardedRecommender:
        """Return a recommender that cannot bring training down; its health is not counted."""
        return GuardedRecommender(recommender, Health(), trusted=self._is_trusted(recommender.name))

    def learnt_nothing(self, recommender: Recommender, error: BaseException) -> str:
        """Take note that a recommender cannot learn, or cannot answer from what it learnt, and tell its owner.

        Returns:
            What may be told of it to anybody.
        """
        info = next(info for own, info in self._owned() if own.name == recommender.name)
        health = self._health[recommender.name]
        health.last_error, health.last_place = told(error), placed(error)
        is_safe, why = own_words(error) is not None, placed(error)
        said = f"{LEARNING}: {recommender.name} learnt nothing that it can use: {why if is_safe else told(error)}"
        info.note(said, placed(error), is_safe=is_safe)
        logger.warning("%s of plugin %s learnt nothing that it can use: %s", recommender.name, info.name, why)
        self._reports.tell(info, "recommenders", recommender.name, error, Asked.of(is_safe=is_safe))
        return why

    def untrained(self, versions: Mapping[str, str], unlearnt: Mapping[str, Mapping[str, str]]) -> Iterator[Untrained]:
        """Yield what has learnt nothing in a model, by its versions, of plugins that are not shipped.

        ``unlearnt`` says in which version, and why, a training failed to have it learn.
        """
        for recommender, info in self._owned():
            name, version = recommender.name, recommender.version
            is_own = info.source != SHIPPED and isinstance(recommender, Trainable)
            if is_own and versions.get(name) != version:
                known, failed = versions.get(name), unlearnt.get(name, {})
                if failed.get("version") == version:
                    yield Untrained(name, UNLEARNT.format(failed["why"], info.name), info, has_failed=True)
                    continue
                has = "nothing of it" if known is None else f"version {known}, this is {version}"
                yield Untrained(name, f"not trained: the model has {has}; run guanxi train", info, has_failed=False)

    def texts(self) -> dict[str, str]:
        """Return a digest of the text of the plugin of each recommender that learns, by name, but of guanxi's own."""
        return {own.name: info.digest for own, info in self._owned() if info.digest and isinstance(own, Trainable)}

    def outdated(self, versions: Mapping[str, str], texts: Mapping[str, str]) -> Iterator[tuple[str, PluginInfo]]:
        """Yield what answers by what another text of its version learnt, by what a model tells, and whose it is."""
        for own, info in self._owned():
            is_of_other = info.digest is not None and texts.get(own.name, info.digest) != info.digest
            if is_of_other and versions.get(own.name) == own.version:
                yield own.name, info

    def guarded(self, model: "Model | None") -> list[Recommender]:
        """Return what can answer with a model, or without one: each guarded, and with its health kept from before."""
        self._warn_of_untrained(model)
        owners = {recommender.name: info for recommender, info in self._owned()}
        registered = [recommender for recommender, _ in self._owned()]
        applied = (
            model.apply(registered, self.learnt_nothing)
            if model
            else [r for r in registered if not isinstance(r, Trainable)]
        )
        from recommenders.popularity import Popularity  # its libraries take long to import

        named = {recommender.name: recommender for recommender in applied}
        for recommender in registered:
            if isinstance(recommender, Popularity):
                named.setdefault(recommender.name, recommender)
        self._guarded = {
            name: GuardedRecommender(
                recommender,
                self._health[name],
                trusted=owners[name].source == SHIPPED,
                report=self._reports.of(owners[name], "recommenders", name),
            )
            for name, recommender in named.items()
        }
        return list(self._guarded.values())

    def infos(self) -> list[RecommenderInfo]:
        """Return the state of every recommender."""
        return [self._recommender_info(recommender, info) for recommender, info in self._owned()]

    def _recommender_info(self, recommender: Recommender, plugin: PluginInfo) -> RecommenderInfo:
        name = recommender.name
        health, guarded = self._health[name], self._guarded.get(name)
        state = guarded.state if guarded else "untrained" if isinstance(recommender, Trainable) else "ready"
        return RecommenderInfo(
            name,
            recommender.version,
            plugin.name,
            state,
            health.calls,
            health.failures,
            health.mean_ms,
            health.last_error,
            health.last_place,
            is_outdated=guarded is not None and (name, OTHER_TEXT) in self.warned,
        )

    def _warn_of_untrained(self, model: "Model | None") -> None:
        for _, info in self._owned():
            info.mend(LEARNING)
        unlearnt = model.training.get("learnt_nothing", {}) if model else {}
        found = list(self.untrained(model.versions, unlearnt)) if model else []
        for own in found:
            if own.has_failed and own.plugin.state == "loaded":
                own.plugin.fail(f"{LEARNING}: {own.name} is {own.why}", is_safe=True)
        said = [(own.name, own.plugin, own.why) for own in found]
        if model:
            outdated = self.outdated(model.versions, model.training.get("texts", {}))
            said += [(name, plugin, OTHER_TEXT) for name, plugin in outdated]
        for name, plugin, why in said:
            if (name, why) not in self.warned:
                logger.warning("%s of plugin %s is %s", name, plugin.name, why)
        self.warned = {(name, why) for name, _, why in said}

    def _owned(self) -> Iterator[tuple[Recommender, PluginInfo]]:
        """Yield the recommenders, and whose each is."""
        for own in self._loaded:
            for recommender in own.registered.of("recommenders"):
                yield recommender, own.info

    def _is_trusted(self, name: str) -> bool:
        return any(recommender.name == name and info.source == SHIPPED for recommender, info in self._owned())
