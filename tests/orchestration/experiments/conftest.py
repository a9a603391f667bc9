from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.audit import Actor
from orchestration.models import CallFeedback, Experiment, ExperimentArm
from tests.factories import make_config, make_user
from usage.models import AIProviderUsageLog

ACTOR = Actor.of_command("test")


def make_experiment(*arms, task="extraction", **overrides):
    """A draft, or what `overrides` say; its arms are dicts of what sets them apart, named A, B, …"""
    experiment = Experiment.objects.create(name=overrides.pop("name", "Trial"), task=task, **overrides)
    for letter, ways in zip("ABCDEF", arms, strict=False):
        ExperimentArm.objects.create(experiment=experiment, **({"name": letter} | ways))
    return experiment


def arms_of(experiment):
    return list(experiment.arms.order_by("pk"))


def make_call(arm, request_id, *, user=None, cost="0.001", rating=None, **overrides):
    """One settled attempt of a request in `arm` (800 ms; `cost` in USD, None: unknown), and its rating."""
    worked = overrides.get("status", "success") == "success"
    fields = {
        "user": user,
        "experiment_arm": arm.pk,
        "task_type": arm.experiment.task,
        "provider_type": "openai",
        "model_name": "gpt-5-mini",
        "request_id": request_id,
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "usage_source": "vendor",
        "estimated_cost_usd": None if cost is None else Decimal(cost),
        "is_free": cost is not None and not Decimal(cost),
        "status": "success",
        "error_kind": "" if worked else "server",
        "latency_ms": 800,
        "created_at": timezone.now() - timedelta(hours=1),
        "settled_at": timezone.now(),
    }
    row = AIProviderUsageLog.objects.create(**(fields | overrides))
    if rating is not None:
        CallFeedback.objects.create(request_id=request_id, user=user, rating=rating)
    return row


@pytest.fixture
def people():
    return [make_user(f"person{number}@example.com") for number in range(6)]


@pytest.fixture
def gemini():
    return make_config(provider_type="gemini", model_name="gemini-2.5-flash", display_name="Gemini")


@pytest.fixture
def openai():
    return make_config(model_name="gpt-5-mini", display_name="OpenAI", default_for_extraction=True)
