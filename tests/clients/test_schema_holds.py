"""What the schema says, the server does: no failure, no other form, and what is allowed is taken."""

import os
import time

import pytest
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import User
from accounts.tokens import issue_pair
from extraction.errors import PageUnavailable
from tests.clients.schema_holding import complaints_about, operations
from tests.factories import make_user
from usage.api.me import MeSerializer, MyUsageView

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.any_database]

# `make fuzz` asks more, and others each time.
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "5"))
EMAIL = "everybody@example.com"


@pytest.fixture(autouse=True)
def no_pages(monkeypatch, settings):
    """Pages of postings would be fetched from wherever a random address leads; the fetching of pages is the
    outermost thing of ours before that. Nobody asks without a login so often."""

    async def fetch(*, url):
        raise PageUnavailable

    monkeypatch.setattr("extraction.extractor.fetch", fetch)
    monkeypatch.setattr("accounts.api_base.AnonymousThrottle.allow_request", lambda *_: True)


def token_for(operation):
    """Makes a token of somebody who may do everything, though the operation before deleted them or ended
    their logins."""
    is_door = operation.path.startswith("/v1/")

    def make():
        person = User.objects.filter(email=EMAIL).first() or make_user(EMAIL, role="SUPER_ADMIN")
        if is_door:
            return personal_tokens.create(user=person, name="CI", actor=Actor.system())[1]
        return issue_pair(user=person, verified_at=int(time.time()))["access"]

    return make


def complaints(root, *, only="", examples=EXAMPLES):
    is_repeatable = "SCHEMA_EXAMPLES" not in os.environ
    return [
        complaint
        for operation in operations(root)
        if only in operation.label
        for complaint in complaints_about(
            operation, token=token_for(operation), examples=examples, seed=is_repeatable
        )
    ]


def test_every_answer_is_one_that_the_schema_tells_of(served):
    found = complaints(served)

    assert not found, "\n".join(found)


def test_a_description_that_is_wrong_is_found(served, monkeypatch):
    answer = MyUsageView.get

    @extend_schema(
        operation_id="me_usage", parameters=[OpenApiParameter("days", int)], responses=MeSerializer
    )
    def get(self, request):
        return answer(self, request)

    monkeypatch.setattr(MyUsageView, "get", get)

    found = complaints(served, only="GET /api/v1/me/usage", examples=30)

    told = {complaint.partition(": ")[2].partition(" (")[0] for complaint in found}
    assert "refused what the schema allows" in told
    assert any(complaint.startswith("answered outside the schema") for complaint in told)
