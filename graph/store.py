"""One code path to the store: the official async driver over Bolt, whatever stands behind it.

Every read is a read transaction and every write a write transaction, so a cluster's followers serve
reads, transient conflicts are retried, and a write is whole or absent (auto-commit is not, on every store).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

from neo4j import AsyncGraphDatabase, AsyncManagedTransaction, AsyncResult, Record, RoutingControl
from neo4j.exceptions import AuthError, ClientError, ConfigurationError, DriverError, ServiceUnavailable, TransientError
from neo4j.time import Date, DateTime

from graph.errors import SettingsError, StoreRefused, StoreUnavailable

Row: TypeAlias = dict[str, Any]
Statement: TypeAlias = tuple[str, Mapping[str, object]]
Watch: TypeAlias = Callable[[str, str], AbstractContextManager[None]]
"""Goes around a query, given ``read`` or ``write`` and its Cypher, never its parameters."""
Run: TypeAlias = Callable[[str, dict[str, object]], Awaitable[list[Row]]]
"""Runs one query of a transaction with its parameters."""
Result = TypeVar("Result")

MOST_CONNECTIONS: Final = 100
DELETED_MEANWHILE: Final = "Neo.ClientError.Statement.EntityNotFound"
"""Another transaction changed or deleted what this one had found; begun anew, it finds what there is."""
PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""Types of nearly all values: they are Python's own already."""
RETRY_SECONDS: Final = 0.05
"""How long the first retry waits, each later one twice as long: of writers in conflict one is soon done. The driver's
own is 1 second."""


class Store:
    """A pool of Bolt connections to one database.

    ``retry_seconds`` is how long what could not be done, because the store was down or busy, is begun anew.

    Attributes:
        watch: goes around every read and write of one query.
    """

    def __init__(self, uri: str, username: str, password: str, database: str, retry_seconds: float = 2.0) -> None:
        self.uri = uri
        self.database = database
        self._retry_seconds = retry_seconds
        self.watch: Watch = lambda *_: nullcontext()
        try:
            self._driver = AsyncGraphDatabase.driver(
                uri,
                auth=(username, password),
                connection_timeout=5,
                max_connection_pool_size=MOST_CONNECTIONS,
                max_transaction_retry_time=retry_seconds,
                initial_retry_delay=RETRY_SECONDS,
                # Most columns of a bank's files are optional: a property that no node has yet is nothing to log.
                notifications_disabled_classifications=["UNRECOGNIZED"],
            )
        except (ConfigurationError, ValueError) as error:
            raise SettingsError(f"NEO4J_URI {uri!r} is no address of a store: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back."""
        await self._driver.close()

    async def ping(self, seconds: float) -> None:
        """Return as soon as the store answers.

        Raises:
            StoreUnavailable: it cannot be reached, or has not answered in time.
            StoreRefused: wrong credentials or database.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.read("RETURN 1 AS one")
        except TimeoutError as error:
            raise StoreUnavailable(f"The store at {self.uri} has not answered in {seconds:g} seconds.") from error

    async def read(self, cypher: str, **parameters: object) -> list[Row]:
        """Run one query in a read transaction and return its rows, temporal values as Python's own.

        Raises:
            StoreUnavailable: the store cannot be reached; the same call may succeed later.
            StoreRefused: wrong credentials or database.
        """
        with self.watch("read", cypher):
            return await self._run(cypher, parameters, RoutingControl.READ)

    async def write(self, cypher: str, **parameters: object) -> list[Row]:
        """Run one query in a write transaction of its own, whole or absent; raises as ``read`` does."""
        with self.watch("write", cypher):
            return await self._run(cypher, parameters, RoutingControl.WRITE)

    async def _run(self, cypher: str, parameters: Mapping[str, object], routing: RoutingControl) -> list[Row]:
        """Run one query in a transaction that begins with it, so that its beginning takes no round trip of its own."""
        given_up_at = time.monotonic() + self._retry_seconds
        with _translated(self.uri):
            while True:
                try:
                    return await self._driver.execute_query(
                        cypher,
                        dict(parameters),
                        routing_=routing,
                        database_=self.database,
                        bookmark_manager_=None,
                        result_transformer_=_rows,
                    )
                except ClientError as error:
                    if error.code != DELETED_MEANWHILE or time.monotonic() > given_up_at:
                        raise
                await asyncio.sleep(RETRY_SECONDS)

    async def write_all(self, statements: Sequence[Statement]) -> None:
        """Run several statements in one write transaction, all or none; raises as ``read`` does."""
        with _translated(self.uri):
            async with self._driver.session(database=self.database) as session:
                await session.execute_write(_run_all, statements)

    async def transact(self, work: Callable[[Run], Awaitable[Result]]) -> Result:
        """Do work in one write transaction, in which a query may depend on what an earlier one told.

        The work is done anew where the transaction lost to another, or where nobody knows whether it was committed.
        Raises as ``read`` does.
        """

        async def whole(transaction: AsyncManagedTransaction) -> Result:

            async def run(cypher: str, parameters: dict[str, object]) -> list[Row]:
                with self.watch("write", cypher):
                    return await _ask(transaction, cypher, parameters)

            return await work(run)

        with _translated(self.uri):
            async with self._driver.session(database=self.database) as session:
                return await session.execute_write(whole)

    async def stream(self, cypher: str, **parameters: object) -> AsyncIterator[Row]:
        """Yield the rows of one read as the store sends them, without holding them all; not retried."""
        with _translated(self.uri):
            async with (
                self._driver.session(database=self.database, default_access_mode="READ") as session,
                await session.begin_transaction() as transaction,
            ):
                async for record in await transaction.run(cypher, parameters):
                    yield _row(record)


async def _run_all(transaction: AsyncManagedTransaction, statements: Sequence[Statement]) -> None:
    for cypher, parameters in statements:
        await _ask(transaction, cypher, dict(parameters))


async def _ask(transaction: AsyncManagedTransaction, cypher: str, parameters: dict[str, object]) -> list[Row]:
    try:
        return await _rows(await transaction.run(cypher, parameters))
    except ClientError as error:
        if error.code == DELETED_MEANWHILE:
            raise TransientError(str(error)) from error  # which the driver begins anew for
        raise


async def _rows(result: AsyncResult) -> list[Row]:
    return [_row(record) async for record in result]


def _row(record: Record) -> Row:
    return {name: native(value) for name, value in zip(record.keys(), record.values(), strict=True)}


def native(value: object) -> object:
    """Turn the driver's temporal values into Python's own, however deep they lie."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Date):
        return value.to_native()
    if isinstance(value, DateTime):
        moment = value.to_native()
        # In UTC whatever zone it was written in, so that its day compares with today. ArcadeDB keeps no zone, and UTC.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, dict):
        return {key: native(item) for key, item in value.items()}
    if isinstance(value, list):
        return [native(item) for item in value]
    return value


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    """Raise the driver's errors as guanxi's own; a query the store calls wrong is a bug and passes through."""
    try:
        yield
    except AuthError as error:
        raise StoreRefused(
            f"The store at {uri} refused the credentials; check NEO4J_USERNAME and NEO4J_PASSWORD."
        ) from error
    except ClientError as error:
        if error.code and "Database" in error.code:
            raise StoreRefused(
                f"The store at {uri} has no such database; check NEO4J_DATABASE. ({error.message})"
            ) from error
        raise
    except (ServiceUnavailable, TransientError, DriverError, OSError) as error:
        why = str(error).partition("\n")[0]
        raise StoreUnavailable(f"The store at {uri} cannot be reached; is it running? ({why})") from error
