"""What browsers are told: which origins may call the API, and what our pages may load and run."""

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse

APP = "https://app.example.com"
PREFLIGHT = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
}


@pytest.fixture
def app_allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [APP]


@pytest.mark.parametrize("address", ["/api/v1/job-extractor/extract", "/api/v1/me", "/api/v1/auth/token"])
def test_a_preflight_needs_no_token_and_no_database(app_allowed, address, settings):
    settings.SECURE_SSL_REDIRECT = True

    response = Client().options(address, headers=PREFLIGHT)

    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == APP
    assert "POST" in response["Access-Control-Allow-Methods"]
    allowed = response["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.django_db
def test_the_answer_may_be_read_by_the_origin_and_what_it_needs_of_the_headers(app_allowed):
    response = Client().get("/api/v1/me", headers={"Origin": APP})

    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (401, APP)
    exposed = set(response["Access-Control-Expose-Headers"].split(", "))
    assert {"Retry-After", "RateLimit", "RateLimit-Policy", "X-RateLimit-Remaining-Tokens"} <= exposed
    assert "origin" in response["Vary"]


@pytest.mark.django_db
@pytest.mark.parametrize("origin", ["https://evil.example", "http://app.example.com", "null"])
def test_another_origin_may_not(app_allowed, origin):
    preflight = Client().options("/api/v1/me", headers=PREFLIGHT | {"Origin": origin})
    response = Client().get("/api/v1/me", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in preflight
    assert "Access-Control-Allow-Origin" not in response


def test_nobody_may_by_default_nor_ever_call_the_console(app_allowed, settings):
    assert "Access-Control-Allow-Origin" not in Client().options("/admin/login/", headers=PREFLIGHT)
    settings.CORS_ALLOWED_ORIGINS = []
    assert "Access-Control-Allow-Origin" not in Client().options("/api/v1/me", headers=PREFLIGHT)


def directives(response):
    parts = (part.split(" ") for part in response["Content-Security-Policy"].split("; "))
    return {name: values for name, *values in parts}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/admin/login/", "/nothing-here", "/api/docs/"])
def test_a_page_may_load_from_its_own_host_only(address):
    told = directives(Client().get(address))

    assert told["default-src"] == ["'self'"]
    assert told["script-src"] == ["'self'", "'unsafe-eval'"]
    assert told["frame-ancestors"] == told["object-src"] == told["base-uri"] == ["'none'"]
    assert told["form-action"] == ["'self'"]
    assert not [value for values in told.values() for value in values if "//" in value or "*" in value]


@pytest.mark.django_db
async def test_and_so_it_is_from_the_event_loop():
    page, answer = await AsyncClient().get("/nothing-here"), await AsyncClient().get("/healthz")

    assert directives(page)["default-src"] == ["'self'"]
    assert "Content-Security-Policy" not in answer


@pytest.mark.django_db
def test_the_pages_of_the_api_run_no_script_of_their_own():
    page = Client().get(reverse("docs"))
    script = Client().get(f"{reverse('docs')}?script=")

    assert b"<script>" not in page.content
    assert script["Content-Type"].startswith("application/javascript")
