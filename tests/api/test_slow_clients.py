"""Clients that are in no hurry, on connections of their own; the deadlines are shortened for them."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager, suppress

import pytest

from api import bodies, slow_clients
from tests.waiting import PATIENCE, until

SHORT, LONG = 0.3, 2.0 * PATIENCE
HEAD = "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n"
GOOD = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def deadlines(monkeypatch):
    """Return a function that sets the deadlines, in seconds."""

    def set_to(request=LONG, body=LONG, stalled=LONG):
        monkeypatch.setattr(slow_clients, "REQUEST_SECONDS", request)
        monkeypatch.setattr(slow_clients, "STALLED_SECONDS", stalled)
        monkeypatch.setattr(bodies, "BODY_SECONDS", body)

    return set_to


@asynccontextmanager
async def trickling(server, first, piece=b""):
    """Send something at once, and a piece every 20 ms for as long as the server takes it; yields what it answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(first)

    async def feed():
        with suppress(ConnectionError):
            while piece:
                await asyncio.sleep(0.02)
                writer.write(piece)
                await writer.drain()

    feeding = asyncio.create_task(feed())
    yield reader
    feeding.cancel()
    with suppress(asyncio.CancelledError, ConnectionError):
        await feeding
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def answered(reader):
    """All that comes until the server ends the connection."""
    read = b""
    with suppress(ConnectionError):
        while piece := await asyncio.wait_for(reader.read(65_536), PATIENCE):
            read += piece
    return read.decode()


def defaults():
    return slow_clients.REQUEST_SECONDS, slow_clients.STALLED_SECONDS, bodies.BODY_SECONDS


def test_the_deadlines_are_those_that_are_told():
    assert defaults() == (20, 20, 10)


async def test_a_client_that_says_nothing_is_cut_off(server, deadlines):
    deadlines(request=SHORT)

    async with trickling(server, b"") as reader:
        assert await answered(reader) == ""


async def test_a_head_that_trickles_is_cut_off(server, deadlines):
    deadlines(request=SHORT)

    async with trickling(server, b"GET /healthz HTTP/1.1\r\n", b"X: 1\r\n") as reader:
        assert (await answered(reader)).startswith("HTTP/1.1 408 Request Timeout\r\n")


async def test_a_second_head_that_trickles_on_a_kept_connection_is_cut_off(server, deadlines):
    deadlines(request=SHORT)

    async with trickling(server, f"{GOOD}GET /healthz HTTP/1.1\r\n".encode(), b"X: 1\r\n") as reader:
        answer = await answered(reader)

    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert "HTTP/1.1 408 Request Timeout\r\n" in answer


async def test_blank_lines_do_not_keep_a_connection(server, deadlines):
    deadlines(request=SHORT)

    async with trickling(server, GOOD.encode(), b"\r\n") as reader:
        assert (await answered(reader)).startswith("HTTP/1.1 200 OK\r\n")


async def test_a_body_that_trickles_is_refused_with_an_error_that_says_so(server, bearers, deadlines):
    deadlines(body=SHORT)

    async with trickling(server, f"{HEAD.format(bearers.admin)}\r\n".encode(), b" ") as reader:
        head, _, body = (await answered(reader)).partition("\r\n\r\n")

    assert head.startswith("HTTP/1.1 408 Request Timeout\r\n")
    [error] = json.loads(body)["errors"]
    assert (error["message"], error["extensions"]) == (
        "The body took longer than 0.3 seconds to come.",
        {"code": "TIMEOUT"},
    )


async def test_a_body_that_nobody_waits_for_is_cut_off_too(server, deadlines):
    deadlines(request=SHORT)

    async with trickling(server, f"{HEAD.format('nobody')}\r\n".encode(), b" ") as reader:
        assert (await answered(reader)).startswith("HTTP/1.1 401 Unauthorized\r\n")


async def test_a_head_without_end_is_refused(server):
    async with trickling(server, b"GET /healthz HTTP/1.1\r\nX: ", b"x" * 20_000) as reader:
        assert (await answered(reader)).startswith("HTTP/1.1 431 Request Header Fields Too Large\r\n")


async def test_a_client_that_does_not_read_is_cut_off(server, deadlines):
    deadlines(stalled=SHORT)
    large = b"GET /graphiql/graphiql.min.js HTTP/1.1\r\nHost: x\r\n\r\n"
    connections = server.server.server_state.connections
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as client:
        client.sendall(large * 20)
        await until(lambda: any(connection.flow.write_paused for connection in connections))

        await until(lambda: not any(connection.flow.write_paused for connection in connections))

    assert (await server.client.get("/healthz")).status_code == 200


async def test_a_client_that_takes_its_time_within_the_deadlines_is_served(server, bearers, deadlines):
    deadlines(request=10, body=10)
    body = json.dumps({"query": "{ __typename }"}).encode()
    head = HEAD.format(bearers.admin).replace("50000", str(len(body)))
    whole = head.encode() + b"Connection: close\r\n\r\n" + body
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))

    for start in range(0, len(whole), 40):
        writer.write(whole[start : start + 40])
        await asyncio.sleep(0.01)

    assert '{"data":{"__typename":"Query"},' in await answered(reader)
    writer.close()
    await writer.wait_closed()


async def test_a_socket_outlives_the_deadline_of_its_handshake(server, bearers, deadlines):
    deadlines(request=SHORT)

    async with server.socket(bearers.anna) as kept:
        await asyncio.sleep(2 * SHORT)
        await kept.send(json.dumps({"type": "ping"}))

        assert json.loads(await kept.recv()) == {"type": "pong"}


async def test_an_answer_that_takes_longer_than_a_request_may_is_given(server, bearers, deadlines, monkeypatch):
    deadlines(request=SHORT)

    async def slowly(request):
        asked = await bodies.graphql_request(request)
        await asyncio.sleep(2 * SHORT)
        return asked

    monkeypatch.setattr("api.endpoint.graphql_request", slowly)

    assert (await server.post("{ __typename }", bearers.admin)).status_code == 200
