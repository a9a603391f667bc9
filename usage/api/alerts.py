"""Alerts over HTTP, for super-admins: the list, one with its history, and what is done about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import PageQuerySerializer, StrictQuery, StrictSerializer
from accounts.audit import Actor
from accounts.permissions import IsSuperAdmin
from usage.alerts import judging, records
from usage.alerts.conditions import GROUPS
from usage.alerts.errors import AlertNotFound
from usage.models import Alert, AlertEvent, AlertState, Severity
from usage.models.alerts import STANDING

TAGS = ["super-admin"]
LONGEST_MUTE_HOURS = records.LONGEST_MUTE // timedelta(hours=1)


class AlertSerializer(serializers.ModelSerializer[Alert]):
    is_muted = serializers.SerializerMethodField()

    class Meta:
        model = Alert
        fields = (
            "id", "kind", "group", "severity", "state", "message", "provider_config_id", "provider_type",
            "model_name", "figures", "episode", "since", "opened_at", "seen_at", "resolved_at", "muted_until",
            "is_muted",
        )  # fmt: skip
        extra_kwargs = {
            "kind": {"help_text": "Stable; docs/alerts.md lists them."},
            "figures": {"help_text": "What the message is based on."},
            "episode": {"help_text": "How many times it has been open."},
        }

    def get_is_muted(self, alert: Alert) -> bool:
        return alert.is_muted(timezone.now())


class AlertEventSerializer(serializers.ModelSerializer[AlertEvent]):
    class Meta:
        model = AlertEvent
        fields = ("what", "at", "by", "note", "episode", "severity", "message")


class AlertWithHistorySerializer(AlertSerializer):
    events = AlertEventSerializer(many=True, help_text="The newest first.")

    class Meta(AlertSerializer.Meta):
        fields = (*AlertSerializer.Meta.fields, "events")  # type: ignore[assignment]


class AlertsQuerySerializer(PageQuerySerializer):
    state = serializers.ChoiceField(
        required=False,
        choices=["standing", "open", "acknowledged", "muted", "resolved", "all"],
        default="standing",
        help_text="`standing`: open or acknowledged.",
    )
    severity = serializers.ChoiceField(required=False, choices=Severity.choices)
    group = serializers.ChoiceField(required=False, choices=list(GROUPS.items()))


class NoteSerializer(StrictSerializer):
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class MuteSerializer(NoteSerializer):
    hours = serializers.FloatField(min_value=0.1, max_value=LONGEST_MUTE_HOURS)


class AlertsView(StrictQuery, ListAPIView[Alert]):
    permission_classes = (IsSuperAdmin,)
    serializer_class = AlertSerializer
    query_serializer_class = AlertsQuerySerializer

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return Alert.objects.none()
        asked = self.query.validated_data
        rows = records.ever().order_by("by_severity", "-opened_at", "-pk").filter(_of_state(asked["state"]))
        exact = {name: asked[name] for name in ("severity", "group") if asked.get(name)}
        return rows.filter(**exact)

    @extend_schema(operation_id="alerts", tags=TAGS, parameters=[AlertsQuerySerializer], filters=False)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Alerts, the worst first, judged by what holds right now."""
        judging.bring_up_to_date(now=timezone.now())
        return super().get(request, *args, **kwargs)


def _of_state(state: str) -> Q:
    if state == "all":
        return Q()
    if state == "muted":
        return Q(muted_until__gt=timezone.now())
    return Q(state__in=STANDING) if state == "standing" else Q(state=AlertState(state))


class AlertView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)

    @extend_schema(operation_id="alert", tags=TAGS, responses=AlertWithHistorySerializer)
    def get(self, request: Request, alert_id: int) -> Response:
        """One alert and all that became of it."""
        alert = records.ever().prefetch_related("events").filter(pk=alert_id).first()
        if alert is None:
            raise AlertNotFound
        return Response(AlertWithHistorySerializer(alert).data)


class _ActionView(APIView):
    permission_classes = (IsSuperAdmin,)
    serializer_class: type[NoteSerializer] = NoteSerializer

    def given(self, request: Request) -> dict[str, Any]:
        """The body, checked."""
        given = self.serializer_class(data=request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)


class AcknowledgeView(_ActionView):
    @extend_schema(
        operation_id="acknowledge_alert", tags=TAGS, request=NoteSerializer, responses=AlertSerializer
    )
    def post(self, request: Request, alert_id: int) -> Response:
        """Say that somebody is at it."""
        actor = Actor.of_request(request, "api")
        alert = records.acknowledge(actor=actor, alert_id=alert_id, **self.given(request))
        return Response(AlertSerializer(alert).data)


class MuteView(_ActionView):
    serializer_class = MuteSerializer

    @extend_schema(operation_id="mute_alert", tags=TAGS, request=MuteSerializer, responses=AlertSerializer)
    def post(self, request: Request, alert_id: int) -> Response:
        """Tell nobody of it for `hours`."""
        given = self.given(request)
        until = timezone.now() + timedelta(hours=given.pop("hours"))
        actor = Actor.of_request(request, "api")
        return Response(
            AlertSerializer(records.mute(actor=actor, alert_id=alert_id, until=until, **given)).data
        )


class UnmuteView(_ActionView):
    @extend_schema(operation_id="unmute_alert", tags=TAGS, request=NoteSerializer, responses=AlertSerializer)
    def post(self, request: Request, alert_id: int) -> Response:
        """Tell of it again, at once when it stands."""
        actor = Actor.of_request(request, "api")
        alert = records.unmute(actor=actor, alert_id=alert_id, **self.given(request))
        return Response(AlertSerializer(alert).data)


class ResolveView(_ActionView):
    @extend_schema(operation_id="resolve_alert", tags=TAGS, request=NoteSerializer, responses=AlertSerializer)
    def post(self, request: Request, alert_id: int) -> Response:
        """Call it done. 409 `alert_still_holds` for one whose cause can be seen to stand."""
        actor = Actor.of_request(request, "api")
        alert = records.resolve(actor=actor, alert_id=alert_id, **self.given(request))
        return Response(AlertSerializer(alert).data)


class ProviderAlertsView(StrictQuery, APIView):
    permission_classes = (IsSuperAdmin,)

    @extend_schema(
        operation_id="provider_alerts", tags=TAGS, responses=AlertSerializer(many=True), filters=False
    )
    def get(self, request: Request) -> Response:
        """All that stands, the worst first, judged by what holds right now."""
        return Response(AlertSerializer(records.standing(now=timezone.now()), many=True).data)
