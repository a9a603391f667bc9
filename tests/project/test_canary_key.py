"""A key with a name, through every way a call can go wrong, and then a search for it in every sink."""

import io
import json
import logging

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Plan
from aditus.logs import JsonFormatter
from providers.registry import PROVIDER_TYPES
from sandbox import faults
from tests.factories import make_config
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "sk-ant-canary-7f3a9c51d2e84b60-do-not-tell"
TELLING = "canary-7f3a9c51d2e84b60"
TEXT = "Backend Engineer. We look for an engineer who writes Python and knows PostgreSQL well."
MISBEHAVIOUR = [
    "",
    *faults.ERRORS,
    "echo",
    "echo@auth",
    "echo@server",
    "disconnect",
    "malformed",
    "broken_json",
]


@pytest.fixture
def log():
    """Everything any logger says, at any level, as the console handler would print it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.slow
@pytest.mark.parametrize("vendor", sorted(PROVIDER_TYPES))
def test_a_key_appears_nowhere_but_in_its_column(api, sandbox, super_admin, log, vendor):
    Plan.objects.update(daily_token_limit=None)
    console = Client()
    console.force_login(super_admin)
    seen = []
    for fault in MISBEHAVIOUR:
        config = make_config(
            provider_type=vendor,
            api_key=CANARY,
            base_url=sandbox.base_url(vendor),
            model_name=f"sandbox-mini@{fault}" if fault else "sandbox-mini",
        )
        reply = api.post("/api/v1/job-extractor/extract", {"text": f"{fault} {TEXT}"}, format="json")
        seen.append(reply.content.decode())
        for name in ("changelist", "change"):
            arguments = [config.pk] if name == "change" else []
            page = console.get(reverse(f"admin:providers_aiproviderconfig_{name}", args=arguments))
            assert page.status_code == 200
            seen.append(page.content.decode())
        config.delete()
    seen.append(console.get(reverse("admin:usage_aiproviderusagelog_changelist")).content.decode())
    make_config(api_key=CANARY)

    dump = io.StringIO()
    call_command("dumpdata", stdout=dump)
    rows = json.dumps(list(AIProviderUsageLog.objects.values()), default=str)

    assert AIProviderUsageLog.objects.filter(attempt__gte=1).count() >= len(MISBEHAVIOUR)
    assert len({row.error_kind for row in AIProviderUsageLog.objects.all()}) >= 9, "the faults were met"
    for sink in (*seen, dump.getvalue(), rows, log.getvalue()):
        assert TELLING not in sink


def test_the_column_itself_does_not_hold_the_key_in_clear():
    make_config(api_key=CANARY)

    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key_encrypted FROM ai_provider_configs")
        stored = cursor.fetchone()[0]

    assert TELLING not in stored
    assert stored.startswith("gAAAA")
