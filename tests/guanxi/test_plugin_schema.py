"""``guanxi plugins schema`` and ``guanxi documents register``, as a front-end team uses them beside plugins."""

import pytest
from graphql import build_schema

from api.schema import printed
from tests.api.test_plugin_fields import BED, HOSPITAL

QUERY = "query Ward { viewer { customer { hospital { ward(beds: 1) { name } } } } }"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "hospital.py").write_text(HOSPITAL)
    (tmp_path / "app.graphql").write_text(QUERY)
    return tmp_path


def test_it_prints_the_schema_with_the_loaded_plugins(guanxi, folder):
    ran = guanxi(folder, "plugins", "schema", GUANXI_PLUGINS=str(folder / "plugins"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "ward" in build_schema(ran.stdout).type_map["HospitalCustomer"].fields


def test_it_writes_a_file_and_says_which_plugins_are_not_in_it(guanxi, folder):
    (folder / "plugins" / "hospital.py").write_text(HOSPITAL.replace('"Its number."', ""))
    ran = guanxi(folder, "plugins", "schema", "--out", folder / "own.graphql", GUANXI_PLUGINS=str(folder / "plugins"))
    assert ran.returncode == 1
    assert "Without the plugin hospital" in ran.stderr
    assert "Bed.number has no description" in ran.stderr
    assert (folder / "own.graphql").read_text() == printed()


def test_a_list_tells_what_is_not_in_it(guanxi, folder):
    (folder / "plugins" / "page.py").write_text(BED)

    listed = guanxi(folder, "plugins", GUANXI_PLUGINS=str(folder / "plugins"))

    assert (listed.returncode, listed.stderr) == (0, "")
    [line] = [line for line in listed.stdout.splitlines() if line.startswith("page ")]
    assert line.split()[1] == "failing"
    assert "schema: " in line
    assert "Type PageInfo is defined multiple times" in line


def test_a_place_that_cannot_be_written_is_told(guanxi, folder):
    ran = guanxi(folder, "plugins", "schema", "--out", folder / "none" / "own.graphql")
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"{folder}/none/own.graphql cannot be written: ")


def test_documents_are_registered_against_the_schema_with_plugins(guanxi, folder):
    out = ("--out", folder / "trusted.json")
    ran = guanxi(folder, "documents", "register", folder / "app.graphql", *out, GUANXI_PLUGINS=str(folder / "plugins"))
    assert ran.returncode == 0, ran.stderr
    ran = guanxi(folder, "documents", "register", folder / "app.graphql", *out)
    assert ran.returncode == 2
    assert "hospital" in ran.stderr
