"""Sends traces to the collector that OpenTelemetry's own settings name: ``OTEL_EXPORTER_OTLP_ENDPOINT`` and others."""

from collections.abc import Callable
from importlib.metadata import version

from opentelemetry import trace

from graph.errors import SettingsError
from guanxi.settings import Settings


def check_exporter(settings: Settings) -> None:
    """Look whether traces can be sent where they shall be.

    Raises:
        SettingsError: the extra that sends them is not installed.
    """
    if settings.otlp_endpoint is None:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: F401 - for its absence
    except ModuleNotFoundError as error:
        raise SettingsError("OTEL_EXPORTER_OTLP_ENDPOINT needs the extra: pip install 'guanxi[telemetry]'.") from error


def export_traces(settings: Settings) -> Callable[[], object]:
    """Begin to send this process's traces, where a collector is named; return what sends the rest at the end."""
    check_exporter(settings)
    if settings.otlp_endpoint is None:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = Resource({"service.name": "guanxi", "service.version": version("guanxi")})
    provider = TracerProvider(resource=about.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown
