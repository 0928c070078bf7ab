"""Moves what is asked for each customer from this process to the plugin's own."""

from collections.abc import Mapping
from dataclasses import replace

from plugins.isolation import breakdowns
from plugins.isolation.events import in_process, in_thread
from plugins.isolation.learning import ThreadLearner
from plugins.isolation.modes import Isolation
from plugins.isolation.remote import RemoteGate, RemoteLearner, RemoteRecommender, remote_resolve
from plugins.isolation.workers import Given, Worker
from plugins.registration import Registered
from recommenders.contract import Recommender, Trainable, learns_from_customers


def moved(own: Registered, worker: Worker | None, isolation: Isolation) -> Registered:
    """Return what a plugin registered, with what is asked for each customer moved to its process, if it has one.

    What recommenders, gates and fields of one that has none answer is kept apart by what asks them; breakdowns are in
    any case.
    """
    counting = {"breakdowns": [breakdowns.in_thread(breakdown) for breakdown in own.of("breakdowns")]}
    if worker is None:
        events = [in_thread(event) for event in own.of("events")]
        learning = [_in_thread(recommender, isolation) for recommender in own.of("recommenders")]
        return replace(own, items={**own.items, **counting, "events": events, "recommenders": learning})
    given = {"settings": (own.held.values.model_dump(),)} if own.held else {}
    gates = [RemoteGate(gate.gate, gate.code, worker, place, given) for place, gate in enumerate(own.of("gates"))]
    facts = {one.type.__qualname__: one.type for one in own.of("facts")}
    recommenders = [_remote(recommender, worker, isolation, given, facts) for recommender in own.of("recommenders")]
    fields = [
        replace(field, resolve=remote_resolve(field, place, worker, given))
        for place, field in enumerate(own.of("fields"))
    ]
    events = [in_process(event, place, worker, given) for place, event in enumerate(own.of("events"))]
    items = {"events": events, "fields": fields, "gates": gates, "recommenders": recommenders}
    return replace(own, items={**own.items, **counting, **items})


def _in_thread(recommender: Recommender, isolation: Isolation) -> Recommender:
    return ThreadLearner(recommender, isolation) if isinstance(recommender, Trainable) else recommender


def _remote(
    recommender: Recommender, worker: Worker, isolation: Isolation, given: Given, facts: Mapping[str, type]
) -> RemoteRecommender:
    name, version = recommender.name, recommender.version
    if isinstance(recommender, Trainable):
        asks = learns_from_customers(recommender)
        return RemoteLearner(
            name, version, worker, given, facts, local=recommender, isolation=isolation, learns_from_customers=asks
        )
    return RemoteRecommender(name, version, worker, given, facts)
