"""Wires the application from the settings; each server process does so for itself."""

from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette

from api.app import Share, Wiring, alone, create_app
from api.logs import log_to_stderr
from api.webhooks.rules import WebhookRules
from graph.errors import SettingsError
from guanxi.auditing import audit_secret
from guanxi.hardening import refuse_in_production
from guanxi.opening import keep_store
from guanxi.plugin_loading import load_plugins, warn_of_slips
from guanxi.secret_files import erasure_secret, given_or_kept
from guanxi.settings import Settings
from guanxi.token_rules import token_rules
from guanxi.trace_export import export_traces
from guanxi.work import keep_working


def app() -> Starlette:
    """Return the application of the environment's settings, for a process of its own."""
    settings = Settings()
    log_to_stderr(settings.log_format, settings.log_level, whole=settings.development)
    return app_of(settings, export_traces(settings))


def app_of(settings: Settings, at_end: Callable[[], object] = lambda: None) -> Starlette:
    """Return the application of some settings; ``at_end`` is called when it has ended.

    Raises:
        SettingsError: they must not serve in production.
    """
    refuse_in_production(settings)
    host = load_plugins(settings)
    warn_of_slips(settings, host)
    return create_app(
        Wiring(
            open_store=partial(keep_store, settings),
            host=host,
            models=settings.models_dir,
            rules=token_rules(settings),
            offer_secret=given_or_kept(settings.decision_secret, settings.home / "decision.secret"),
            webhooks=webhook_rules(settings),
            erasure_secret=erasure_secret(settings),
            audit_secret=audit_secret(settings),
            development=settings.development,
            origins=settings.origins,
            hsts_seconds=settings.hsts_seconds,
            share=sharing(settings),
            limits=settings.limit,
            trusted=settings.trusted_documents,
            at_end=at_end,
            federation=settings.federation,
            purposes=settings.purpose_limits,
            work=partial(keep_working, settings=settings),
            new_plugins=settings.new_plugins,
        )
    )


def webhook_rules(settings: Settings) -> WebhookRules:
    """Return how webhooks are sent."""
    return WebhookRules(
        given_or_kept(settings.webhook_secret, settings.home / "webhook.secret"),
        plain=settings.development,
        networks=settings.webhook_networks,
        attempts=settings.webhook_attempts,
        backoff=settings.webhook_backoff_seconds,
        seconds=settings.webhook_timeout_seconds,
        concurrent=settings.webhook_concurrent,
    )


def sharing(settings: Settings) -> Share:
    """Return how servers share events.

    Raises:
        SettingsError: REDIS_URL is wrong, or what it needs is not installed.
    """
    if settings.redis_url is None:
        return alone
    try:
        from api.shared_events import through_redis
    except ModuleNotFoundError as error:
        raise SettingsError("REDIS_URL needs the extra: pip install 'guanxi[redis]'.") from error
    try:
        return through_redis(settings.redis_url.get_secret_value(), settings.redis_prefix)
    except ValueError as error:
        raise SettingsError(
            "REDIS_URL is wrong: it is redis://HOST:PORT, rediss://HOST:PORT or unix://PATH."
        ) from error
