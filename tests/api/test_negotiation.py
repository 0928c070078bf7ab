import pytest

from api.negotiation import JSON, RESPONSE, negotiated


@pytest.mark.parametrize(
    ("accept", "spoken"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{JSON}, {RESPONSE}", RESPONSE),
        (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
        (f"{RESPONSE};q=0.5, {JSON};q=0.6", JSON),
        (f"{RESPONSE};q=0.6, {JSON};q=0.5", RESPONSE),
        (f"{RESPONSE}, */*", RESPONSE),
        (f"{JSON}, */*", JSON),
        (f"{JSON};q=0.5, application/*", RESPONSE),
        (f"{JSON};q=0, */*", RESPONSE),
        (f"{RESPONSE};q=0, */*", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.1", JSON),
        (f"nonsense, {RESPONSE}", RESPONSE),
        (f"{JSON};q=nonsense", JSON),
        (JSON.upper(), JSON),
        (f"{RESPONSE}; charset=utf-16, {JSON}", JSON),
    ],
)
def test_what_a_client_likes_best_is_spoken(accept, spoken):
    assert negotiated(accept) == spoken


@pytest.mark.parametrize("accept", ["text/html", "nonsense", "*/*;q=0", f"{JSON};q=0", f"{JSON}; charset=utf-16", ","])
def test_a_client_that_takes_neither_is_not_spoken_to(accept):
    assert negotiated(accept) is None
