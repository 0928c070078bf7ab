"""Appends to the audit log together what several requests wait for: one transaction has the acts of all of them.

While one append is under way, others gather for the next (group commit, as DeWitt et al. 1984 log transactions); nobody
waits for company.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Final

from api.errors import Code
from api.metrics import AUDIT_ACTS, AUDIT_LEFT_OUT, AUDIT_SECONDS
from api.request_ids import request_id
from graph.audit import AuditLog
from graph.audit_entries import Act, AuditAction, AuditOutcome

logger = logging.getLogger("guanxi.api")

MOST_TOGETHER: Final = 500
"""Acts of one append, but for those of one request, which are never parted."""
MOST_EACH: Final = 60
"""Denied attempts of one actor that are recorded one by one, in a minute; more are counted."""
MOST_STRANGERS: Final = 200
"""Attempts without a valid token that are recorded one by one, in a minute, of all addresses."""
MINUTE: Final = 60.0
STRANGERS: Final = "other addresses"


@dataclass(frozen=True, slots=True)
class _Waiting:
    acts: Sequence[Act]
    stored: asyncio.Future[None]


class Trail:
    """A process's way into the audit log."""

    def __init__(self, log: AuditLog) -> None:
        self.log = log
        self._waiting: list[_Waiting] = []
        self._appending: asyncio.Task[None] | None = None
        self._denied, self._left_out = Counter[str](), Counter[tuple[str, str, AuditAction]]()
        self._strangers = 0

    async def record(self, acts: Sequence[Act]) -> None:
        """Return when acts are stored; of denied attempts, when those are that are recorded one by one.

        Raises:
            StoreError: they may not be.
        """
        kept = self._kept(acts)
        if kept:
            await asyncio.shield(self._enqueued(kept))

    def leave(self, acts: Sequence[Act]) -> None:
        """Have acts stored that nobody waits for."""
        self._enqueue_unheard(self._kept(acts))

    def refuse(self, address: str) -> None:
        """Have it stored that somebody came with a token that is not valid."""
        codes = [Code.UNAUTHENTICATED.value]
        who = f"address {address}"
        self.leave([Act(who, AuditAction.ENTER, "", outcome=AuditOutcome.DENIED, codes=codes, request_id=request_id())])

    async def keep(self) -> None:
        """Tell each minute what was left out in it, until cancelled."""
        while True:
            await asyncio.sleep(MINUTE)
            self.turn()

    def turn(self) -> None:
        """Begin another minute: each actor's attempts that were left out of the last are one act."""
        left = self._left_out
        self._denied, self._left_out, self._strangers = Counter(), Counter(), 0
        self._enqueue_unheard(
            [
                Act(actor, action, "", role=role, outcome=AuditOutcome.DENIED, details={"left_out": count})
                for (actor, role, action), count in left.items()
            ]
        )

    async def close(self) -> None:
        """Store what waits, and what was left out so far."""
        self.turn()
        if self._appending is not None:
            await self._appending

    def _enqueue_unheard(self, acts: Sequence[Act]) -> None:
        if acts:
            self._enqueued(acts).add_done_callback(_tell_failure)

    def _kept(self, acts: Sequence[Act]) -> list[Act]:
        return [act for act in acts if act.outcome is AuditOutcome.ALLOWED or self._has_room(act)]

    def _has_room(self, act: Act) -> bool:
        """Count a denied attempt, and say whether it is to be recorded by itself."""
        stranger = act.action is AuditAction.ENTER
        if self._denied[act.actor] < MOST_EACH and not (stranger and self._strangers >= MOST_STRANGERS):
            self._denied[act.actor] += 1
            self._strangers += stranger
            return True
        AUDIT_LEFT_OUT.inc()
        known = act.actor in self._denied or not stranger
        self._left_out[act.actor if known else STRANGERS, act.role, act.action] += 1
        return False

    def _enqueued(self, acts: Sequence[Act]) -> asyncio.Future[None]:
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(acts, stored))
        if self._appending is None or self._appending.done():
            # In a context of its own, as it is for many requests, and goes on when the first of them is over.
            self._appending = asyncio.create_task(self._append(), context=Context())
        return stored

    async def _append(self) -> None:
        while self._waiting:
            together, size = list[_Waiting](), 0
            while self._waiting and (not together or size + len(self._waiting[0].acts) <= MOST_TOGETHER):
                together.append(self._waiting.pop(0))
                size += len(together[-1].acts)
            await self._store(together)

    async def _store(self, together: Sequence[_Waiting]) -> None:
        acts = [act for waiting in together for act in waiting.acts]
        try:
            with AUDIT_SECONDS.time():
                await self.log.append(acts)
        except Exception as error:  # noqa: BLE001 - it is raised where the request waits
            for waiting in together:
                if not waiting.stored.done():
                    waiting.stored.set_exception(error)
            return
        for act in acts:
            AUDIT_ACTS.labels(act.action.value, act.outcome.value).inc()
        for waiting in together:
            if not waiting.stored.done():
                waiting.stored.set_result(None)


def _tell_failure(stored: asyncio.Future[None]) -> None:
    if not stored.cancelled() and stored.exception() is not None:
        logger.error("the audit log lacks something: %s", stored.exception())
