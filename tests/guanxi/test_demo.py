"""``guanxi demo`` as a newcomer runs it: interrupted, begun anew, and a second time."""

import os
import re
import signal
import socket
import subprocess
from types import SimpleNamespace

import httpx
import pytest

from api.roles import Role
from graph.imports import import_rows
from guanxi.commands.demo import QUERIES
from guanxi.settings import Settings
from guanxi.showing import keys_to_show
from tests.waiting import PATIENCE

SIZE = 40


@pytest.fixture(scope="module")
def demo(command):
    """Return a function: run ``guanxi demo`` until it says a line, ask what it serves, and stop it with Ctrl-C."""

    def run(home, until, ask=lambda _: None):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        arguments = command(home, "demo", "--customers", SIZE, "--port", port, PYTHONUNBUFFERED="1")
        running = subprocess.Popen(**arguments, stdout=subprocess.PIPE, start_new_session=True)
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith(until):
                break
        said = "".join(lines)
        answers = ask(said)
        os.killpg(running.pid, signal.SIGINT)
        running.communicate(timeout=PATIENCE)
        return SimpleNamespace(said=said, code=running.returncode, answers=answers)

    return run


@pytest.fixture(scope="module")
def runs(demo, tmp_path_factory):
    """A first run interrupted while it loads, the next, and one more in the home that it named."""
    home = tmp_path_factory.mktemp("home")
    broken_off = demo(home, "$ guanxi load")
    first = demo(home, "Stop with", ask_all)
    own_home = re.search(r"GUANXI_HOME=(\S+)", first.said)[1]
    second = demo(own_home, "Stop with", ask_all)
    return SimpleNamespace(home=home, own_home=own_home, broken_off=broken_off, first=first, second=second)


def ask_all(said):
    """What each printed query is answered, with the printed token of its role."""
    url = re.search(r"GraphiQL: (\S+)", said)[1]
    bearers = tokens(said)
    answers = {}
    for role, query in QUERIES.values():
        assert f"({role}):\n{query}\n" in said
        headers = {"Authorization": f"Bearer {bearers[role]}"}
        answers[role] = httpx.post(url, json={"query": query}, headers=headers, timeout=PATIENCE).json()
    return answers


def tokens(said):
    return {role: token for role in Role for token in re.findall(rf"\n{role} ?\S*\n(\S+)\n", said)}


def keys(said):
    return re.findall(rf"^({'|'.join(Role)}) ?(\S*)$", said, re.MULTILINE)


@pytest.mark.embedded
def test_it_prints_a_token_for_each_role_and_a_query_that_works_for_each_user(runs):
    answers = runs.first.answers

    assert [role for role, _ in keys(runs.first.said)] == list(Role)
    assert [answer for answer in answers.values() if "errors" in answer] == []
    assert answers[Role.CUSTOMER]["data"]["viewer"]["customer"]["offers"]
    assert answers[Role.RELATIONSHIP_MANAGER]["data"]["customers"]["nodes"]
    assert {"name": "als", "state": "ready"}.items() <= answers[Role.MARKETING]["data"]["recommenders"][0].items()


@pytest.mark.embedded
def test_a_run_that_was_broken_off_is_finished_by_the_next(runs):
    assert runs.broken_off.code == 130
    assert re.findall(r"^\$ guanxi (\w+)", runs.broken_off.said, re.MULTILINE) == ["sample", "load"]
    assert re.findall(r"^\$ guanxi (\w+)", runs.first.said, re.MULTILINE) == ["load", "train"]
    assert f"customers.csv: {SIZE} read" in runs.first.said


@pytest.mark.embedded
def test_a_second_run_loads_and_trains_nothing_and_shows_the_same(runs):
    assert "$ guanxi" not in runs.second.said
    assert keys(runs.second.said) == keys(runs.first.said)
    for role in (Role.CUSTOMER, Role.RELATIONSHIP_MANAGER):
        assert runs.second.answers[role] == runs.first.answers[role]


@pytest.mark.embedded
def test_in_the_home_it_named_it_takes_up_the_same_demo(runs):
    assert runs.own_home == str(runs.home / "demo")
    assert not (runs.home / "demo" / "demo").exists()


def test_without_the_embedded_store_it_says_how_to_install_it(guanxi, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['arcadedb_embedded'] = None\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    done = guanxi(tmp_path, "demo", "--port", port, PYTHONPATH=str(tmp_path), NEO4J_URI="bolt://127.0.0.1:1")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The demo needs the embedded store: pip install 'guanxi[embedded]', or make demo.\n"


async def test_a_bank_without_partners_and_managers_has_no_tokens_for_them(empty_store, login, tmp_path, monkeypatch):
    for name, value in zip(("URI", "USERNAME", "PASSWORD", "DATABASE"), login, strict=True):
        monkeypatch.setenv(f"NEO4J_{name}", value)
    own = {"customer_no": "C1", "kind": "person"}
    await import_rows(empty_store, "customers", [{"key": "C1", "digest": "d", "properties": own}])

    assert await keys_to_show(Settings(home=tmp_path)) == {Role.CUSTOMER: "C1", Role.MARKETING: "", Role.ADMIN: ""}
