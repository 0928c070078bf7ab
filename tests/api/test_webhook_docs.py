"""What docs/webhooks.md tells receivers to do takes what is sent, and nothing else."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.webhooks import signing
from graph.webhooks import Webhook
from graph.words import WebhookEvent

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
ROOT = "the secret that webhooks' own are derived of"
BODY = '{"type":"ping","name":"关系"}'.encode()
CASES = {
    "new": True,
    "before": True,
    "older": False,
    "changed": False,
    "renamed": False,
    "unsigned": False,
    "old": False,
}
"""What is received, and whether it is good."""


def received(case):
    """Body, headers and the receiver's secret of a case, as of now."""
    now = datetime.now(UTC)
    hook = Webhook("hook", "https://bank.example/", (WebhookEvent.PING,), enabled=True, version=1, secret_version=3, created_at=now, rotated_at=now)  # fmt: skip
    sent = signing.headers(hook, "msg_1", BODY, now - timedelta(minutes=6 if case == "old" else 0), ROOT)
    secrets = {"before": replace(hook, secret_version=2), "older": replace(hook, secret_version=1)}
    changed = {"renamed": {"webhook-id": "msg_2"}, "unsigned": {"webhook-signature": "v1,"}}
    body = BODY + b" " if case == "changed" else BODY
    return body, sent | changed.get(case, {}), signing.secret(secrets.get(case, hook), ROOT)


def shown(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_each_event_is_told_by_its_type_and_by_its_word_in_the_schema():
    assert re.findall(r"^\| `([\w.]+)` \| `([A-Z_]+)` \|", PAGE, re.MULTILINE) == [
        (own, own.name) for own in WebhookEvent
    ]


@pytest.mark.parametrize(("case", "good"), CASES.items(), ids=CASES)
def test_the_python_takes_what_is_sent_and_nothing_else(case, good):
    body, headers, secret = received(case)
    scope = {}
    exec(shown("python"), scope)

    if good:
        assert scope["verified"](body, headers, secret) == json.loads(body)
    else:
        with pytest.raises(ValueError):
            scope["verified"](body, headers, secret)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize(("case", "good"), CASES.items(), ids=CASES)
def test_the_typescript_takes_what_is_sent_and_nothing_else(tmp_path, case, good):
    body, headers, secret = received(case)
    plain = re.sub(r": (Buffer|Record<[^>]*>|string|unknown)(?=[,)] | \{|\))", "", shown("typescript"))
    given = ", ".join([f"Buffer.from({json.dumps(body.decode())})", json.dumps(headers), json.dumps(secret)])
    (tmp_path / "receive.mjs").write_text(f"{plain}\nconsole.log(JSON.stringify(verified({given})));\n")

    done = subprocess.run(["node", tmp_path / "receive.mjs"], capture_output=True, text=True, timeout=60)

    assert (done.returncode == 0) is good, done.stderr
    if good:
        assert json.loads(done.stdout) == json.loads(body)
    else:
        assert "Error: not signed with this secret" in done.stderr or "Error: too old, or too new" in done.stderr
