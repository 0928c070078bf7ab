"""``guanxi token``: a bearer token to try things out with."""

from typing import Annotated

import typer

from api.roles import KEYS, Role
from graph.errors import SettingsError
from guanxi.settings import Settings
from guanxi.token_rules import token_rules

OPTIONS = {Role.CUSTOMER: "--customer", Role.RELATIONSHIP_MANAGER: "--manager", Role.PARTNER: "--partner"}
MOST_HOURS = 24 * 365


def token(
    role: Annotated[Role, typer.Option(case_sensitive=False, help="What its bearer is to the bank.")],
    customer: Annotated[str, typer.Option(help="The customer's number, for CUSTOMER.")] = "",
    manager: Annotated[str, typer.Option(help="The manager's number, for RELATIONSHIP_MANAGER.")] = "",
    partner: Annotated[str, typer.Option(help="The partner's code, for PARTNER.")] = "",
    hours: Annotated[float, typer.Option(min=0, max=MOST_HOURS, help="How long it is valid.")] = 12,
) -> None:
    """Print a token, in development mode only (GUANXI_DEVELOPMENT=1)."""
    settings = Settings()
    if not settings.development:
        raise SettingsError("Tokens are issued in development mode only: set GUANXI_DEVELOPMENT=1.")
    if settings.jwt_jwks is not None:
        raise SettingsError("Tokens of a key set are issued where its private key is, not here.")
    given = {Role.CUSTOMER: customer, Role.RELATIONSHIP_MANAGER: manager, Role.PARTNER: partner}
    if role in KEYS and not given[role]:
        raise SettingsError(f"A token of {role} needs {OPTIONS[role]}.")
    typer.echo(token_rules(settings).issue(role, given.get(role, ""), hours=hours))
