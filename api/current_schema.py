"""The schema that operations begin on, and another once plugins add something else to it.

An operation goes on with the one that it began on, as does a subscription; a socket's next one begins on the newest.
"""

import logging
from collections.abc import Callable
from typing import Any

from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionResult

from api.schema import Schema
from plugins.host import PluginHost

logger = logging.getLogger("guanxi.api")


class CurrentSchema:
    """Executes what a schema does."""

    def __init__(self, host: PluginHost, build: Callable[..., Schema]) -> None:
        """Build the first schema; ``build`` is ``build_schema``, with what is to be the same of each."""
        self._build = build
        self._schema = build(host)

    def follow(self, host: PluginHost) -> None:
        """Have operations begin on a schema with what plugins add now; where none can be built, on the last one."""
        try:
            self._schema = self._build(host, before=self._schema)
        except Exception:
            logger.exception("the schema stays as it was")

    async def execute(self, *arguments: Any, **options: Any) -> ExecutionResult:
        """Execute an operation of a request."""
        return await self._schema.execute(*arguments, **options)

    async def stream(self, *arguments: Any, **options: Any) -> StreamResult:
        """Execute an operation, and yield its results."""
        return await self._schema.stream(*arguments, **options)
