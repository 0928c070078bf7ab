"""Makes the rules for tokens of the settings, for those who check tokens and those who issue them."""

from api.key_sets import Pace
from api.tokens import TokenRules
from graph.errors import SettingsError
from guanxi.secret_files import kept
from guanxi.settings import Settings


def token_rules(settings: Settings) -> TokenRules:
    """Return what makes a token valid.

    Raises:
        SettingsError: no key is set, or it does not fit the algorithm.
    """
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    symmetric = settings.jwt_algorithm == "HS256"
    if symmetric and settings.jwt_jwks is not None:
        raise SettingsError("A key set needs GUANXI_JWT_ALGORITHM=RS256 or ES256.")
    if not symmetric and settings.jwt_jwks is None:
        raise SettingsError(f"{settings.jwt_algorithm} needs GUANXI_JWT_JWKS, the file or URL of a key set.")
    if symmetric and secret is None:
        if not settings.development:
            raise SettingsError("Set GUANXI_JWT_SECRET or GUANXI_JWT_JWKS, or GUANXI_DEVELOPMENT=1 to try things out.")
        secret = kept(settings.home / "jwt.secret")
    return TokenRules(
        settings.jwt_algorithm, settings.jwt_issuer, settings.jwt_audience, secret if symmetric else None,
        settings.jwt_jwks, Pace(kept=settings.jwt_keys_kept_seconds), settings.jwt_leeway_seconds,
    )  # fmt: skip
