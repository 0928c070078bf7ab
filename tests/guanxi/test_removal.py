"""What is left of plugins that are gone: told by commands, and removed by them."""

import json

import pytest

pytestmark = pytest.mark.embedded

SECRET = "wJ2vQ9xLr7TzKc4NfYpB1sHd6GmUe3Xa"
WITHOUT = {"GUANXI_WITHOUT": "campus"}


def test_what_is_held_back_is_listed_and_told_of_settings(journey, guanxi):
    lines = guanxi(journey.home, "plugins", **WITHOUT).stdout.splitlines()
    told = {own["name"]: own for own in json.loads(guanxi(journey.home, "plugins", "--json", **WITHOUT).stdout)}
    whole = guanxi(journey.home, "plugins", "--json")
    checked = guanxi(journey.home, "check-config", GUANXI_JWT_SECRET=SECRET, **WITHOUT)
    wrong = guanxi(journey.home, "check-config", GUANXI_JWT_SECRET=SECRET, GUANXI_WITHOUT="kampus")

    held = told["campus"]["holds_back"]
    assert (told["campus"]["state"], "STUDENT-LOAN" in held, told["tobacco"]["holds_back"]) == ("gone", True, [])
    place = [line.startswith("campus ") for line in lines].index(True)
    assert lines[place].startswith(
        "campus           gone    it is not loaded; guanxi plugins forget campus removes what"
    )
    assert lines[place + 1].strip() == (
        f"held back from everybody, or all but a share, for want of it: {', '.join(held)}"
    )
    assert {(own["state"], *own["holds_back"]) for own in json.loads(whole.stdout)} == {("loaded",)}
    assert checked.returncode == 0
    assert checked.stdout.splitlines() == ["The settings may serve in production."] + [
        f"Held back from everybody, or all but a share, for want of campus: {code}" for code in held
    ]
    assert (wrong.returncode, wrong.stderr, wrong.stdout.startswith("GUANXI_WITHOUT names 'kampus';")) == (1, "", True)
