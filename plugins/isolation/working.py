"""What the process of one plugin does: it loads the plugin, and answers what its host asks of it."""

import logging
import pickle
import signal
import socket
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pluggy
import polars as pl
from pydantic import TypeAdapter

from graph.records import Product
from plugins import hookspecs
from plugins.contract import Field
from plugins.failures.telling import as_told
from plugins.fields.carrying import Arguments, packed, unpacked_arguments
from plugins.fields.checks import WHAT, check_value
from plugins.fields.shapes import Maybe, parameters_of, shape_of
from plugins.isolation.events import check_day
from plugins.isolation.fitting import fit
from plugins.isolation.guard import check_candidates, check_reason, check_refusal, check_refused, texts_of
from plugins.isolation.memory import limit_memory
from plugins.isolation.wire import framed, receive
from plugins.loading import Found
from plugins.registration import Registered, registered
from plugins.settings.held import Held
from plugins.settings.models import Model
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, LifeEvent, Reason, Recommender, Trainable, check_trained
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.portfolio import Portfolio

GRACE_SECONDS: Final = 1.0
"""How much longer than its host would wait a call may take here, in case the host is gone."""


class Worker:
    """The plugin of this process, and what its host has given it."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("guanxi")
        self._manager.add_hookspecs(hookspecs)
        self._plugin: object = None
        self._own: Registered | None = None
        self._catalogue = Catalogue(())
        self._learnt: dict[str, Recommender] = {}
        self._arrays: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}

    def do(self, head: dict[str, Any], body: bytes) -> tuple[Any, bytes]:
        """Do what a frame asks for; raises whatever the plugin does."""
        work: Callable[..., tuple[Any, bytes]] = getattr(self, f"on_{head['do']}")
        return work(*pickle.loads(body))  # noqa: S301 - the host's own

    def on_load(self, found: Found) -> tuple[Any, bytes]:
        """Import the plugin, and say what it registers."""
        self._plugin = found.load()
        self._manager.register(self._plugin, name=found.name)
        self._own = registered(self._manager, self._plugin, lambda model: Held(model, model(), {}))
        return None, b""

    def on_settings(self, values: dict[str, Any]) -> tuple[Any, bytes]:
        """Have the plugin register anew, as it is set now; what it learnt stays."""
        self._own = registered(self._manager, self._plugin, partial(_held, values))
        for name, learnt in self._arrays.items():
            self.on_learnt(name, *learnt)
        return None, b""

    def on_catalogue(self, catalogue: Catalogue) -> tuple[Any, bytes]:
        """Take the catalogue that batches are of from now on."""
        self._catalogue = catalogue
        return None, b""

    def on_learnt(self, name: str, arrays: dict[str, Any], codes: tuple[str, ...]) -> tuple[Any, bytes]:
        """Give a recommender what it learnt."""
        recommender = self._recommender(name)
        if not isinstance(recommender, Trainable):
            raise TypeError(f"{name} learns nothing")
        trained = recommender.with_arrays(arrays, codes)
        check_trained(trained)
        self._learnt[name] = trained
        self._arrays[name] = arrays, codes
        return None, b""

    def on_fit(self, name: str, portfolio: "Portfolio", seen: Any) -> tuple[Any, bytes]:
        """Answer what a recommender learns."""
        return fit(cast(Trainable, self._recommender(name)), portfolio, seen)

    def on_propose(self, name: str, customers: tuple[CustomerView, ...], context: Context) -> tuple[Any, bytes]:
        """Answer scores, and the reason of each that is proposed."""
        batch = Batch(customers, self._catalogue, context)
        candidates = self._learnt.get(name, self._recommender(name)).propose(batch)
        check_candidates(candidates, batch)
        scores = candidates.scores
        proposed = np.argwhere(~np.isnan(scores)).tolist()
        reasons = [[row, column, _reason(candidates.reason, row, column)] for row, column in proposed]
        return {"type": str(scores.dtype), "reasons": reasons}, scores.tobytes()

    def on_refuses(self, place: int, customers: tuple[CustomerView, ...], context: Context) -> tuple[Any, bytes]:
        """Answer what a gate refuses."""
        batch = Batch(customers, self._catalogue, context)
        return None, check_refused(self._gate(place).refuses(batch), batch).tobytes()

    def on_explain(self, place: int, customer: CustomerView, product: Product) -> tuple[Any, bytes]:
        """Answer why a gate refuses."""
        refusal = self._gate(place).explain(customer, product)
        check_refusal(refusal)
        unlock = None if refusal.unlock is None else texts_of(refusal.unlock)
        return [refusal.gate, refusal.code, texts_of(refusal.text), refusal.saw, unlock], b""

    def on_field(self, place: int, subject: Any, told: Arguments) -> tuple[Any, bytes]:
        """Answer a field's value."""
        own: Field = self._all("fields")[place]
        shape = Maybe(shape_of(own.type))
        value = own.resolve(subject, **unpacked_arguments(parameters_of(own.resolve), told))
        check_value(shape, value, WHAT)
        return packed(shape, value), b""

    def on_event(self, place: int, customer: CustomerView) -> tuple[Any, bytes]:
        """Answer on which day an event happens."""
        event: LifeEvent = self._all("events")[place]
        day = event.on(customer)
        check_day(event.code, day)
        return None if day is None else day.isoformat(), b""

    def _recommender(self, name: str) -> Recommender:
        found: Recommender = next(own for own in self._all("recommenders") if own.name == name)
        return found

    def _gate(self, place: int) -> Any:
        return self._all("gates")[place]

    def _all(self, hook: str) -> Sequence[Any]:
        return self._own.of(hook) if self._own else ()


