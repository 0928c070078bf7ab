"""``guanxi serve`` and ``guanxi token`` as processes, from the first line to Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event

import httpx
import jwt
import pytest
from redis import Redis

from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.embedded

SECRET = "a secret of more than thirty-two characters"
DEVELOPMENT = {"GUANXI_DEVELOPMENT": "1"}


@pytest.fixture
def served(serve):
    """Return a function: ``guanxi serve`` running in a process group of its own, and its address."""
    with ExitStack() as running:

        def start(*arguments, **settings):
            own = settings or {"GUANXI_JWT_SECRET": SECRET}
            return running.enter_context(serve(*arguments, stderr=subprocess.PIPE, **own))

        yield start


def readiness(url):
    return httpx.get(f"{url}/readyz", timeout=PATIENCE).json()


def group(process):
    """The processes of a process's group, by the kernel's list."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group, *_ = path.read_text().rpartition(")")[2].split()
            if int(its_group) == process.pid and state != "Z":
                found.append(int(path.parent.name))
    return found


def is_running(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def assert_refused(done, line):
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [line]


@pytest.mark.parametrize("workers", [1, 2])
def test_it_answers_and_ctrl_c_ends_it_cleanly(served, journey, guanxi, workers):
    process, url = served("--workers", workers, GUANXI_JWT_SECRET=SECRET, GUANXI_LOG_FORMAT="json")
    token = guanxi(journey.home, "token", "--role", "admin", GUANXI_JWT_SECRET=SECRET, **DEVELOPMENT).stdout.strip()
    query = {"query": "{ customers(first: 1) { totalCount } }"}

    bearer = {"Authorization": f"Bearer {token}"}
    answers = [httpx.post(f"{url}/graphql", json=query, headers=bearer, timeout=PATIENCE).json() for _ in range(8)]
    assert [answer["data"] for answer in answers] == [{"customers": {"totalCount": 300}}] * 8
    assert len(group(process)) >= workers

    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE)

    assert (process.returncode, stdout) == (0, "")
    assert [json.loads(line)["logger"] for line in stderr.splitlines()] == ["guanxi.access"] * 8
    wait_until(lambda: group(process) == [])
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")


@pytest.mark.parametrize("workers", [1, 2])
def test_it_does_not_wait_for_its_subscribers_to_go(served, admin, workers):
    process, url = served("--workers", workers, GUANXI_JWT_SECRET=SECRET, GUANXI_LOG_LEVEL="warning")
    heard = "subscription { interactionRecorded { missed } }"
    with (
        admin(url) as client,
        client.stream("POST", "/graphql", json={"query": heard}, headers={"Accept": "text/event-stream"}) as stream,
    ):
        os.killpg(process.pid, signal.SIGINT)
        assert stream.read() == b""
    _, stderr = process.communicate(timeout=PATIENCE)

    assert (process.returncode, stderr) == (0, "")


@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_cleanly_when_asked_to_terminate(served, workers):
    process, _ = served("--workers", workers)

    process.terminate()
    _, stderr = process.communicate(timeout=PATIENCE)

    assert "Traceback" not in stderr
    wait_until(lambda: group(process) == [])


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_no_process_of_a_plugin_outlives_it(served, tmp_path, by):
    pids = tmp_path / "pids"
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(
        f"import os\n\nwith open({str(pids)!r}, 'a') as told:\n    print(os.getpid(), os.getpgrp(), file=told)\n"
    )
    process, _ = served(
        GUANXI_JWT_SECRET=SECRET, GUANXI_PLUGINS=str(tmp_path / "plugins"), GUANXI_PLUGIN_ISOLATION="process"
    )
    imported = [tuple(map(int, line.split())) for line in pids.read_text().splitlines()]
    apart = [pid for pid, its_group in imported if its_group != process.pid]
    assert apart, "it runs in a process of its own"
    assert all(map(is_running, apart))

    os.killpg(process.pid, by)
    process.communicate(timeout=PATIENCE)

    wait_until(lambda: not any(map(is_running, apart)))


def test_a_second_command_joins_the_running_store(served, journey, guanxi, last_day):
    served()
    address = (journey.home / "store" / "address").read_text()

    done = guanxi(journey.home, "recommend", "--all", "--as-of", last_day)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 100
    assert (journey.home / "store" / "address").read_text() == address


def test_readyz_names_the_model_in_force(served, journey):
    _, url = served()

    model = (journey.home / "models" / "current").read_text()
    assert readiness(url) == {"status": "ready", "store": "reachable", "model": model}


