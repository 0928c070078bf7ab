"""``guanxi serve`` killed while it sends: the next one sends it, under the same id, signed with the same secret."""

import os
import signal
import subprocess
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import httpx
import pytest
from standardwebhooks import Webhook

pytestmark = pytest.mark.embedded

WAIT = 60
SETTINGS = {
    "GUANXI_DEVELOPMENT": "1",
    "GUANXI_WEBHOOK_NETWORKS": "127.0.0.0/8",
    "GUANXI_WEBHOOK_TIMEOUT_SECONDS": "1",
}
CREATE = """mutation ($url: String!) {
    createWebhook(input: {url: $url, events: [OUTCOME_RECORDED]}) { webhook { id } secret errors { message } } }"""
PING = "mutation ($id: ID!) { sendTestWebhook(input: {id: $id}) { delivery { id } } }"
DELETE = "mutation ($id: ID!) { deleteWebhook(input: {id: $id}) { deleted } }"
STATE = "query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { state attempts { status } } } }"


class Receiver(BaseHTTPRequestHandler):
    """Leaves the first without an answer, and takes what comes after."""

    got, came, release = [], Event(), Event()

    def do_POST(self):
        self.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.came.set()
        if len(self.got) == 1:
            self.release.wait(WAIT)
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    Receiver.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def start(command, journey, guanxi):
    """Return a function: a server, and a function that asks it as an administrator."""
    running = []

    def begin():
        process = subprocess.Popen(
            **command(journey.home, "serve", "--port", 0, **SETTINGS),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        running.append(process)
        url = process.stdout.readline().split()[2]
        token = guanxi(journey.home, "token", "--role", "admin", **SETTINGS).stdout.strip()

        def ask(query, **variables):
            body = {"query": query, "variables": variables}
            return httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT).json()["data"]

        return process, ask

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_what_a_killed_server_was_sending_is_sent_by_the_next(start, receiver):
    process, ask = start()
    made = ask(CREATE, url=receiver)["createWebhook"]
    sent = ask(PING, id=made["webhook"]["id"])["sendTestWebhook"]["delivery"]["id"]
    assert Receiver.came.wait(WAIT)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    _, ask = start()
    deadline = time.monotonic() + WAIT
    while (found := ask(STATE, id=sent)["node"])["state"] == "PENDING":
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert found == {"state": "DELIVERED", "attempts": [{"status": 204}]}
    assert Counter(headers["webhook-id"] for headers, _ in Receiver.got).most_common()[0][1] == len(Receiver.got) == 2
    for headers, body in Receiver.got:
        Webhook(made["secret"]).verify(body, headers)
    assert ask(DELETE, id=made["webhook"]["id"]) == {"deleteWebhook": {"deleted": True}}
