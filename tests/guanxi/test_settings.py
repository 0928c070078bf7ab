import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from guanxi.settings import Settings


def test_plugin_folders_are_split_as_in_path(monkeypatch):
    monkeypatch.setenv("GUANXI_PLUGINS", os.pathsep.join(["one", "two", ""]))

    assert Settings().plugins == (Path("one"), Path("two"))


def test_the_store_is_named_as_in_neo4js_own_tools(monkeypatch):
    monkeypatch.setenv("NEO4J_URI", "neo4j://bank")
    monkeypatch.setenv("NEO4J_PASSWORD", "hidden")

    settings = Settings()

    assert settings.neo4j_uri == "neo4j://bank"
    assert "hidden" not in repr(settings)


def test_an_unknown_token_algorithm_is_refused(monkeypatch):
    monkeypatch.setenv("GUANXI_JWT_ALGORITHM", "none")

    with pytest.raises(ValidationError, match="jwt_algorithm"):
        Settings()
