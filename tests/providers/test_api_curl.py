"""The curl commands of the product's guides, as they stand there, host and secrets aside."""

import json
import shutil
import subprocess
import time

import pytest

from accounts.tokens import issue_pair
from extraction.fetching import Page
from providers.adapters import gemini
from providers.models import AIProviderConfig
from tests.contract.vendors import KEYS
from tests.factories import make_config
from tests.waiting import PATIENCE_SECONDS
from usage.models import AIProviderUsageLog

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl"),
]

CREATE = """
curl -X POST http://localhost:8000/api/v1/admin/providers \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider_type": "gemini",
    "api_key": "YOUR_NEW_GEMINI_KEY",
    "model_name": "models/gemini-2.5-flash",
    "is_active": true,
    "is_default": true
  }'
"""
EXTRACT = """
curl -X POST http://localhost:8000/api/v1/job-extractor/extract \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN" \\
  -F "url=https://fuzu.com/job/12345"
"""
# The guide gives these as HTTP; written out as curl they read so.
LIST = """
curl http://localhost:8000/api/v1/super-admin/providers/configs -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""
CREATE_OPENAI = """
curl -X POST http://localhost:8000/api/v1/super-admin/providers/configs \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN" -H "Content-Type: application/json" \\
  -d '{
  "provider_type": "openai",
  "api_key": "sk-...",
  "model_name": "gpt-4o-mini",
  "display_name": "OpenAI GPT-4 Mini",
  "description": "Cheaper model for CV drafting",
  "is_active": true,
  "is_default": false,
  "default_for_cv_draft": true,
  "default_for_cover_letter": true,
  "daily_token_limit": 1000000,
  "monthly_token_limit": 30000000
}'
"""
UPDATE = """
curl -X PUT http://localhost:8000/api/v1/super-admin/providers/configs/{config_id} \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN" -H "Content-Type: application/json" \\
  -d '{
  "api_key": "",
  "model_name": "gpt-4o",
  "is_active": false,
  "default_for_cv_draft": false,
  "daily_token_limit": 500000
}'
"""
TEST = """
curl -X POST http://localhost:8000/api/v1/super-admin/providers/configs/{config_id}/test \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""
DELETE = """
curl -X DELETE http://localhost:8000/api/v1/super-admin/providers/configs/{config_id} \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""
STATS = """
curl "http://localhost:8000/api/v1/super-admin/providers/usage/stats?days=30" \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN"
"""
POSTING = Page(
    url="https://fuzu.com/job/12345",
    body="<h1>Warehouse Manager</h1><p>Company: Fuzu Stores</p><p>Location: Nairobi</p>"
    "<p>Runs the warehouse, plans the shifts and keeps the stock in order. Five years of experience.</p>",
    kind="html",
)


@pytest.fixture
def vendors(sandbox, monkeypatch):
    """The commands name no base URL, so the key would go to the vendors' own hosts. Their addresses are the
    outermost thing of ours before the network, and are led to the sandbox; so is the page of the posting."""
    monkeypatch.setattr(gemini, "GEMINI_URL", sandbox.gemini)
    monkeypatch.setattr("providers.adapters.openai.OPENAI_URL", sandbox.openai)

    async def fetch(*, url):
        assert url == POSTING.url
        return POSTING

    monkeypatch.setattr("extraction.extractor.fetch", fetch)
    return sandbox


@pytest.fixture
def run(live_server, super_admin):
    """Runs a command of the guide; returns the HTTP status and the body."""
    token = issue_pair(user=super_admin, verified_at=int(time.time()))["access"]

    def run_command(command, **values):
        filled = command
        for name, value in values.items():
            filled = filled.replace("{" + name + "}", str(value))
        for placeholder, value in {
            "http://localhost:8000": live_server.url,
            "YOUR_JWT_TOKEN": token,
            "YOUR_NEW_GEMINI_KEY": KEYS["gemini"],
            "sk-...": KEYS["openai"],
        }.items():
            filled = filled.replace(placeholder, value)
        script = filled.strip() + " --silent --show-error --noproxy '*' --write-out '\\n%{http_code}'"
        done = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    return run_command


def test_a_new_key_serves_the_very_next_extraction(run, vendors):
    created_status, created = run(CREATE)
    extracted_status, extracted = run(EXTRACT)

    assert (created_status, created["success"]) == (201, True)
    assert created["data"]["provider_type"] == "gemini"
    assert created["data"]["model_name"] == "models/gemini-2.5-flash"
    assert (created["data"]["is_active"], created["data"]["is_default"]) == (True, True)
    assert (extracted_status, extracted["success"]) == (201, True), extracted
    assert extracted["data"]["provider_used"] == "gemini"
    row = AIProviderUsageLog.objects.get()
    assert (row.provider_config_id, row.status) == (created["data"]["id"], "success")


def test_the_life_of_a_provider_as_the_guide_tells_it(run, vendors):
    status, created = run(CREATE_OPENAI)
    assert status == 201
    config_id = created["data"]["id"]
    assert created["data"]["last_test_success"] is True

    status, listed = run(LIST)
    assert (status, [row["id"] for row in listed["data"]]) == (200, [config_id])

    status, tested = run(TEST, config_id=config_id)
    assert (status, tested["data"]["is_valid"]) == (200, True)

    status, updated = run(UPDATE, config_id=config_id)
    assert status == 200
    assert (updated["data"]["model_name"], updated["data"]["is_active"]) == ("gpt-4o", False)
    assert updated["data"]["daily_token_limit"] == 500_000
    assert updated["data"]["default_for_cover_letter"] is True
    assert AIProviderConfig.objects.get().api_key_encrypted.reveal() == KEYS["openai"]

    status, deleted = run(DELETE, config_id=config_id)
    assert (status, deleted) == (200, {"success": True, "data": {"deleted_id": config_id}})
    assert not AIProviderConfig.objects.exists()


def test_the_statistics_as_the_guide_shows_them(run, vendors):
    make_config(provider_type="gemini", model_name="gemini-2.5-flash", api_key=KEYS["gemini"])
    run(EXTRACT)

    status, stats = run(STATS)

    assert status == 200
    (row,) = stats["data"]
    assert (row["provider_type"], row["model_name"]) == ("gemini", "gemini-2.5-flash")
    assert (row["total_calls"], row["last_7_days_calls"], row["last_30_days_calls"]) == (1, 1, 1)
    assert row["success_rate"] == 100.0
    assert isinstance(row["total_cost_usd"], float)
    assert row["total_cost_usd"] > 0
