import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from guanxi.settings import Settings
from recommenders.purposes import DEFAULT_LIMITS


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


def test_trusted_proxies_are_addresses_and_networks(monkeypatch):
    monkeypatch.setenv("GUANXI_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7,::1")

    assert [str(proxy) for proxy in Settings().trusted_proxies] == ["10.0.0.0/8", "192.0.2.7/32", "::1/128"]


@pytest.mark.parametrize("named", ["*", "proxy.bank", "10.0.0.1/8"])
def test_what_is_no_address_is_no_trusted_proxy(monkeypatch, named):
    monkeypatch.setenv("GUANXI_TRUSTED_PROXIES", named)

    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings()


def test_purpose_limits_are_read_over_the_default_or_refused_with_what_is_wrong(monkeypatch):
    assert Settings().purpose_limits == DEFAULT_LIMITS

    monkeypatch.setenv("GUANXI_PURPOSE_LIMITS", "activity=category:loan")
    assert Settings().purpose_limits.kinds == {"membership:tobacco", "activity"}

    monkeypatch.setenv("GUANXI_PURPOSE_LIMITS", "activity=LOAN")
    with pytest.raises(
        ValidationError, match=r"purpose_limits\n.*'LOAN' names no products: those are programme:PROGRAMME"
    ):
        Settings()


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e10", "604801"])
def test_the_time_to_learn_is_seven_days_at_most(monkeypatch, seconds):
    monkeypatch.setenv("GUANXI_PLUGIN_FIT_SECONDS", seconds)

    with pytest.raises(ValidationError, match=r"plugin_fit_seconds\n +Input should be less than or equal to 604800"):
        Settings()


@pytest.mark.parametrize("seconds", ["inf", "nan"])
@pytest.mark.parametrize("name", ["store_retry_seconds", "jwt_keys_kept_seconds"])
def test_a_time_without_end_is_none(monkeypatch, name, seconds):
    monkeypatch.setenv(f"GUANXI_{name.upper()}", seconds)

    with pytest.raises(ValidationError, match=rf"{name}\n +Input should be a finite number"):
        Settings()
