"""What happens in a customer's life, by the hook ``events``; a plugin that fails at it has no event to tell."""

import logging
from dataclasses import dataclass
from datetime import date

from plugins.failures.telling import told
from plugins.host import PluginHost
from plugins.isolation.events import check_day
from plugins.isolation.guard import is_text
from recommenders.contract import LifeEvent, Omitted, Text
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi.plugins")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of one customer's life, and its day."""

    code: str
    text: Text
    on: date


def happenings(host: PluginHost, customer: CustomerView, since: date, until: date) -> list[Happening]:
    """Return what happens to a customer within some days, the first first; a failure counts for its plugin alone."""
    found = []
    for event, info in host.of("events"):
        try:
            day = _day(event, customer)
        except Omitted:
            continue
        except (Exception, SystemExit) as error:
            if not info.failures:  # whoever looks at a million customers logs it once
                logger.warning("event %s failed: %s", event.code, type(error).__name__, exc_info=error)
            info.note(told(error))
            continue
        if day is not None and since <= day <= until:
            found.append(Happening(event.code, event.text, day))
    return sorted(found, key=lambda happening: (happening.on, happening.code))


def _day(event: LifeEvent, customer: CustomerView) -> date | None:
    if not is_text(event.text):
        raise TypeError(f"registered the event {event.code!r} without a text in each language")
    day = event.on(customer)
    check_day(event.code, day)
    return day
