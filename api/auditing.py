"""Stores what an operation did in the audit log before its answer is sent; what cannot be stored is not answered."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionResult, Info

from api.acts import Acts, Written, current
from api.errors import ApiError, Code, extensions
from api.session import Services
from api.trail import Trail
from api.user_errors import UserError
from graph.errors import StoreError

logger = logging.getLogger("guanxi.api")

Root = TypeVar("Root")


class AuditedSchema(strawberry.Schema):
    """Has in the audit log what it executes."""

    async def execute(self, *arguments: Any, **options: Any) -> ExecutionResult:
        """Execute an operation of a request."""
        context, acts = options["context_value"], Acts()
        token = current.set(acts)
        try:
            result = await super().execute(*arguments, **options)
        except BaseException:
            _leave(context, acts)
            raise
        finally:
            current.reset(token)
        return await _settled(context, acts, result)

    async def stream(self, *arguments: Any, **options: Any) -> StreamResult:
        """Execute an operation, and yield its results."""
        return _audited(await super().stream(*arguments, **options), options["context_value"])


async def _audited(results: AsyncGenerator[Any, None], context: Any) -> AsyncGenerator[Any, None]:
    acts = Acts()
    current.set(acts)  # of this task, which ends with the stream
    async with aclosing(results):
        try:
            async for result in results:
                settled = await _settled(context, acts, result)
                yield settled
                if settled is not result:
                    return
                acts.forget()
        finally:
            _leave(context, acts)


async def _settled(context: Any, acts: Acts, result: ExecutionResult) -> ExecutionResult:
    """Return the result once what was done is stored, or an error in its place."""
    if context.bearer is None:
        return result
    codes = {str((error.extensions or {}).get("code")) for error in result.errors or ()}
    services: Services = context.services
    told = acts.told(context.bearer, codes, services.trail.log.key)
    if not told:
        return result
    acts.written.clear()  # told now, whether it is waited for or not
    try:
        await services.trail.record(told)
    except StoreError as error:
        logger.error("nothing is answered that the audit log cannot have: %s", error)  # noqa: TRY400 - it is foreseen
        unrecorded = GraphQLError(
            "The store cannot be reached now; try again.", extensions=extensions(Code.STORE_UNAVAILABLE)
        )
        return ExecutionResult(data=None, errors=[unrecorded], extensions=result.extensions)
    return result


def _leave(context: Any, acts: Acts) -> None:
    """Have it stored that something was written, though nobody waits for the answer any more."""
    if acts.written and context.bearer is not None:
        trail: Trail = context.services.trail
        trail.leave(acts.told(context.bearer, (), trail.log.key))


class Audit(FieldExtension):
    """Tells the operation which mutations were called, and what each came to."""

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info[Any, Any], **given: Any) -> Any:
        """Call the mutation."""
        acts = current.get()
        if acts is None:
            return await next_(source, info, **given)
        written = Written(info.field_name)
        acts.written.append(written)
        try:
            payload = await next_(source, info, **given)
        except ApiError as error:
            written.codes = (error.code.value,)
            raise
        except StoreError:
            written.codes = (Code.STORE_UNAVAILABLE.value,)
            raise
        except Exception:
            written.codes = (Code.INTERNAL.value,)
            raise
        errors: list[UserError] = getattr(payload, "errors", [])
        written.codes = tuple(error.code.value for error in errors)
        return payload


def audited(root: type[Root]) -> type[Root]:
    """Have every mutation of a root audited, those that will be added as well."""
    for field in root.__strawberry_definition__.fields:  # type: ignore[attr-defined]  # strawberry's, on every type
        field.extensions = [*field.extensions, Audit()]
    return root
