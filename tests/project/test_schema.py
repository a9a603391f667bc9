"""The published description of the API, and the pages that show it."""

import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import Client

COMMITTED = Path(settings.BASE_DIR, "docs", "openapi.yaml")


@pytest.fixture(scope="module")
def generated():
    """The schema as text; generating it with any warning is an error."""
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


def of_our_own(schema):
    """The paths without those of the door, which speaks OpenAI's protocol."""
    return {path: operations for path, operations in schema["paths"].items() if path.startswith("/api/")}


def test_the_door_asks_for_an_access_token_and_answers_in_its_own_form(generated):
    schema = yaml.safe_load(generated)
    paths = [found for path, found in schema["paths"].items() if path.startswith("/v1/")]
    door = [operation for operations in paths for operation in operations.values()]

    assert len(door) == 4
    for operation in door:
        assert operation["security"] == [{"accessToken": []}]
        refusal = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert refusal == {"$ref": "#/components/schemas/DoorError"}


def test_the_committed_schema_is_current(generated):
    is_current = COMMITTED.read_text() == generated

    assert is_current, "docs/openapi.yaml is out of date: run `make openapi`"


def test_every_operation_describes_its_envelope_and_its_errors(generated):
    schema = yaml.safe_load(generated)

    for path, operations in of_our_own(schema).items():
        for method, operation in operations.items():
            responses = operation["responses"]
            assert responses["default"]["content"]["application/json"]["schema"] == {
                "$ref": "#/components/schemas/Error"
            }, f"{method} {path}"
            for status, response in responses.items():
                content = response.get("content", {}).get("application/json")
                if content and status.startswith("2"):
                    assert content["schema"]["required"] == ["success", "data"], f"{method} {path}"


def test_every_operation_but_the_login_asks_for_a_token(generated):
    schema = yaml.safe_load(generated)

    open_to_all = {
        path
        for path, operations in of_our_own(schema).items()
        for operation in operations.values()
        if {"jwtAuth": []} not in operation.get("security", []) or {} in operation["security"]
    }

    assert open_to_all == {"/api/v1/auth/token", "/api/v1/auth/refresh"}


def test_the_schema_is_served():
    response = Client().get("/api/schema/")

    assert response.status_code == 200
    assert yaml.safe_load(response.content)["info"]["title"] == "Aditus API"


def test_its_pages_load_nothing_from_elsewhere():
    response = Client().get("/api/docs/")

    assert response.status_code == 200
    html = response.content.decode()
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", html)
    assert len(sources) >= 3
    own = ("/static/drf_spectacular_sidecar/", "/api/docs/?script=")
    assert all(source.startswith(own) for source in sources)
    assert "//cdn" not in html
    assert "https://" not in html
