"""Loads the plugins that the settings name: under their own settings, and kept apart as the settings say."""

import logging
import os
from collections.abc import Sequence
from types import ModuleType

from guanxi.settings import Settings
from plugins.failures.reports import FailureReports
from plugins.host import DEFAULT_PLUGINS, PluginHost
from plugins.leaving_out import kept
from plugins.loading import installed
from plugins.settings.held import Sources
from plugins.settings.misspelt import misspelt

logger = logging.getLogger("guanxi")


def load_plugins(settings: Settings, shipped: Sequence[ModuleType] | None = None) -> PluginHost:
    """Return the plugins, under the settings of file and environment; of ours and installed ones, but those left out.

    Their failures are reported in the home.

    Raises:
        SettingsError: the file cannot be read, or there is no plugin that a bank shall do without.
    """
    return PluginHost.load(
        settings.plugins,
        shipped=kept(DEFAULT_PLUGINS, settings.without, installed()) if shipped is None else shipped,
        without=settings.without,
        sources=plugin_sources(settings),
        isolation=settings.isolation,
        reports=FailureReports(settings.failures_dir),
    )


def plugin_sources(settings: Settings) -> Sources:
    """Return what file and environment say of plugins' settings; raises as ``load_plugins``."""
    path = settings.plugin_settings or settings.home / "plugins.toml"
    return Sources.read(path, os.environ, required=settings.plugin_settings is not None)


def slips(settings: Settings, host: PluginHost) -> list[str]:
    """Return, as sentences, what file and environment say of plugins that no plugin has; raises as ``load_plugins``."""
    return misspelt(host, plugin_sources(settings), [f"GUANXI_{name.upper()}" for name in Settings.model_fields])


def warn_of_slips(settings: Settings, host: PluginHost) -> None:
    """Log them; raises as ``load_plugins``."""
    for slip in slips(settings, host):
        logger.warning("%s", slip)
