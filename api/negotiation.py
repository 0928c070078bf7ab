"""Which media type answers a request, by its ``Accept`` header (RFC 9110, section 12.5.1)."""

from functools import lru_cache
from typing import Final

from mimeparse import MimeTypeParseException, parse_media_range, quality_and_fitness_parsed

JSON: Final = "application/json"
RESPONSE: Final = "application/graphql-response+json"
NAMED: Final = 110
"""The fitness, in mimeparse's points, of a range that names a type and a subtype."""


@lru_cache(256)
def negotiated(accept: str) -> str | None:
    """Return the media type of GraphQL over HTTP that a client likes best; None where it takes neither.

    Of equals the one that it names; ``RESPONSE`` of both, ``JSON`` of none, and for a client that says nothing.
    """
    if not accept.strip():
        return JSON
    ranges = _ranges(accept)
    response, json = (quality_and_fitness_parsed(media_type, ranges) for media_type in (RESPONSE, JSON))
    if not (response[0] or json[0]):
        return None
    return RESPONSE if response > json or (response == json and response[1] >= NAMED) else JSON


def _ranges(accept: str) -> list[tuple[str, str, dict[str, str]]]:
    """The ranges in UTF-8; what is no range is passed over."""
    found = []
    for part in accept.lower().split(","):
        try:
            kind, subtype, parameters = parse_media_range(part)
        except MimeTypeParseException:
            continue
        if parameters.get("charset", "utf-8") == "utf-8":
            found.append((kind, subtype, parameters))
    return found
