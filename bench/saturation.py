"""Requests a second over HTTP at saturation, with wrk, in turns with the gateways that are installed beside.

BENCH_LITELLM is LiteLLM's program (`pip install 'litellm[proxy]'`, in an environment of its own),
BENCH_PORTKEY Portkey's (`npm install @portkey-ai/gateway`; build/start-server.js in it).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import stage
from bench.contenders import chat_body
from tests.ports import free_port

CONNECTIONS, SECONDS, ROUNDS = 32, 8, 3
WARM_UP_CONNECTIONS = 8
# A web process takes connections before it is ready, and loads with its first call what calls need: for
# extraction, dictionaries of many languages.
WARM_UP_CALLS, WARM_UP_SECONDS, MOST_WARM_UPS = 400, 5, 12
_MASTER_KEY = "sk-local-benchmark-key"
_LUA = """
local tokens, body = {%s}, [==[%s]==]
local n = 0
function init(args)
  math.randomseed(os.time() + tonumber(tostring({}):sub(-6), 16))
  n = math.random(#tokens)
end
function request()
  n = n + 1
  local bearer = "Bearer " .. tokens[n %% #tokens + 1]
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = bearer%s}
  return wrk.format("POST", nil, headers, (body:gsub("@NUMBER@", math.random(1e9) .. "-" .. n)))
end
function done(summary, latency)
  local failed = summary.errors
  io.write(string.format('JSON{"requests":%%d,"seconds":%%.3f,"p50_ms":%%.1f,"p95_ms":%%.1f,"errors":%%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who takes the body by POST. "@NUMBER@" in it is another text in each request."""

    name: str
    url: str
    body: bytes
    tokens: Sequence[str]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted. Times in milliseconds; `errors` are those of the connection and statuses over 399."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    errors: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def warm_up(target: Target, *, calls: int = WARM_UP_CALLS, most: int = MOST_WARM_UPS) -> None:
    """Ask until so many were answered, or in `most` runs of WARM_UP_SECONDS."""
    answered = 0
    for _ in range(most):
        answered += load(target, connections=WARM_UP_CONNECTIONS, seconds=WARM_UP_SECONDS).requests
        if answered >= calls:
            return


def is_possible() -> bool:
    return shutil.which("wrk") is not None


def load(target: Target, *, connections: int = CONNECTIONS, seconds: float = SECONDS) -> Load:
    """One run of wrk."""
    headers = "".join(f', ["{name}"] = "{value}"' for name, value in target.headers.items())
    quoted = ",".join(f'"{token}"' for token in target.tokens)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_LUA % (quoted, target.body.decode(), headers))
        script.flush()
        command = [
            "wrk",
            "-t2",
            f"-c{connections}",
            f"-d{seconds:.0f}s",
            "--timeout",
            "60s",
            "-s",
            script.name,
        ]
        told = subprocess.run([*command, target.url], capture_output=True, text=True, check=True).stdout
    found = re.search(r"JSON(\{.*\})", told)
    if found is None:
        raise RuntimeError(f"wrk said nothing of its run: {told[-500:]}")
    return Load(**json.loads(found[1]))


def door(root: str, path: str, tokens: Sequence[str]) -> Target:
    return Target("door", root + path, chat_body(), tokens)


def extraction(root: str, tokens: Sequence[str]) -> Target:
    """Each request another posting, since a known one is given again without a call."""
    text = "Backend Engineer at Jua Logistics. You write Python and know PostgreSQL. Opening @NUMBER@."
    url = f"{root}/api/v1/job-extractor/extract"
    return Target("extraction", url, json.dumps({"text": text}).encode(), tokens)


@contextmanager
def peers(upstream: str) -> Iterator[list[Target]]:
    """The gateways that are installed, running."""
    plain = _plain_body()
    with ExitStack() as running:
        found = []
        custom = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream}/v1"}
        for name, starting, token, headers in (
            ("litellm", _litellm(upstream), _MASTER_KEY, {}),
            ("portkey", _portkey(), stage.KEY, custom),
        ):
            try:
                root = running.enter_context(starting)
            except stage.NotStarted as error:
                print(f"{name} is left out: {error}")
                continue
            if root:
                found.append(Target(name, f"{root}/v1/chat/completions", plain, [token], headers))
        yield found


@contextmanager
def _litellm(upstream: str) -> Iterator[str]:
    """The root of one with two workers and no database, which is as quick as it gets; empty where there is
    none."""
    program = os.environ.get("BENCH_LITELLM", "")
    if not program:
        yield ""
        return
    port, model = free_port(), stage.VENDORS["openai"][2]
    served = {"model": f"openai/{model}", "api_base": f"{upstream}/v1", "api_key": "sk-x"}
    settings = {
        "model_list": [{"model_name": model, "litellm_params": served}],
        "general_settings": {"master_key": _MASTER_KEY},
        "litellm_settings": {"request_timeout": 600, "set_verbose": False, "json_logs": True},
        "router_settings": {"num_retries": 0},
    }
    with tempfile.TemporaryDirectory() as folder:
        # JSON is YAML.
        config = Path(folder) / "litellm.yaml"
        config.write_text(json.dumps(settings))
        command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        quick = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        # Importing takes its workers longer than the five seconds after which they are replaced, for ever.
        patient = ["--num_workers", "2", "--timeout_worker_healthcheck", str(int(stage.PATIENCE_SECONDS))]
        # It ends at once where its database is named and empty.
        ours = ("DATABASE_URL", "REDIS_URL")
        environment = quick | {"LITELLM_MASTER_KEY": _MASTER_KEY}
        with stage.process([*command, *patient], port, without=ours, **environment):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def _portkey() -> Iterator[str]:
    """The root of one; empty where there is none."""
    program = os.environ.get("BENCH_PORTKEY", "")
    if not program:
        yield ""
        return
    port = free_port()
    command = ["node", program, f"--port={port}", "--headless"]
    with stage.process(command, port, TRUSTED_CUSTOM_HOSTS="127.0.0.1,localhost"):
        yield f"http://127.0.0.1:{port}"


def vendor_alone(root: str) -> Target:
    """The upstream, asked what the door asks it."""
    return Target("vendor alone", f"{root}/v1/chat/completions", _plain_body(), [stage.KEY])


def _plain_body() -> bytes:
    """The door's question with the vendor's own name of the model."""
    return json.dumps(json.loads(chat_body()) | {"model": stage.VENDORS["openai"][2]}).encode()


def compare(
    targets: Sequence[Target], *, rounds: int = ROUNDS, connections: int = CONNECTIONS
) -> dict[str, list[Load]]:
    """Each in turn, so that what else the machine does falls on all of them."""
    found: dict[str, list[Load]] = {target.name: [] for target in targets}
    for target in targets:
        warm_up(target)
    for _ in range(rounds):
        for target in targets:
            found[target.name].append(load(target, connections=connections))
    return found


def table(loads: dict[str, list[Load]]) -> str:
    """One row each: medians, and the sum of errors."""
    rows = [f"{'over HTTP':14} {'req/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'errors':>7}"]
    for name, rounds in loads.items():
        rate, p50, p95 = (
            statistics.median(getattr(one, figure) for one in rounds)
            for figure in ("rate", "p50_ms", "p95_ms")
        )
        rows.append(f"{name:14} {rate:8.0f} {p50:8.1f} {p95:8.1f} {sum(one.errors for one in rounds):7}")
    return "\n".join(rows)