def test_a_running_server_takes_up_what_is_promoted_and_what_is_rolled_back_to(served, journey, guanxi):
    models = journey.home / "models"
    first = (models / "current").read_text()
    shutil.copytree(models / first, models / "other")
    _, url = served()
    try:
        promoted = guanxi(journey.home, "models", "promote", "other")
        wait_until(lambda: readiness(url)["model"] == "other")
        back = guanxi(journey.home, "models", "rollback")
        wait_until(lambda: readiness(url)["model"] == first)
    finally:
        (models / "current").write_text(first)
        shutil.rmtree(models / "other")

    assert (promoted.returncode, back.returncode) == (0, 0)


def test_a_host_that_is_not_ours_is_said_in_one_line(journey, guanxi):
    done = guanxi(journey.home, "serve", "--host", "no-such-host.invalid", GUANXI_JWT_SECRET=SECRET)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("no-such-host.invalid:8000 cannot be listened on: ")


REFUSED = {
    "no key": (
        {},
        "Set GUANXI_JWT_SECRET or GUANXI_JWT_JWKS, or GUANXI_DEVELOPMENT=1 to try things out.",
    ),
    "a short secret": (
        {"GUANXI_JWT_SECRET": "short"},
        "The setting jwt_secret is wrong: Value error, a secret has 32 characters or more.",
    ),
    "a key set without its algorithm": (
        {"GUANXI_JWT_JWKS": "keys.json"},
        "A key set needs GUANXI_JWT_ALGORITHM=RS256 or ES256.",
    ),
    "an algorithm without its key set": (
        {"GUANXI_JWT_ALGORITHM": "RS256", "GUANXI_JWT_SECRET": SECRET},
        "RS256 needs GUANXI_JWT_JWKS, the file or URL of a key set.",
    ),
    "a short decision secret": (
        {"GUANXI_JWT_SECRET": SECRET, "GUANXI_DECISION_SECRET": "short"},
        "The setting decision_secret is wrong: Value error, a secret has 32 characters or more.",
    ),
}


@pytest.mark.parametrize(("settings", "line"), REFUSED.values(), ids=REFUSED)
def test_without_good_token_settings_it_does_not_serve(tmp_path, guanxi, settings, line):
    assert_refused(guanxi(tmp_path, "serve", **settings), line)


def test_in_development_it_makes_its_secrets_and_takes_the_tokens_of_guanxi_token(served, journey, guanxi):
    _, url = served("--development", GUANXI_DECISION_SECRET=SECRET)
    token = guanxi(journey.home, "token", "--role", "marketing", **DEVELOPMENT).stdout.strip()

    bearer = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{url}/graphql", json={"query": "{ viewer { role } }"}, headers=bearer, timeout=PATIENCE)
    page = httpx.get(f"{url}/graphql", headers={"Accept": "text/html"}, timeout=PATIENCE)

    assert answer.json()["data"] == {"viewer": {"role": "MARKETING"}}
    assert "<title>guanxi</title>" in page.text
    assert oct((journey.home / "jwt.secret").stat().st_mode & 0o777) == "0o600"


def test_a_token_says_what_was_asked_for(tmp_path, guanxi):
    settings = DEVELOPMENT | {"GUANXI_JWT_SECRET": SECRET, "GUANXI_JWT_AUDIENCE": "bank"}

    done = guanxi(tmp_path, "token", "--role", "customer", "--customer", "C1", "--hours", 2, **settings)

    claims = jwt.decode(done.stdout.strip(), SECRET, ["HS256"], audience="bank", issuer="guanxi")
    assert (done.returncode, done.stderr) == (0, "")
    assert (claims["role"], claims["sub"], claims["customer_no"]) == ("CUSTOMER", "C1", "C1")
    assert claims["exp"] - claims["iat"] == 2 * 3_600


NO_TOKEN = {
    "outside development": (
        ["--role", "admin"],
        {"GUANXI_JWT_SECRET": SECRET},
        "Tokens are issued in development mode only: set GUANXI_DEVELOPMENT=1.",
    ),
    "of a key set": (
        ["--role", "admin"],
        DEVELOPMENT | {"GUANXI_JWT_JWKS": "keys.json", "GUANXI_JWT_ALGORITHM": "RS256"},
        "Tokens of a key set are issued where its private key is, not here.",
    ),
    "of no customer": (["--role", "customer"], DEVELOPMENT, "A token of CUSTOMER needs --customer."),
    "of no manager": (
        ["--role", "relationship_manager"],
        DEVELOPMENT,
        "A token of RELATIONSHIP_MANAGER needs --manager.",
    ),
    "without end": (
        ["--role", "admin", "--hours", "inf"],
        DEVELOPMENT,
        "Invalid value for '--hours': Input should be less than or equal to 8760",
    ),
    "of no partner": (["--role", "partner"], DEVELOPMENT, "A token of PARTNER needs --partner."),
}


