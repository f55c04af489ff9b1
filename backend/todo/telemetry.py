"""Logs as JSON lines with trace ids, and metrics for Prometheus. FastAPI creates the spans and measures the requests.

Sources: https://www.structlog.org/en/stable/standard-library.html, https://www.w3.org/TR/trace-context/
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import metrics, propagate, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

PROBES = ("/api/health", "/api/ready", "/metrics")


def configure() -> None:
    """Set up logs, traces and metrics of this process. Call it once, before `create_app`."""
    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader(scope_info_enabled=False)]))
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        _add_trace,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Local variables may hold tokens and keys.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # At INFO it logs every request that the app makes.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").addFilter(_is_logged)


def traceparent() -> str | None:
    """Return the current trace as a W3C traceparent, for later work that belongs to it."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def _is_logged(record: logging.LogRecord) -> bool:
    # uvicorn's arguments: client, method, path with query, HTTP version, status.
    match record.args:
        case (_, _, str(path), _, int(status)):
            return status >= 400 or path.partition("?")[0] not in PROBES  # noqa: PLR2004
        case _:
            return True


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
        event["span_id"] = trace.format_span_id(span.span_id)
    return event
