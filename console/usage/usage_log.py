"""The usage log: every attempt, what it used, what it cost, and how it ended. Prompts are stored nowhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from accounts.models import PersonalToken, User
from console import filters
from console.read_only import ReadOnlyAdminMixin
from providers.tasks import TASKS
from usage.bill import bill_of
from usage.models import AIProviderUsageLog, Status

_TONES: dict[str, str] = {
    Status.STARTED: "info",
    Status.SUCCESS: "success",
    Status.ERROR: "danger",
    Status.TIMEOUT: "warning",
    Status.ABORTED: "warning",
}
# More people than this do not fit a search for one.
_MOST_PEOPLE = 200


@admin.register(AIProviderUsageLog)
class AIProviderUsageLogAdmin(ReadOnlyAdminMixin, ModelAdmin):  # type: ignore[misc]
    # As much as a window of 1280 px shows beside the sidebar; the rest is on a row's page.
    list_display = ["moment", "person", "task", "asked", "outcome", "tokens", "cost", "latency"]
    list_filter = [
        ("created_at", filters.DayRangeFilter),
        ("status", ChoicesDropdownFilter),
        filters.ErrorKindFilter,
        filters.ProviderFilter,
        filters.VendorFilter,
        filters.ModelFilter,
        filters.TaskTypeFilter,
        filters.PlanFilter,
        filters.UserFilter,
    ]
    list_filter_submit = True
    search_fields = ["request_id"]
    search_help_text = "A whole request id, or the beginning of an email address."
    list_select_related = ["user", "provider_config"]
    list_per_page = 50
    # Counting what a filter finds takes seconds on a table of millions; "next" does not need it.
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    _call_fields = ("made_at", "request_id", "attempt", "user", "token_used", "plan", "task_type")
    _provider_fields = ("provider_config", "provider_type", "model_name", "reported_model", "service_tier")
    _outcome_fields = (
        "status",
        "error_kind",
        "error_message",
        "latency_ms",
        "from_cache",
        "ended_at",
        "was_swept",
    )
    _token_fields = ("total_tokens", "usage_source", "reserved_tokens")
    fieldsets = [
        ("Call", {"fields": _call_fields}),
        ("Attempts of this request", {"fields": ("attempts",)}),
        ("Provider", {"fields": _provider_fields}),
        ("Outcome", {"fields": _outcome_fields}),
        ("Tokens and cost", {"fields": ("bill", *_token_fields)}),
    ]
    readonly_fields = [
        "made_at", "token_used", "attempts", "bill", "from_cache", "ended_at", "was_swept", "reserved_tokens"
    ]  # fmt: skip

    class Media:
        css = {"all": ("console/usage.css",)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By what the table has an index for: the whole request id, or the people whose email begins so."""
        term = search_term.strip().lower()
        if not term:
            return queryset, False
        of_request = queryset.filter(request_id=term)
        if of_request.exists():
            return of_request, False
        people = User.objects.filter(email__startswith=term).values_list("pk", flat=True)[:_MOST_PEOPLE]
        return queryset.filter(user_id__in=list(people)), False

    @display(description="Made at", ordering="created_at", header=True)
    def moment(self, row: AIProviderUsageLog) -> tuple[str, str]:
        return f"{row.created_at:%H:%M:%S}", f"{row.created_at:%Y-%m-%d}"

    @display(description="User", ordering="user__email")
    def person(self, row: AIProviderUsageLog) -> str | None:
        return format_html('<span class="cut" title="{0}">{0}</span>', row.user) if row.user else None

    @display(description="Task", ordering="task_type")
    def task(self, row: AIProviderUsageLog) -> str:
        return TASKS[row.task_type].label if row.task_type in TASKS else row.task_type

    @display(description="Model and provider", ordering="model_name")
    def asked(self, row: AIProviderUsageLog) -> str:
        return render_to_string("console/usage/model_cell.html", {"row": row})

    @display(description="Status", ordering="status")
    def outcome(self, row: AIProviderUsageLog) -> str:
        return render_to_string("console/usage/outcome_cell.html", {"row": row, "tone": _TONES[row.status]})

    @display(description="Tokens", ordering="total_tokens")
    def tokens(self, row: AIProviderUsageLog) -> str:
        return f"{row.total_tokens:,}"

    @display(description="Latency", ordering="latency_ms")
    def latency(self, row: AIProviderUsageLog) -> str | None:
        return None if row.latency_ms is None else f"{row.latency_ms:,}\N{NO-BREAK SPACE}ms"

    @display(description="Made at")
    def made_at(self, row: AIProviderUsageLog) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M:%S}"

    @display(description="Settled at")
    def ended_at(self, row: AIProviderUsageLog) -> str:
        return f"{row.settled_at:%Y-%m-%d %H:%M:%S}" if row.settled_at else "not yet"

    # In words: Django's red cross would make a failure of what is the usual case.
    @display(description="Answered from the cache")
    def from_cache(self, row: AIProviderUsageLog) -> str:
        return "yes" if row.cached else "no"

    @display(description="Closed by the sweeper")
    def was_swept(self, row: AIProviderUsageLog) -> str:
        return "yes" if row.swept else "no"

    @display(description="Cost, USD", ordering="estimated_cost_usd")
    def cost(self, row: AIProviderUsageLog) -> str:
        if row.estimated_cost_usd is None:
            return "open" if row.status == Status.STARTED else "price unknown"
        return f"{row.estimated_cost_usd:.6f}"

    @display(description="Access token")
    def token_used(self, row: AIProviderUsageLog) -> str:
        if row.personal_token is None:
            return "none"
        token = PersonalToken.objects.filter(pk=row.personal_token).first()
        return str(token) if token else f"#{row.personal_token}, deleted"

    @display(description="Attempts")
    def attempts(self, row: AIProviderUsageLog) -> str:
        rows = AIProviderUsageLog.objects.filter(request_id=row.request_id).order_by("created_at", "id")
        context = {"attempts": [(one, self.cost(one)) for one in rows[:50]], "shown": row}
        return render_to_string("console/usage/attempts.html", context)

    @display(description="Cost")
    def bill(self, row: AIProviderUsageLog) -> str:
        context = {"row": row, "lines": bill_of(row), "cost": self.cost(row), "prices": row.unit_prices}
        return render_to_string("console/usage/bill.html", context)
