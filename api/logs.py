"""The log: a line for each operation and each trouble, with the id of its request, as text or JSON.

Nothing personal is in it. Variables and documents are never logged; of an exception, whose message may quote anything,
the type and the places in the code are; of other libraries' messages the first line is. In development exceptions are
told whole.
"""

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from api.operations import Operation
from api.request_ids import request_id
from api.tracing import trace_id

Form: TypeAlias = Literal["text", "json"]
Level: TypeAlias = Literal["info", "warning", "error"]

TOLD: Final = "told"
"""The attribute of a record for what a line of JSON tells beside its message."""

access = logging.getLogger("guanxi.access")


class Text(logging.Formatter):
    """A line for people, with the code's places of an exception below it."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self._whole = whole

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's text."""
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {request_id()} {_message(record)}"
        if record.exc_info is None or record.exc_info[1] is None:
            return line
        error = record.exc_info[1]
        return line + "\n" + ("".join(traceback.format_exception(error)) if self._whole else _places(error)).rstrip()


class Json(logging.Formatter):
    """A line for machines: one JSON object."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self._whole = whole

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": request_id(),
            "message": _message(record),
        }
        if found := trace_id():
            line["trace_id"] = found
        line |= getattr(record, TOLD, {})
        if record.exc_info is not None and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            line["trace"] = "".join(traceback.format_exception(error)) if self._whole else _places(error)
        return json.dumps(line)


FORMATTERS: Final = {"text": Text, "json": Json}


def log_to_stderr(form: Form = "text", level: Level = "info", *, whole: bool = False) -> None:
    """Write what we log, and other libraries' warnings, to standard error; ``whole`` exceptions are for development."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[form](whole=whole))
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # no form of ours tells them
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel("ERROR" if level == "error" else "WARNING")
    logging.getLogger("guanxi").setLevel(level.upper())


def log_operation(operation: Operation) -> None:
    """Write the line of an operation that is over."""
    if not access.isEnabledFor(logging.INFO):
        return
    milliseconds = round(operation.seconds * 1000, 1)
    told = {
        "operation": operation.name,
        "type": operation.kind,
        "role": operation.role,
        "status": operation.status,
        "duration_ms": milliseconds,
        "cost": operation.cost,
        "codes": sorted(operation.codes),
    }
    words = operation.kind, operation.name, operation.role, operation.status, f"{milliseconds} ms", *told["codes"]
    line = " ".join(str(word or "-") for word in words)
    record = logging.LogRecord(access.name, logging.INFO, __file__, 0, line, (), None)  # access.info looks who calls
    setattr(record, TOLD, told)
    access.handle(record)


def _message(record: logging.LogRecord) -> str:
    """The first line: below it libraries quote exceptions, and a reader takes what begins a line for a record."""
    return record.getMessage().partition("\n")[0]


def _places(error: BaseException) -> str:
    return "".join("".join(traceback.format_tb(one.__traceback__)) + type(one).__name__ + "\n" for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield what an exception came of, and then itself."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)
    yield error
