"""What is measured, and who may read it."""

from pathlib import Path

from accounts.client_addresses import networks
from aditus.settings.environment import DATA_DIR, env

# `/metrics` is there when at least one of these is set; a reader has to meet each that is.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_ALLOWED_NETWORKS = networks(
    env.str("METRICS_ALLOWED_NETWORKS", default=""), what="METRICS_ALLOWED_NETWORKS is"
)
METRICS_ENABLED = bool(METRICS_TOKEN or METRICS_ALLOWED_NETWORKS)
# Where the processes of one server add up their counts; of this machine only, and lost without harm.
METRICS_DIR = Path(env.str("METRICS_DIR", default=str(DATA_DIR / "metrics")))
# Where a worker answers, as 0.0.0.0:9808. It has no web server, so it opens one for this alone.
METRICS_WORKER_ADDRESS = env.str("METRICS_WORKER_ADDRESS", default="")
# Where an OpenTelemetry collector takes OTLP over HTTP, as http://collector:4318; empty: nothing is sent. Its
# own variables (OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER…) hold as well.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
