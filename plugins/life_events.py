"""What happens in a customer's life, by the hook ``events``; a plugin that fails at it has no event to tell."""

import logging
from dataclasses import dataclass
from datetime import date

from plugins.failures.failure import Asked
from plugins.failures.telling import ours, placed, told
from plugins.host import PluginHost
from plugins.isolation.events import check_day
from plugins.isolation.guard import is_text
from plugins.life.stages import Lives
from recommenders.contract import LifeEvent, Omitted, Text
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi.plugins")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of one customer's life, and its day."""

    code: str
    text: Text
    on: date


def happenings(host: PluginHost, lives: Lives, customer: CustomerView, since: date, until: date) -> list[Happening]:
    """Return what happens to a customer within some days, the first first, by the plugins that decide of him.

    A failure counts for its plugin alone.
    """
    found = []
    for event, info in host.of("events"):
        if not lives.decides(info, customer.customer_no):
            continue
        try:
            day = day_of(event, customer)
        except Omitted:
            continue
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            if host.is_first_failure(event.code, info):  # whoever looks at a million customers logs it once
                logger.warning("event %s failed: %s", event.code, placed(error))
            info.note(told(error), placed(error))
            host.reports.tell(info, "events", event.code, error, Asked.of(customers=(customer,)))
            continue
        if day is not None and since <= day <= until:
            found.append(Happening(event.code, event.text, day))
    return sorted(found, key=lambda happening: (happening.on, happening.code))


def day_of(event: LifeEvent, customer: CustomerView) -> date | None:
    """Return the day on which an event happens to a customer; raises whatever the plugin does, and TypeError."""
    if not is_text(event.text):
        raise ours(TypeError(f"registered the event {event.code!r} without a text in each language"))
    day = event.on(customer)
    check_day(event.code, day)
    return day
