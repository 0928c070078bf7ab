"""Wires the application from the settings; each server process does so for itself."""

from functools import partial

from starlette.applications import Starlette

from api.app import Wiring, create_app
from guanxi.opening import keep_store
from guanxi.secret_files import kept
from guanxi.settings import Settings
from guanxi.token_rules import token_rules
from plugins.host import PluginHost


def app() -> Starlette:
    """Return the application of the environment's settings."""
    return app_of(Settings())


def app_of(settings: Settings) -> Starlette:
    """Return the application of some settings."""
    given = settings.decision_secret
    return create_app(
        Wiring(
            open_store=partial(keep_store, settings),
            host=PluginHost.load(settings.plugins),
            models=settings.models_dir,
            rules=token_rules(settings),
            offer_secret=given.get_secret_value() if given else kept(settings.home / "decision.secret"),
            development=settings.development,
            origins=settings.origins,
            limits=settings.limit,
            trusted=settings.trusted_documents,
        )
    )
