"""``guanxi serve`` killed while it sends: the next one sends it, under the same id, signed with the same secret."""

import os
import signal
from collections import Counter
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import httpx
import pytest
from standardwebhooks import Webhook

from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.embedded

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
            self.release.wait(PATIENCE)
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
def start(serve, journey, guanxi):
    """Return a function: a server, and a function that asks it as an administrator."""
    with ExitStack() as running:

        def begin():
            process, url = running.enter_context(serve(**SETTINGS))
            token = guanxi(journey.home, "token", "--role", "admin", **SETTINGS).stdout.strip()

            def ask(query, **variables):
                body, bearer = {"query": query, "variables": variables}, {"Authorization": f"Bearer {token}"}
                return httpx.post(f"{url}/graphql", json=body, headers=bearer, timeout=PATIENCE).json()["data"]

            return process, ask

        yield begin


def test_what_a_killed_server_was_sending_is_sent_by_the_next(start, receiver):
    process, ask = start()
    made = ask(CREATE, url=receiver)["createWebhook"]
    sent = ask(PING, id=made["webhook"]["id"])["sendTestWebhook"]["delivery"]["id"]
    assert Receiver.came.wait(PATIENCE)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    _, ask = start()
    found = wait_until(lambda: ask(STATE, id=sent)["node"], lambda delivery: delivery["state"] != "PENDING")

    assert found == {"state": "DELIVERED", "attempts": [{"status": 204}]}
    assert Counter(headers["webhook-id"] for headers, _ in Receiver.got).most_common()[0][1] == len(Receiver.got) == 2
    for headers, body in Receiver.got:
        Webhook(made["secret"]).verify(body, headers)
    assert ask(DELETE, id=made["webhook"]["id"]) == {"deleteWebhook": {"deleted": True}}
