"""Whatever goes wrong, a program gets the envelope and a person gets a page."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from psycopg_pool import PoolTimeout
from rest_framework import exceptions, serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.api_base import StrictSerializer
from accounts.errors import DomainError
from aditus import exceptions as project_exceptions
from aditus import urls as project_urls


class TooMany(DomainError):
    code = "too_many"
    status = 429
    message = "That is too many."


RAISED = {
    "domain": TooMany(details={"left": 0}, retry_after=30),
    "validation": exceptions.ValidationError({"age": ["Not a number."]}),
    "parse": exceptions.ParseError(),
    "not-authenticated": exceptions.NotAuthenticated(),
    "denied": PermissionDenied(),
    "missing": Http404("secret detail"),
    "method": exceptions.MethodNotAllowed("PATCH"),
    "media": exceptions.UnsupportedMediaType("text/csv"),
    "throttled": exceptions.Throttled(wait=4.2),
    "operational": OperationalError("connection to 10.0.0.7 refused"),
    "interface": InterfaceError("connection already closed"),
    "pool": PoolTimeout("couldn't get a connection after 10 s"),
    "bug": KeyError("sk-canary-0123456789"),
}


@api_view(["GET"])
@permission_classes([AllowAny])
def failing(request, name):
    raise RAISED[name]


@api_view(["POST"])
@permission_classes([AllowAny])
def taking_json(request):
    return None if request.data is None else failing


def plain_failing(request, name):
    raise RAISED[name]


async def async_failing(request, name):
    raise RAISED[name]


class _Urls:
    urlpatterns = [
        path("api/failing/<slug:name>", failing),
        path("api/json", taking_json),
        path("api/plain/<slug:name>", plain_failing),
        path("api/async/<slug:name>", async_failing),
        path("page/plain/<slug:name>", plain_failing),
        path("page/async/<slug:name>", async_failing),
        *project_urls.urlpatterns,
    ]
    handler400 = project_urls.handler400
    handler403 = project_urls.handler403
    handler404 = project_urls.handler404
    handler500 = project_urls.handler500


@pytest.fixture
def failing_urls():
    with override_settings(ROOT_URLCONF=_Urls):
        yield


def error_of(response):
    body = json.loads(response.content)
    assert body["success"] is False
    assert set(body) == {"success", "error"}
    assert set(body["error"]) == {"code", "message", "details"}
    return body["error"]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("domain", 429, "too_many"),
        ("validation", 400, "invalid_input"),
        ("parse", 400, "parse_error"),
        ("not-authenticated", 401, "not_authenticated"),
        ("denied", 403, "permission_denied"),
        ("missing", 404, "not_found"),
        ("method", 405, "method_not_allowed"),
        ("media", 415, "unsupported_media_type"),
        ("throttled", 429, "throttled"),
        ("operational", 503, "database_unavailable"),
        ("interface", 503, "database_unavailable"),
        ("pool", 503, "database_unavailable"),
    ],
)
def test_every_failure_of_an_api_view_has_its_status_and_code(failing_urls, name, status, code):
    response = APIClient().get(f"/api/failing/{name}")

    assert response.status_code == status
    assert error_of(response)["code"] == code


def test_a_domain_error_brings_its_sentence_details_and_retry_after(failing_urls):
    response = APIClient().get("/api/failing/domain")

    assert error_of(response) == {"code": "too_many", "message": "That is too many.", "details": {"left": 0}}
    assert response["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("missing", "Check the address"),
        ("method", "header Allow"),
        ("media", "Send one of: application/json"),
    ],
)
def test_what_the_framework_refuses_says_what_to_do_next(failing_urls, name, advice):
    message = error_of(APIClient().get(f"/api/failing/{name}"))["message"]

    assert advice in message
    assert "secret detail" not in message


def test_an_answer_that_cannot_be_had_says_what_to_ask_for(failing_urls):
    response = APIClient().get("/api/failing/domain", headers={"accept": "text/csv"})

    assert (response.status_code, error_of(response)["code"]) == (406, "not_acceptable")
    assert "Accept: application/json" in error_of(response)["message"]


def test_a_wait_is_rounded_up(failing_urls):
    assert APIClient().get("/api/failing/throttled")["Retry-After"] == "5"


def test_field_errors_are_named(failing_urls):
    response = APIClient().get("/api/failing/validation")

    assert error_of(response)["details"] == {"fields": {"age": ["Not a number."]}}


@pytest.mark.parametrize("name", ["operational", "interface", "pool"])
@pytest.mark.parametrize("kind", ["failing", "plain"])
def test_a_database_that_is_away_asks_to_come_back_and_names_no_address(failing_urls, kind, name):
    response = Client(raise_request_exception=False).get(f"/api/{kind}/{name}")

    assert response.status_code == 503
    assert error_of(response)["code"] == "database_unavailable"
    assert response["Retry-After"] == "5"
    assert b"10.0.0.7" not in response.content


async def test_it_says_the_same_from_async_views(failing_urls):
    client = AsyncClient(raise_request_exception=False)

    away, bug = await client.get("/api/async/operational"), await client.get("/api/async/bug")

    assert (away.status_code, error_of(away)["code"]) == (503, "database_unavailable")
    assert (bug.status_code, error_of(bug)["code"]) == (500, "error")


@pytest.mark.django_db
def test_a_database_that_goes_away_is_never_an_expired_login(user):
    token = RefreshToken.for_user(user).access_token
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")

    def away(execute, sql, params, many, context):
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        response = client.get("/api/v1/me")

    assert response.status_code == 503
    assert error_of(response)["code"] == "database_unavailable"


@pytest.mark.parametrize("kind", ["failing", "plain", "async"])
def test_a_bug_says_nothing_about_itself(failing_urls, kind):
    response = Client(raise_request_exception=False).get(f"/api/{kind}/bug")

    assert response.status_code == 500
    assert error_of(response)["code"] == "error"
    assert b"sk-canary" not in response.content
    assert b"Traceback" not in response.content


def test_an_api_address_that_is_not_there_answers_in_json():
    response = Client().get("/api/v1/nothing-here")

    assert response.status_code == 404
    assert error_of(response)["code"] == "not_found"


def test_a_page_that_is_not_there_answers_a_person():
    response = Client().get("/nothing-here")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_a_foreign_host_is_refused_in_the_readers_language():
    api = Client().get("/api/v1/me", HTTP_HOST="evil.example")
    page = Client().get("/admin/", HTTP_HOST="evil.example")

    assert (api.status_code, error_of(api)["code"]) == (400, "bad_request")
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_a_person_gets_a_page_for_a_bug_and_for_a_database_that_is_away(failing_urls):
    client = Client(raise_request_exception=False)

    bug, away = client.get("/page/plain/bug"), client.get("/page/async/operational")

    assert (bug.status_code, bug["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert b"sk-canary" not in bug.content
    assert (away.status_code, away["Retry-After"]) == (503, "5")
    assert b"Try again in a few seconds" in away.content


def test_json_that_is_broken_is_a_400(failing_urls):
    response = APIClient().post("/api/json", data="{not json", content_type="application/json")

    assert response.status_code == 400
    assert error_of(response)["code"] == "parse_error"


def test_a_denied_page_is_a_page_and_a_denied_call_is_json():
    request = HttpRequest()
    request.path_info = "/api/v1/me"
    page = HttpRequest()
    page.path_info = "/admin/"

    assert (
        error_of(project_exceptions.permission_denied(request, PermissionDenied()))["code"]
        == "permission_denied"
    )
    assert project_exceptions.permission_denied(page, PermissionDenied())["Content-Type"].startswith(
        "text/html"
    )


class _Inner(StrictSerializer):
    name = serializers.CharField()


class _Outer(StrictSerializer):
    inner = _Inner()
    many = _Inner(many=True)


def test_a_strict_serializer_names_unknown_keys_at_every_depth():
    serializer = _Outer(
        data={"inner": {"name": "a", "nmae": "b"}, "many": [{"name": "c"}, {"name": "d", "x": 1}]}
    )

    assert not serializer.is_valid()
    assert set(serializer.errors) == {"inner", "many"}
    assert list(serializer.errors["inner"]) == ["nmae"]
    assert {index: list(entry) for index, entry in serializer.errors["many"].items()} == {1: ["x"]}


def test_a_strict_serializer_passes_what_it_knows():
    data = {"inner": {"name": "a"}, "many": [{"name": "b"}]}
    serializer = _Outer(data=data)

    assert serializer.is_valid()
    assert serializer.validated_data == data


class _Choosing(StrictSerializer):
    paper = serializers.ChoiceField(choices=["a4", "letter", "{odd}"], required=False)
    papers = serializers.ListField(child=serializers.ChoiceField(choices=["a4"]), required=False)
    zone = serializers.ChoiceField(choices=range(100), required=False)


def test_a_value_that_is_no_choice_is_answered_with_the_choices():
    serializer = _Choosing(data={"paper": "a3", "papers": ["a3"], "zone": "x"})

    assert not serializer.is_valid()
    assert serializer.errors["paper"] == ['"a3" is not a valid choice. Send one of: a4, letter, {odd}.']
    assert serializer.errors["papers"] == {0: ['"a3" is not a valid choice. Send one of: a4.']}
    assert serializer.errors["zone"] == ['"x" is not a valid choice.']
