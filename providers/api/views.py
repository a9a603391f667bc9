"""Providers over HTTP, for super-admins: validate, one domain call, serialise."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import StrictQuery, refusals
from accounts.audit import Actor
from accounts.permissions import IsFreshSuperAdmin, IsSuperAdmin, fresh_or_refused
from providers.adapters.credential_check import CredentialCheck
from providers.api.serializers import (
    ConfigCreateSerializer,
    ConfigSerializer,
    ConfigUpdateSerializer,
    DeletedSerializer,
    SavedConfigSerializer,
    TestRequestSerializer,
    TestResultSerializer,
)
from providers.configs import deletion
from providers.configs.changes import KeyNeeded, UnusableKey
from providers.configs.checked_changes import create_checked, update_checked
from providers.credentials import trials
from providers.credentials.checks import ConfigNotFound
from providers.credentials.trials import KeyRefused
from providers.models import AIProviderConfig

TAGS = ["super-admin"]
_NO_ADDRESS = "`base_url` is an http or https address at which providers may be called."
_UNUSABLE = refusals(KeyRefused, KeyNeeded, UnusableKey, rule=_NO_ADDRESS)


class ConfigListView(StrictQuery, APIView):
    permission_classes = (IsFreshSuperAdmin,)

    @extend_schema(
        operation_id="provider_configs_list", tags=TAGS, responses=ConfigSerializer(many=True), filters=False
    )
    def get(self, request: Request) -> Response:
        """All providers, the default first. Not paginated."""
        return Response(ConfigSerializer(AIProviderConfig.objects.all(), many=True).data)

    @extend_schema(
        operation_id="provider_configs_create",
        tags=TAGS,
        request=ConfigCreateSerializer,
        responses={201: SavedConfigSerializer, **_UNUSABLE},
    )
    def post(self, request: Request) -> Response:
        """Add a provider. Its key is checked with the vendor first; a refused key is not stored (422).

        `warnings` says what its models cannot do of the work it is first choice for. Needs a fresh second
        factor.
        """
        serializer = ConfigCreateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        config = create_checked(
            actor=Actor.of_request(request, door="api"),
            provider_type=given["provider_type"],
            api_key=given["api_key"],
            fields=serializer.settings(),
            save_anyway=given["save_anyway"],
        )
        return Response(SavedConfigSerializer(config).data, status=201)


class ConfigDetailView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)

    @extend_schema(operation_id="provider_configs_read", tags=TAGS, responses=ConfigSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One provider, without its key."""
        config = AIProviderConfig.objects.filter(pk=pk).first()
        if config is None:
            raise ConfigNotFound
        return Response(ConfigSerializer(config).data)

    @extend_schema(
        operation_id="provider_configs_update",
        tags=TAGS,
        request=ConfigUpdateSerializer,
        responses={200: SavedConfigSerializer, **_UNUSABLE},
    )
    def put(self, request: Request, pk: int) -> Response:
        """Change the fields that are sent; the others stay. An empty `api_key` keeps the stored key.

        A new key is checked with the vendor first. A new `base_url` needs the key with it. Sending either
        needs a fresh second factor.
        """
        return self._update(request, pk)

    @extend_schema(
        operation_id="provider_configs_partial_update",
        tags=TAGS,
        request=ConfigUpdateSerializer,
        responses={200: SavedConfigSerializer, **_UNUSABLE},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """The same as PUT."""
        return self._update(request, pk)

    @extend_schema(operation_id="provider_configs_delete", tags=TAGS, responses={200: DeletedSerializer})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a provider and its key; its usage rows remain. Needs a fresh second factor."""
        fresh_or_refused(request)
        deleted = deletion.delete(actor=Actor.of_request(request, door="api"), config_id=pk)
        return Response(DeletedSerializer({"deleted_id": deleted}).data)

    def _update(self, request: Request, pk: int) -> Response:
        serializer = ConfigUpdateSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        # Whoever sets the address decides who gets the key, and every prompt.
        if given.get("api_key") or "base_url" in given:
            fresh_or_refused(request)
        config = update_checked(
            actor=Actor.of_request(request, door="api"),
            config_id=pk,
            fields=serializer.settings(),
            api_key=given.get("api_key", ""),
            version=given.get("updated_at"),
            save_anyway=given.get("save_anyway", False),
        )
        return Response(SavedConfigSerializer(config).data)


class ConfigTestView(APIView):
    permission_classes = (IsSuperAdmin,)

    @extend_schema(
        operation_id="provider_configs_test", tags=TAGS, request=None, responses=TestResultSerializer
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask the vendor whether the stored key works; the outcome is kept on the provider."""
        check = trials.test(actor=Actor.of_request(request, door="api"), config_id=pk)
        return Response(_result(check))


class UnsavedTestView(APIView):
    permission_classes = (IsFreshSuperAdmin,)

    @extend_schema(
        operation_id="provider_configs_test_unsaved",
        tags=TAGS,
        request=TestRequestSerializer,
        responses={200: TestResultSerializer, **refusals(rule=_NO_ADDRESS)},
    )
    def post(self, request: Request) -> Response:
        """Ask the vendor about input that is not saved. Nothing is stored but the audit entry.

        Needs a fresh second factor, because whoever names the address makes this server call it.
        """
        serializer = TestRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        actor = Actor.of_request(request, door="api")
        check = trials.try_out(actor=actor, **serializer.validated_data)
        return Response(_result(check))


def _result(check: CredentialCheck) -> dict[str, Any]:
    return dict(
        TestResultSerializer(
            {
                "is_valid": check.is_valid,
                "outcome": check.outcome,
                "message": check.message,
                "tested_at": timezone.now(),
                "latency_ms": check.latency_ms,
                "models": check.models,
            }
        ).data
    )
