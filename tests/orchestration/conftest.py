import pytest

from accounts import concurrency
from orchestration.calls.orchestrator import AIOrchestrator
from tests.factories import make_config
from tests.sandbox import Halfway, running_sandbox


@pytest.fixture
def config_at(sandbox):
    """Make an active provider whose vendor is the sandbox, misbehaving as the model's name says."""
    return configs_at(sandbox)


@pytest.fixture
def halfway():
    """A vendor in the middle of every answer: however slow this machine is, it is not all there when its
    reader leaves."""
    with running_sandbox(Halfway()) as server:
        yield server


def configs_at(vendor):
    """Makes active providers of such a vendor."""

    def make(model_name="sandbox-mini", *, provider_type="openai", **overrides):
        keys = {"gemini": "AIza-test-key-0123456789abcdef", "claude": "sk-ant-test-0123456789"}
        return make_config(
            provider_type=provider_type,
            model_name=model_name,
            base_url=vendor.base_url(provider_type),
            api_key=keys.get(provider_type, "sk-test-0123456789abcdef"),
            **overrides,
        )

    return make


@pytest.fixture
def ask(user):
    """Ask the orchestrator as Alice, or as whom `user` names, and wait for the answer."""

    def generate(prompt="Say hello.", *, task="extraction", **arguments):
        arguments.setdefault("user", user)
        return concurrency.run(AIOrchestrator().generate(task=task, prompt=prompt, **arguments))

    return generate


@pytest.fixture
def no_pauses(monkeypatch):
    """The pause before a request is tried again is drawn at random, which is the outermost seam there is."""
    monkeypatch.setattr("orchestration.calls.loop._jittered", lambda: 0.0)
