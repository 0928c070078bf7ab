"""The registered operations that the settings name."""

from api.manifests import read_manifests
from guanxi.settings import Settings


def trusted_texts(settings: Settings) -> dict[str, str] | None:
    """Return the only texts that run, by their ids; None where every operation does.

    Raises:
        SettingsError: they cannot be read.
    """
    return read_manifests(settings.trusted_documents) if settings.trusted_documents else None
