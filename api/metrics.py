"""The metrics, all of them; the help text of each says what it tells.

No label tells a person: labels are names of operations, codes, roles' and plugins' words. Where several workers serve,
each writes its own values, and whoever reads them adds them up.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)

OPERATIONS: Final = Counter(
    "guanxi_operations",
    "Operations by name, type and outcome: ok, partial (data and errors) or failed.",
    ["operation", "type", "outcome"],
    registry=REGISTRY,
)
OPERATION_SECONDS: Final = Histogram(
    "guanxi_operation_duration_seconds",
    "Time from a request to its response; subscriptions are not in it.",
    ["operation", "type"],
    registry=REGISTRY,
    buckets=SECONDS,
)
RESPONSES: Final = Counter(
    "guanxi_http_responses", "Responses of /graphql by HTTP status; none where the client left.", ["status"],
    registry=REGISTRY,
)  # fmt: skip
ERRORS: Final = Counter("guanxi_errors", "Operations that had an error of a code.", ["code"], registry=REGISTRY)
SUBSCRIPTIONS: Final = Gauge(
    "guanxi_subscriptions_open", "Subscriptions that listen now.", registry=REGISTRY, multiprocess_mode="livesum"
)
LOADER_SIZES: Final = Histogram(
    "guanxi_loader_batch_size", "Keys that a DataLoader read together.", ["loader"], registry=REGISTRY, buckets=SIZES
)
ENGINE_SIZES: Final = Histogram(
    "guanxi_engine_batch_size", "Customers whose offers were decided together.", registry=REGISTRY, buckets=SIZES
)
ENGINE_SECONDS: Final = Histogram(
    "guanxi_engine_batch_duration_seconds", "Time to decide such a batch.", registry=REGISTRY, buckets=SECONDS
)
STORE_CONNECTIONS: Final = Gauge(
    "guanxi_store_connections_max", "Connections to the store that may be open at once.",
    registry=REGISTRY, multiprocess_mode="livesum",
)  # fmt: skip
STORE_IN_FLIGHT: Final = Gauge(
    "guanxi_store_queries_in_flight", "Queries that hold a connection to the store, or wait for one.",
    registry=REGISTRY, multiprocess_mode="livesum",
)  # fmt: skip
STORE_SECONDS: Final = Histogram(
    "guanxi_store_query_duration_seconds", "Time of a query, with its retries.", ["access"],
    registry=REGISTRY, buckets=SECONDS,
)  # fmt: skip
STORE_ERRORS: Final = Counter("guanxi_store_errors", "Queries that failed, by error.", ["error"], registry=REGISTRY)
AUDIT_ACTS: Final = Counter(
    "guanxi_audit_acts", "What went into the audit log, by what was done and what came of it.", ["action", "outcome"],
    registry=REGISTRY,
)  # fmt: skip
AUDIT_LEFT_OUT: Final = Counter(
    "guanxi_audit_left_out", "Denied attempts that the audit log has the number of alone, as one client made too many.",
    registry=REGISTRY,
)  # fmt: skip
AUDIT_SECONDS: Final = Histogram(
    "guanxi_audit_append_duration_seconds", "Time to append to the audit log what waited for it.",
    registry=REGISTRY, buckets=SECONDS,
)  # fmt: skip
RECOMMENDER_CALLS: Final = Counter(
    "guanxi_recommender_calls", "Calls of a recommender, each for a batch.", ["recommender"], registry=REGISTRY
)
RECOMMENDER_FAILURES: Final = Counter(
    "guanxi_recommender_failures", "Calls and reasons of a recommender that failed.", ["recommender"],
    registry=REGISTRY,
)  # fmt: skip
RECOMMENDER_SECONDS: Final = Counter(
    "guanxi_recommender_seconds", "Time that a recommender took in all its calls.", ["recommender"], registry=REGISTRY
)
RECOMMENDER_STATES: Final = Gauge(
    "guanxi_recommender_state", "Workers in which a recommender is in a state.", ["recommender", "state"],
    registry=REGISTRY, multiprocess_mode="livesum",
)  # fmt: skip
PLUGIN_STATES: Final = Gauge(
    "guanxi_plugin_state", "Workers in which a plugin is in a state.", ["plugin", "state"],
    registry=REGISTRY, multiprocess_mode="livesum",
)  # fmt: skip
PLUGIN_FAILURES: Final = Counter(
    "guanxi_plugin_failures", "Failures of a plugin's gates, bundles and fields.", ["plugin"], registry=REGISTRY
)
MODEL: Final = Gauge(
    "guanxi_model_in_service", "Workers that a model is in service in; fallback while there is none.", ["model"],
    registry=REGISTRY, multiprocess_mode="livesum",
)  # fmt: skip
MODEL_AS_OF: Final = Gauge(
    "guanxi_model_as_of_timestamp_seconds", "The day up to which the model in service learnt; 0 while there is none.",
    registry=REGISTRY, multiprocess_mode="livemin",
)  # fmt: skip
WEBHOOK_ATTEMPTS: Final = Counter(
    "guanxi_webhook_attempts", "Tries to deliver an event, by what came of it: delivered, retried or failed.",
    ["event", "outcome"], registry=REGISTRY,
)  # fmt: skip
WEBHOOK_SECONDS: Final = Histogram(
    "guanxi_webhook_attempt_duration_seconds", "Time of such a try.", ["event"], registry=REGISTRY, buckets=SECONDS
)
WEBHOOK_PENDING_AGE: Final = Gauge(
    "guanxi_webhook_pending_age_seconds", "Age of the oldest event that a webhook has not got, and is still sent.",
    registry=REGISTRY, multiprocess_mode="livemax",
)  # fmt: skip
WORKERS: Final = Gauge(
    "guanxi_workers", "Server processes, by version.", ["version"], registry=REGISTRY, multiprocess_mode="livesum"
)
