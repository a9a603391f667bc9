"""The real server, killed while it streams through the door."""

import json
import urllib.request
from datetime import UTC, datetime

import pytest

from accounts import concurrency, personal_tokens
from accounts.audit import Actor
from accounts.models import Plan
from tests.concurrency.test_server import server
from tests.factories import make_config
from tests.waiting import PATIENCE_SECONDS
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ASK = "The engineers of Jua Logistics write Python and know PostgreSQL well. " * 6


def test_a_stream_that_dies_with_its_server_keeps_its_row(user, sandbox):
    Plan.objects.update(daily_token_limit=None)
    make_config(
        model_name="sandbox-mini@drip=3600", base_url=sandbox.gemini, provider_type="gemini", timeout=300
    )
    _, secret = personal_tokens.create(user=user, name="CI", actor=Actor.system())
    body = {"model": "aditus/chat", "stream": True, "messages": [{"role": "user", "content": ASK}]}

    with server() as (root, process):
        request = urllib.request.Request(
            f"{root}/v1/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as reply:
            first = reply.readline()
            process.kill()
            process.wait(PATIENCE_SECONDS)
    open_row = AIProviderUsageLog.objects.get()
    concurrency.run(get_ledger().sweep(now=datetime(2099, 1, 1, tzinfo=UTC)))

    assert first.startswith(b"data: {")
    assert open_row.status == "started"
    row = AIProviderUsageLog.objects.get()
    assert (row.status, row.usage_source) == ("aborted", "estimated")
    assert row.personal_token is not None
    assert sum(QuotaCounter.objects.values_list("reserved", flat=True)) == 0
