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
NOW = datetime.now(UTC)
HOOK = Webhook("hook", "https://bank.example/", (WebhookEvent.PING,), enabled=True, version=1, secret_version=3, created_at=NOW, rotated_at=NOW)  # fmt: skip
BODY = '{"type":"ping","name":"关系"}'.encode()
SENT = signing.headers(HOOK, "msg_1", BODY, NOW, ROOT)
CASES = {
    "new": (BODY, SENT, signing.secret(HOOK, ROOT), True),
    "before": (BODY, SENT, signing.secret(replace(HOOK, secret_version=2), ROOT), True),
    "older": (BODY, SENT, signing.secret(replace(HOOK, secret_version=1), ROOT), False),
    "changed": (BODY + b" ", SENT, signing.secret(HOOK, ROOT), False),
    "renamed": (BODY, SENT | {"webhook-id": "msg_2"}, signing.secret(HOOK, ROOT), False),
    "unsigned": (BODY, SENT | {"webhook-signature": "v1,"}, signing.secret(HOOK, ROOT), False),
    "old": (
        BODY, signing.headers(HOOK, "msg_1", BODY, NOW - timedelta(minutes=6), ROOT), signing.secret(HOOK, ROOT), False,
    ),
}  # fmt: skip


def shown(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.mark.parametrize(("body", "headers", "secret", "good"), CASES.values(), ids=CASES)
def test_the_python_takes_what_is_sent_and_nothing_else(body, headers, secret, good):
    scope = {}
    exec(shown("python"), scope)

    if good:
        assert scope["verified"](body, headers, secret) == json.loads(body)
    else:
        with pytest.raises(ValueError):
            scope["verified"](body, headers, secret)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize(("body", "headers", "secret", "good"), CASES.values(), ids=CASES)
def test_the_typescript_takes_what_is_sent_and_nothing_else(tmp_path, body, headers, secret, good):
    plain = re.sub(r": (Buffer|Record<[^>]*>|string|unknown)(?=[,)] | \{|\))", "", shown("typescript"))
    given = ", ".join([f"Buffer.from({json.dumps(body.decode())})", json.dumps(headers), json.dumps(secret)])
    (tmp_path / "receive.mjs").write_text(f"{plain}\nconsole.log(JSON.stringify(verified({given})));\n")

    done = subprocess.run(["node", tmp_path / "receive.mjs"], capture_output=True, text=True, timeout=60)

    assert (done.returncode == 0) is good, done.stderr
    if good:
        assert json.loads(done.stdout) == json.loads(body)
    else:
        assert "Error: not signed with this secret" in done.stderr or "Error: too old, or too new" in done.stderr