@pytest.mark.parametrize(("arguments", "settings", "line"), NO_TOKEN.values(), ids=NO_TOKEN)
def test_no_token_is_issued(tmp_path, guanxi, arguments, settings, line):
    assert_refused(guanxi(tmp_path, "token", *arguments, **settings), line)


CHANGED = "subscription ($no: String!) { offersChanged(customerNo: $no) { customerNo } }"
OFFERS = "{ customers(first: 20) { nodes { customerNo offers { id } } } }"
DISMISS = """mutation ($id: ID!, $key: String!) { recordOutcome(
    input: {offerId: $id, outcome: DISMISS, channel: MOBILE, idempotencyKey: $key}) { errors { code } } }"""


@pytest.fixture
def admin(journey, guanxi):
    """Return a function: an administrator's client of a server."""
    token = guanxi(journey.home, "token", "--role", "admin", GUANXI_JWT_SECRET=SECRET, **DEVELOPMENT).stdout.strip()
    return lambda url: httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE)


def asked(client, query, **variables):
    answer = client.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer
    return answer["data"]


def told_of_an_outcome(listener, recorder, key):
    """Whether an outcome that is recorded through one client wakes the other, listening at its server."""
    customers = asked(recorder, OFFERS)["customers"]["nodes"]
    customer = next(customer for customer in customers if customer["offers"])
    subscription = {"query": CHANGED, "variables": {"no": customer["customerNo"]}}
    heard = Event()
    with (
        ThreadPoolExecutor(1) as beside,
        listener.stream("POST", "/graphql", json=subscription, headers={"Accept": "text/event-stream"}) as response,
    ):
        dismissing = beside.submit(dismiss_until, heard, recorder, customer["offers"], key)
        told = next(line for line in response.iter_lines() if line.startswith("data: "))
        heard.set()
        dismissing.result()
    return json.loads(told.removeprefix("data: "))["data"] == {"offersChanged": {"customerNo": customer["customerNo"]}}


def dismiss_until(heard, recorder, offers, key):
    """Dismiss one offer a second until that was heard of: nothing says that a subscriber listens."""
    for number, offer in enumerate(offers):
        if heard.wait(1):
            return
        done = asked(recorder, DISMISS, id=offer["id"], key=f"{key} {number}")
        assert done["recordOutcome"] == {"errors": []}


def test_an_outcome_at_one_server_wakes_a_subscriber_at_the_other_also_after_redis_was_killed(
    served, admin, redis_server
):
    shared = {"GUANXI_JWT_SECRET": SECRET, "REDIS_URL": redis_server.url}
    urls = [served(**shared)[1] for _ in range(2)]
    with admin(urls[0]) as one, admin(urls[1]) as other, Redis.from_url(redis_server.url) as redis:
        assert told_of_an_outcome(one, other, "first")

        redis_server.kill()
        assert told_of_an_outcome(one, one, "while away")
        redis_server.start()
        wait_until(lambda: redis.pubsub_numsub("guanxi:events") == [(b"guanxi:events", 2)])
        assert told_of_an_outcome(one, other, "when back")


def test_workers_of_one_server_share_what_subscribers_are_told(served, admin, redis_server):
    process, url = served("--workers", 2, GUANXI_JWT_SECRET=SECRET, REDIS_URL=redis_server.url)
    with Redis.from_url(redis_server.url) as redis:
        wait_until(lambda: redis.pubsub_numsub("guanxi:events") == [(b"guanxi:events", 2)])

    for number in range(4):  # connections of which the kernel gives some to each worker
        with admin(url) as one, admin(url) as other:
            assert told_of_an_outcome(one, other, f"outcome {number} of workers")

    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    wait_until(lambda: group(process) == [])


WRONG_REDIS = "REDIS_URL is wrong: it is redis://HOST:PORT, rediss://HOST:PORT or unix://PATH."


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://host:port"])
def test_with_a_redis_url_that_is_none_it_does_not_serve(tmp_path, guanxi, url):
    assert_refused(guanxi(tmp_path, "serve", GUANXI_JWT_SECRET=SECRET, REDIS_URL=url), WRONG_REDIS)
