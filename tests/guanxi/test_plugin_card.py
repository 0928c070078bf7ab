"""``guanxi plugins card``: how a plugin does, as a person and as a program reads it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from graph import embedded
from graph.store import Store

pytestmark = pytest.mark.embedded

OUTCOMES = """
UNWIND range(1, 200) AS n UNWIND ['share', 'holdout'] AS side
CREATE (o:Outcome {outcome_id: side + n, customer_no: side + n, product_code: 'GOLD', offered_at: $now, at: $now})
SET o.arm = 'campus:' + side,
  o.kind = CASE WHEN (side = 'share' AND n <= 60) OR n <= 20 THEN 'accept' ELSE 'impression' END
"""
SIDES = {
    "share": {"customers": 200, "shown": 200, "taken": 60, "rate": 0.3},
    "holdout": {"customers": 200, "shown": 200, "taken": 20, "rate": 0.1},
}


@pytest.fixture
async def home(new_home):
    """A home whose store has an experiment."""
    with embedded.join(new_home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            await store.write(OUTCOMES, now=datetime.now(UTC) - timedelta(minutes=1))
    return new_home


async def test_a_card_is_told_in_lines_and_in_json(home, guanxi):
    lines = guanxi(home, "plugins", "card", "campus").stdout.splitlines()
    told = json.loads(guanxi(home, "plugins", "card", "campus", "--json").stdout)

    assert lines == [
        "campus is live, and nobody has decided on it.",
        "share    200 customers, 200 shown, 60 taken (30.0%)",
        "holdout  200 customers, 200 shown, 20 taken (10.0%)",
        "lift     +20.0 points (95 %: +12.3 to +27.5), 3.00 times",
        "asked    fewer than 20 times",
    ]
    assert {side: told[side] for side in SIDES} == SIDES
    assert (told["plugin"], told["stage"], told["percent"], told["since"]) == ("campus", "live", None, None)
    assert (told["counts"], told["foreseen"], told["counted_since"]) == (None, None, None)


async def test_it_says_since_when(home, guanxi):
    put = guanxi(home, "plugins", "stage", "campus", "share", "--share", "50", "--reason", "try", "--force")
    lines = guanxi(home, "plugins", "card", "campus").stdout.splitlines()
    told = json.loads(guanxi(home, "plugins", "card", "campus", "--json").stdout)

    assert put.returncode == 0
    assert lines[0] == f"campus is share of 50 % since {told['since'][:16].replace('T', ' ')}."
    assert lines[1:] == [
        f"Of offers since {told['counted_since'][:16].replace('T', ' ')}:",
        "share    fewer than 20 customers",
        "holdout  fewer than 20 customers",
        "asked    fewer than 20 times",
    ]
    assert (told["share"], told["lift"], told["percent"]) == (None, None, 50)


def test_there_must_be_such_a_plugin(new_home, guanxi):
    done = guanxi(new_home, "plugins", "card", "nobody")

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "There is no plugin 'nobody'.\n")