def _held(values: dict[str, Any], model: Model) -> Held:
    return Held(model, model.model_validate(values), {})


def _reason(ask: Callable[[int, int], Any], row: int, column: int) -> dict[str, Any] | None:
    """Its path and text, or else what went wrong in asking for it."""
    try:
        reason = ask(row, column)
        check_reason(reason)
        return None if reason is None else _told(reason)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        return {"failed": as_told(error)}


def _told(reason: Reason) -> dict[str, Any]:
    facts = None if reason.facts is None else _facts(reason.facts)
    return {"by": reason.recommender, "path": reason.path, "text": texts_of(reason.text), "facts": facts}


def _facts(facts: object) -> tuple[str, Any]:
    """The name of their type, and what they say."""
    return type(facts).__qualname__, TypeAdapter(type(facts)).dump_python(facts, mode="json")


def serve(descriptor: int, memory_mb: int) -> None:
    """Serve the host at the other end of a socket, until it is gone."""
    host, worker = socket.socket(fileno=descriptor), Worker()
    logging.getLogger("guanxi.plugins").setLevel(logging.CRITICAL)  # what it would tell is told by the host
    pl.thread_pool_size()  # the threads that frames are made by take none of the plugin's memory
    limit_memory(memory_mb)
    with suppress(EOFError, OSError, MemoryError):  # the host is gone, or a frame is too big to be taken in
        while True:
            _answer(host, worker)


def _answer(host: socket.socket, worker: Worker) -> None:
    head, body = receive(host)
    signal.setitimer(signal.ITIMER_REAL, head["seconds"] + GRACE_SECONDS)
    try:
        answer, given = worker.do(head, body)
        frame = framed({"answer": answer}, given)
    except BaseException as error:  # noqa: BLE001 - what would end the process ends the plugin's call only
        traceback.clear_frames(error.__traceback__)  # what it used the memory up with
        frame = framed({"failed": as_told(error)})
    signal.setitimer(signal.ITIMER_REAL, 0)  # what its caller left behind is read by the next, whenever he comes
    host.sendall(frame)
