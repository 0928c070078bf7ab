import logging
import re

import pytest

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("given", ["a", "0af7651916cd43dd8448eb211c80319c", "Root=1-67891233-abcdef01:a/b+c~d_e.f", "x" * 128])  # fmt: skip
async def test_a_request_keeps_the_id_it_comes_with(server, given):
    response = await server.client.get("/healthz", headers={"X-Request-ID": given})

    assert response.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a\tb", "é".encode(), b"\xff", '{"a": 1}', "${jndi:x}", "a%0aINFO"])  # fmt: skip
async def test_a_request_without_a_good_id_is_given_one(server, given):
    first, second = [
        await server.client.get("/healthz", headers={} if given is None else {"X-Request-ID": given}) for _ in range(2)
    ]

    assert MADE.fullmatch(first.headers["x-request-id"])
    assert MADE.fullmatch(second.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/nothing", "/graphql", "/graphql?query=" + "x" * 40_000])
async def test_a_refusal_has_its_id_too(server, path):
    response = await server.client.get(path, headers={"X-Request-ID": "mine"})

    assert response.status_code >= 400
    assert response.headers["x-request-id"] == "mine"


async def test_a_socket_is_told_its_id(server, bearers):
    async with server.socket(bearers.anna, additional_headers={"X-Request-ID": "mine"}) as socket:
        assert socket.response.headers["x-request-id"] == "mine"


def test_what_is_about_no_request_is_logged_without_an_id(log):
    log()

    logging.getLogger("guanxi.api").warning("It begins.")

    [line] = log.lines()
    assert line.endswith(" WARNING guanxi.api - It begins.")


async def test_the_log_has_the_id_of_its_request(server, bearers, monkeypatch, log):
    log()

    monkeypatch.setattr("api.endpoint.graphql_request", None)

    await server.post("{ __typename }", bearers.admin, {"X-Request-ID": "the-one"})

    [line] = [line for line in log.lines() if "unexpected error" in line]
    assert line.endswith(" ERROR guanxi.api the-one unexpected error")
