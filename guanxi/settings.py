"""What the operator sets, once, from the environment."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, Field, IPvAnyNetwork, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.limits import DEFAULT_LIMITS, Limits
from graph.periods import Periods
from graph.words import PluginStage
from plugins.isolation.modes import Isolation, Mode
from recommenders.purposes import DEFAULT_LIMITS as DEFAULT_PURPOSES
from recommenders.purposes import PurposeLimits

LEAST_SECRET: Final = 32
NEW_STAGES: Final = (PluginStage.DRAFT, PluginStage.SHADOW, PluginStage.LIVE)


class Settings(BaseSettings):
    """Settings of every command; each is read from ``GUANXI_<NAME>`` or, for the store, ``NEO4J_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="GUANXI_",
        frozen=True,
        use_attribute_docstrings=True,
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    home: Path = Path(".guanxi")
    """Folder of the embedded store, the models and the secrets guanxi makes for itself."""
    plugins: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders with plugin files, separated as in PATH."""
    without: Annotated[tuple[str, ...], NoDecode] = ()
    """Plugins that the bank does not run, separated by commas: shipped programmes, such as ``campus,tobacco``, and what
    is installed."""
    jobs: Annotated[tuple[str, ...], NoDecode] = ()
    """Jobs, separated by commas, that servers do beside those that are on by default: names, ``all``, or ``-NAME`` for
    one that they shall not do; ``guanxi jobs`` lists them."""
    plugin_settings: Path | None = None
    """TOML file of plugins' settings, a table a plugin; without it, ``plugins.toml`` in the home, if it is there."""
    plugin_isolation: Mode = "thread"
    """Where plugins that are not shipped run: in threads, or, with ``process``, each in a process of its own."""
    plugin_memory_mb: int = Field(default=512, ge=16)
    """How much address space such a process may use beyond what guanxi itself needs there, in MB."""
    plugin_fit_seconds: float = Field(default=600.0, gt=0, le=604_800)
    """How long a recommender of such a plugin may take to learn, in seconds, up to 7 days; a process is ended then."""
    plugin_fit_memory_mb: int = Field(default=2048, ge=16)
    """How much address space the process may use in which it learns, beyond what guanxi itself needs there, in MB."""
    plugin_job_memory_mb: int = Field(default=2048, ge=16)
    """How much address space a job of such a plugin may use beyond what guanxi itself needs there, in MB."""
    new_plugins: Literal[PluginStage.DRAFT, PluginStage.SHADOW, PluginStage.LIVE] = PluginStage.LIVE
    """The stage of plugins on which nobody has decided, other than guanxi's own: draft, shadow or live."""
    neo4j_uri: str | None = Field(default=None, validation_alias=AliasChoices("NEO4J_URI"))
    """Bolt address of a Neo4j; without it the embedded store is used."""
    neo4j_username: str = Field(default="neo4j", validation_alias=AliasChoices("NEO4J_USERNAME"))
    """User of that Neo4j."""
    neo4j_password: SecretStr = Field(default=SecretStr(""), validation_alias=AliasChoices("NEO4J_PASSWORD"))
    """Password of that user."""
    neo4j_database: str = Field(default="neo4j", validation_alias=AliasChoices("NEO4J_DATABASE"))
    """Database on that Neo4j."""
    store_retry_seconds: float = Field(default=2.0, ge=0, allow_inf_nan=False)
    """How long a read or write is tried again, in seconds, before the store counts as down."""
    origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Web origins, separated by commas, whose pages may call the API from a browser."""
    hsts_seconds: int = Field(default=0, ge=0)
    """How long browsers shall come by HTTPS alone, in seconds; 0 says nothing of it. Set it where TLS is in front."""
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    """Addresses or networks, separated by commas, of the proxies whose ``X-Forwarded-`` headers are believed."""
    federation: bool = False
    """Serve as a subgraph of Apollo Federation: Customer, Offer and Product are entities of a supergraph."""
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
    """Required ``aud`` of a token; where a token has several, one of them."""
    jwt_leeway_seconds: float = Field(default=10.0, ge=0, le=300)
    """How far the clocks of token issuer and server may differ, in seconds."""
    jwt_keys_kept_seconds: float = Field(default=3_600.0, ge=0, allow_inf_nan=False)
    """How long known keys of a key set hold, in seconds, while it cannot be read."""
    redis_url: SecretStr | None = Field(default=None, validation_alias=AliasChoices("REDIS_URL"))
    """Redis through which servers and their workers share events; without it each tells its own subscribers only."""
    redis_prefix: str = "guanxi"
    """What the Redis channel's name begins with: one for each bank on a Redis."""
    decision_secret: SecretStr | None = None
    """Secret that signs offer ids, 32 bytes or more; without it one is made and kept in the home."""
    webhook_secret: SecretStr | None = None
    """Secret that webhooks' own are derived of, 32 bytes or more; without it one is made and kept in the home."""
    webhook_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    """Networks, separated by commas, in which receivers of webhooks may be, beside the public Internet."""
    webhook_attempts: int = Field(default=8, ge=1, le=20)
    """How often a delivery is tried."""
    webhook_backoff_seconds: float = Field(default=15.0, gt=0, le=3_600)
    """Seconds from a delivery's first try to the second; each next wait is four times as long."""
    webhook_timeout_seconds: float = Field(default=15.0, gt=0, le=60)
    """How long a receiver's answer is waited for, in seconds, from looking up its name to the status."""
    webhook_concurrent: int = Field(default=4, ge=1, le=100)
    """How many deliveries one server sends to a webhook at once."""
    erasure_secret: SecretStr | None = None
    """Secret that erasures are proved by, 32 bytes or more, and never another; without it one is made and kept in the
    home."""
    audit_secret: SecretStr | None = None
    """Secret of the audit log, 32 bytes or more; without it one is made and kept in the home."""
    log_format: Literal["text", "json"] = "text"
    """Whether a server's log is lines of text or of JSON."""
    log_level: Literal["info", "warning", "error"] = "info"
    """The least that a server logs; ``info`` has a line for each operation."""
    metrics_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port that Prometheus' metrics are served on, at ``/metrics``; without it they are not served."""
    metrics_host: str = "127.0.0.1"
    """Address of that port; whoever reaches it reads the metrics."""
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    )
    """Collector that traces go to, by OTLP over HTTP; the exporter reads it and the others of its settings itself."""

    limit: Limits = DEFAULT_LIMITS
    """What one request, and one client, may ask: ``GUANXI_LIMIT_DEPTH`` and the others of docs/limits.md."""
    keep: Periods = Periods()
    """How many months what is kept: ``GUANXI_KEEP_INTERACTIONS`` and the others of docs/data-protection.md."""
    trusted_documents: Path | None = None
    """Manifest of registered operations, or a folder of such: with it no other operation runs."""
    protected: Annotated[tuple[str, ...], NoDecode] = ()
    """Columns of the customers' file, separated by commas, that no feature is made of, such as ``gender``."""

    purpose_limits: Annotated[PurposeLimits, NoDecode] = DEFAULT_PURPOSES
    """Kinds of data and what alone they may serve, such as ``activity=category:loan; relations=nothing``; see
    docs/data-protection.md. A tobacco retailer's membership serves its programme unless this says otherwise."""

    @field_validator("new_plugins", mode="before")
    @classmethod
    def _of_new_plugins(cls, value: object) -> object:
        if value not in NEW_STAGES:
            raise PydanticCustomError("literal_error", "Input should be 'draft', 'shadow' or 'live'")
        return PluginStage(str(value))

    @field_validator("purpose_limits", mode="before")
    @classmethod
    def _as_limits(cls, value: object) -> object:
        return PurposeLimits.parsed(value) if isinstance(value, str) else value

    @field_validator("plugins", mode="before")
    @classmethod
    def _split_like_path(cls, value: object) -> object:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("jobs", "without", "origins", "protected", "trusted_proxies", "webhook_networks", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("jwt_secret", "decision_secret", "webhook_secret", "erasure_secret", "audit_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < LEAST_SECRET:
            raise ValueError(f"a secret has {LEAST_SECRET} characters or more")
        return value

    @property
    def isolation(self) -> Isolation:
        """Where plugins that are not shipped run."""
        return Isolation(
            self.plugin_isolation, self.plugin_memory_mb, self.plugin_fit_seconds, self.plugin_fit_memory_mb
        )

    @property
    def failures_dir(self) -> Path:
        """Folder of the reports of plugins' failures."""
        return self.home / "failures"

    @property
    def models_dir(self) -> Path:
        """Folder of the model artefacts."""
        return self.home / "models"
