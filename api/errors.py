"""What the API says when it cannot do as asked: every error has a stable code and shows no internals."""

import logging
import re
from enum import StrEnum
from typing import Any, Final

from graphql import FieldNode, GraphQLError
from strawberry.extensions import MaskErrors
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from api.request_ids import request_id
from graph.errors import GuanxiError, ModelError, NotFound, StoreError

logger = logging.getLogger("guanxi.api")

INTERNAL: Final = "Something went wrong on our side."
SUGGESTION: Final = re.compile(r" Did you mean [^?]*\?$")


class Code(StrEnum):
    """``extensions.code`` of an error."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_INPUT = "BAD_INPUT"
    BAD_REQUEST = "BAD_REQUEST"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    TIMEOUT = "TIMEOUT"
    LIMIT_QUERY_BYTES = "LIMIT_QUERY_BYTES"
    LIMIT_VARIABLES_BYTES = "LIMIT_VARIABLES_BYTES"
    LIMIT_LIST_LENGTH = "LIMIT_LIST_LENGTH"
    LIMIT_TOKENS = "LIMIT_TOKENS"
    LIMIT_DEPTH = "LIMIT_DEPTH"
    LIMIT_ROOT_FIELDS = "LIMIT_ROOT_FIELDS"
    LIMIT_ALIASES = "LIMIT_ALIASES"
    LIMIT_REPEATS = "LIMIT_REPEATS"
    LIMIT_DIRECTIVES = "LIMIT_DIRECTIVES"
    LIMIT_COST = "LIMIT_COST"
    LIMIT_SECONDS = "LIMIT_SECONDS"
    LIMIT_CONCURRENT = "LIMIT_CONCURRENT"
    LIMIT_CLIENT_RATE = "LIMIT_CLIENT_RATE"
    LIMIT_TOKEN_RATE = "LIMIT_TOKEN_RATE"  # noqa: S105 - a code
    LIMIT_SOCKETS = "LIMIT_SOCKETS"
    LIMIT_SUBSCRIPTIONS = "LIMIT_SUBSCRIPTIONS"
    LIMIT_WAITING = "LIMIT_WAITING"
    LIMIT_WAITING_SECONDS = "LIMIT_WAITING_SECONDS"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    MODEL_BROKEN = "MODEL_BROKEN"
    INTERNAL = "INTERNAL"


LOGGED: Final = frozenset({Code.STORE_UNAVAILABLE, Code.MODEL_BROKEN, Code.INTERNAL})
"""Errors of which the caller is told less than the log; the request's id finds them there."""


def extensions(code: Code) -> dict[str, Any]:
    """Return the ``extensions`` of an error."""
    return {"code": code.value} | ({"requestId": request_id()} if code in LOGGED else {})


class ApiError(GuanxiError):
    """An error the caller may read as it stands.

    Attributes:
        extensions: what its answer tells beside the message.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.extensions: dict[str, Any] = extensions(code)


class Exceeded(ApiError):
    """A limit of the server was exceeded.

    Attributes:
        retry_after: seconds after which it may be tried again, where waiting helps.
    """

    def __init__(
        self, code: Code, message: str, found: float | None = None, most: float | None = None, retry_after: int = 0
    ) -> None:
        super().__init__(code, message)
        self.extensions = exceeded(code, found, most)
        self.retry_after = retry_after


def exceeded(code: Code, found: float | None, most: float | None) -> dict[str, Any]:
    """Return the extensions of an error about a limit: what was found, and the most that is allowed."""
    told = {"found": found, "most": most}
    return {"code": code.value} | {name: value for name, value in told.items() if value is not None}


class CodedErrors(MaskErrors):
    """Gives every error of an answer its code; what was not foreseen is logged, and shown as ``INTERNAL``.

    Without ``suggestions`` no error tells names of the schema that the caller has not used.
    """

    def __init__(self, *, suggestions: bool = True) -> None:
        super().__init__()
        self._suggestions = suggestions

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """Return the error as the caller may see it."""
        if "code" in (error.extensions or {}):
            return error
        code, message = _told(error)
        if code is Code.BAD_REQUEST and not self._suggestions:
            message = SUGGESTION.sub("", message)
        return GraphQLError(
            message, nodes=error.nodes, source=error.source, positions=error.positions, path=error.path,
            extensions=extensions(code),
        )  # fmt: skip


def _told(error: GraphQLError) -> tuple[Code, str]:
    cause = error.original_error
    match cause:
        case None if error.message.endswith(" aborted."):  # as graphql-core says of all its limits
            return Code.LIMIT_TOKENS if " tokens." in error.message else Code.LIMIT_EXCEEDED, error.message
        case None | CannotGetOperationTypeError() | InvalidOperationTypeError():
            return Code.BAD_REQUEST, error.message
        case GraphQLError():
            return Code.BAD_REQUEST, cause.message
        case ApiError():
            return cause.code, str(cause)
        case ValueError() if error.path is None:
            return Code.BAD_REQUEST, "A value in the document cannot be read."
        case RecursionError():
            return Code.LIMIT_EXCEEDED, "The document is nested too deep."
        case NotFound():
            return Code.NOT_FOUND, str(cause)
        case StoreError():
            logger.error("the store failed: %s", cause)
            return Code.STORE_UNAVAILABLE, "The store cannot be reached now; try again."
        case ModelError():
            logger.error("%s", cause)
            return Code.MODEL_BROKEN, "No model can be read."
        case _:
            logger.error("unexpected error in the field %s", _field(error), exc_info=cause)
            return Code.INTERNAL, INTERNAL


def _field(error: GraphQLError) -> str | None:
    """The field's name in the schema: the client's own in the path may be a customer's number."""
    return next((node.name.value for node in error.nodes or () if isinstance(node, FieldNode)), None)
