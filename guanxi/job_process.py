"""The process in which one run of a job is done: ``python -m guanxi.job_process NAME REPORT PARENT BEGINS``.

So its time can be bounded, and its memory is not the server's. It ends with the process that started it, and writes to
the descriptor BEGINS when the job's own function begins.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Final

from graph.errors import SettingsError, StoreUnavailable
from guanxi.bank import Bank
from guanxi.settings import Settings
from guanxi.work import job_named
from plugins.contract import imported
from plugins.failures.anonymising import said_by
from plugins.failures.telling import as_told, placed, told
from plugins.infos import SHIPPED
from plugins.isolation.memory import limit_memory

WATCH_SECONDS: Final = 1.0


def main() -> None:
    """Run a job; a failure is written to REPORT, and the exit code is 1."""
    name, report, parent, begins = sys.argv[1:]
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    settings = Settings()
    try:
        _run(settings, name, int(begins))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's job may raise anything
        if settings.development:
            traceback.print_exception(error)
        traceback.clear_frames(error.__traceback__)  # what it used the memory up with
        Path(report).write_text(json.dumps(_reported(error)), encoding="utf-8")
        sys.exit(1)


def _run(settings: Settings, name: str, begins: int) -> None:
    with Bank(settings) as bank:
        job, info = job_named(bank.host, name)
        run = imported(job.run)
        if info.source != SHIPPED:
            limit_memory(settings.plugin_job_memory_mb)
        os.write(begins, b".")
        run(bank)


def _reported(error: BaseException) -> dict[str, Any]:
    """What may be kept of an error, as ``told`` and, of one that is the plugin's, as JSON tells it; nobody's data."""
    if isinstance(error, SettingsError | StoreUnavailable):
        return {"told": told(error)}
    return as_told(error) | {"told": placed(error), "said": said_by(error)}


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
