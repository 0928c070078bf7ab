"""What the operator sets, once, from the environment."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of every command; each is read from ``GUANXI_<NAME>`` or, for the store, ``NEO4J_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="GUANXI_", frozen=True, use_attribute_docstrings=True)

    home: Path = Path(".guanxi")
    """Folder of the embedded store, the models and the secrets guanxi makes for itself."""
    plugins: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders with plugin files, separated as in PATH."""
    neo4j_uri: str | None = Field(default=None, validation_alias=AliasChoices("NEO4J_URI"))
    """Bolt address of a Neo4j; without it the embedded store is used."""
    neo4j_username: str = Field(default="neo4j", validation_alias=AliasChoices("NEO4J_USERNAME"))
    """User of that Neo4j."""
    neo4j_password: SecretStr = Field(default=SecretStr(""), validation_alias=AliasChoices("NEO4J_PASSWORD"))
    """Password of that user."""
    neo4j_database: str = Field(default="neo4j", validation_alias=AliasChoices("NEO4J_DATABASE"))
    """Database on that Neo4j."""
    development: bool = False
    """Serve GraphiQL and let ``guanxi token`` issue tokens; never in production."""
    jwt_secret: SecretStr | None = None
    """Secret for HS256 tokens, 32 bytes or more; in development one is made and kept in the home."""
    jwt_jwks: str | None = None
    """File or URL of a JSON Web Key Set, for RS256 and ES256."""
    jwt_algorithm: Literal["HS256", "RS256", "ES256"] = "HS256"
    """The one algorithm tokens may use."""
    jwt_issuer: str = "guanxi"
    """Required ``iss`` of a token."""
    jwt_audience: str = "guanxi"
    """Required ``aud`` of a token."""
    decision_secret: SecretStr | None = None
    """Secret that signs offer ids, 32 bytes or more; without it one is made and kept in the home."""

    @field_validator("plugins", mode="before")
    @classmethod
    def _split_like_path(cls, value: object) -> object:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @property
    def models_dir(self) -> Path:
        """Folder of the model artefacts."""
        return self.home / "models"
