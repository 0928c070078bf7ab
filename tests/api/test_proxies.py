"""Forwarded headers at a real uvicorn: from loopback, which it would believe by itself."""

from ipaddress import ip_network

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import connect

from api.app import UVICORN
from api.proxies import trusting
from tests.waiting import PATIENCE

SPOOFED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Forwarded": "for=203.0.113.9;proto=https"}
LOOPBACK, INNER = ip_network("127.0.0.1"), ip_network("10.0.0.0/8")


@pytest.fixture
def seen(start):
    """Return a function: what an application sees of a caller, whose proxies are trusted or not."""

    async def told(request):
        return JSONResponse([request.client.host, request.url.scheme])

    async def told_by_socket(socket):
        await socket.accept()
        await socket.send_json([socket.client.host, socket.url.scheme])
        await socket.close()

    app = Starlette(routes=[Route("/", told), WebSocketRoute("/", told_by_socket)])

    async def ask(headers, *proxies):
        server, task = await start(app, **trusting(proxies))
        address = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            async with httpx.AsyncClient(timeout=PATIENCE) as client:
                over_http = (await client.get(f"http://{address}", headers=headers)).json()
            async with connect(f"ws://{address}", additional_headers=headers) as socket:
                return over_http, await socket.recv()
        finally:
            server.should_exit = True
            await task

    return ask


DIRECT = ["127.0.0.1", "http"], '["127.0.0.1","ws"]'


@pytest.mark.parametrize("proxies", [(), (INNER,)], ids=["nobody", "another"])
async def test_nobody_is_believed_who_was_not_named(seen, proxies):
    assert await seen(SPOOFED, *proxies) == DIRECT


async def test_what_a_trusted_proxy_says_is_believed_but_for_forwarded(seen):
    assert await seen(SPOOFED, LOOPBACK) == (["203.0.113.9", "https"], '["203.0.113.9","wss"]')
    assert await seen({"Forwarded": SPOOFED["Forwarded"]}, LOOPBACK) == DIRECT


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1, 203.0.113.9", "203.0.113.9"),
    ],
    ids=["what the client itself sent is not", "through two proxies", "nor that it was loopback"],
)
async def test_of_several_addresses_the_last_that_is_no_proxy_is_the_client(seen, forwarded, client):
    over_http, _ = await seen({"X-Forwarded-For": forwarded}, LOOPBACK, INNER)

    assert over_http == [client, "http"]


async def test_the_operators_environment_of_uvicorn_is_not_heeded(monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")

    for proxies in ((), (INNER,)):
        config = uvicorn.Config("app", **UVICORN | trusting(proxies))
        assert (config.proxy_headers, config.forwarded_allow_ips) == (bool(proxies), [str(proxy) for proxy in proxies])
