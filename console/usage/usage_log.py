"""The usage log: every attempt, what it used, what it cost, and how it ended. Prompts are stored nowhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import PersonalToken, Plan, User
from console import filters
from console.cursor_pages import CursorChangeList
from console.lists import figure
from console.read_only import ReadOnlyAdminMixin
from console.templatetags.console import in_words, vendor_label
from providers.tasks import TASKS
from usage.bill import bill_of, saved_by
from usage.models import AIProviderUsageLog, Status
from usage.replica import figures_as_of, read_figures

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
    keeps_order = "millions of rows, the newest first: a filter finds the failed ones"
    list_display = ["moment", "person", "task", "asked", "outcome", "tokens", "cost", "latency"]
    list_before_template: str | None = "console/usage/above_the_log.html"  # type: ignore[assignment]
    list_filter = [
        ("created_at", filters.DayRangeFilter),
        filters.StatusFilter,
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
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    _call_fields = (
        "made_at",
        "request_id",
        "attempt",
        "user",
        "token_used",
        "plan_then",
        "task",
        "prompt_version",
    )
    _provider_fields = (
        "provider_config",
        "vendor",
        "model_name",
        "reported_model",
        "requested_tier",
        "service_tier",
    )
    _outcome_fields = (
        "status",
        "kind_of_error",
        "error_message",
        "latency",
        "from_cache",
        "ended_at",
        "was_swept",
    )
    _token_fields = ("tokens", "usage_source", "reserved")
    fieldsets = [
        ("Call", {"fields": _call_fields}),
        ("Attempts of this request", {"fields": ("attempts",)}),
        ("Provider", {"fields": _provider_fields}),
        ("Outcome", {"fields": _outcome_fields}),
        ("Tokens and cost", {"fields": ("bill", *_token_fields)}),
    ]
    readonly_fields = [
        "made_at", "token_used", "plan_then", "task",
        "attempts", "bill", "from_cache", "ended_at", "was_swept", "tokens",
        "reserved", "kind_of_error", "vendor", "latency",
    ]  # fmt: skip

    class Media:
        css = {"all": ("console/usage.css",)}
        js = ("console/live_tail.js",)

    def get_changelist(  # type: ignore[override]  # unfold's says an instance
        self, request: HttpRequest, **kwargs: Any
    ) -> type[CursorChangeList]:
        return CursorChangeList

    def changelist_view(  # type: ignore[override]  # a refusal is no template
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        def listed() -> HttpResponse:
            context = {**(extra_context or {}), "figures_as_of": figures_as_of()}
            response = super(AIProviderUsageLogAdmin, self).changelist_view(request, context)
            # The rows are read when the page is made.
            return response.render() if isinstance(response, TemplateResponse) else response

        return read_figures(listed)

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
        calls = AIProviderUsageLog.objects.filter(user_id=OuterRef("pk")).order_by("-created_at")
        # Whoever called never is left out, and the rest begins at the last call of any of them: otherwise all
        # of the log might be read for somebody who is not in it.
        last = dict(
            User.objects.filter(pk__in=list(people))
            .order_by()
            .annotate(last=Subquery(calls.values("created_at")[:1]))
            .filter(last__isnull=False)
            .values_list("pk", "last")
        )
        if not last:
            return queryset.none(), False
        return queryset.filter(user_id__in=list(last), created_at__lte=max(last.values())), False

    @display(description="Made at, UTC", ordering="created_at", header=True)
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

    @figure
    @display(description="Tokens", ordering="total_tokens")
    def tokens(self, row: AIProviderUsageLog) -> str:
        return f"{row.total_tokens:,}"

    @display(description="Reserved tokens")
    def reserved(self, row: AIProviderUsageLog) -> str:
        return f"{row.reserved_tokens:,}"

    @display(description="Plan")
    def plan_then(self, row: AIProviderUsageLog) -> str:
        """By its name of today; one that was deleted since by what programs called it."""
        return str(Plan.objects.filter(slug=row.plan).first() or row.plan or "none")

    @display(description="Error kind")
    def kind_of_error(self, row: AIProviderUsageLog) -> str:
        return in_words(row.error_kind) or "none"

    @display(description="Vendor")
    def vendor(self, row: AIProviderUsageLog) -> str:
        return vendor_label(row.provider_type) or "none"

    @figure
    @display(description="Latency", ordering="latency_ms")
    def latency(self, row: AIProviderUsageLog) -> str | None:
        return None if row.latency_ms is None else f"{row.latency_ms:,}\N{NO-BREAK SPACE}ms"

    @display(description="Made at, UTC")
    def made_at(self, row: AIProviderUsageLog) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M:%S}"

    @display(description="Settled at, UTC")
    def ended_at(self, row: AIProviderUsageLog) -> str:
        return f"{row.settled_at:%Y-%m-%d %H:%M:%S}" if row.settled_at else "not yet"

    # In words: Django's red cross would make a failure of what is the usual case.
    @display(description="Answered from the cache")
    def from_cache(self, row: AIProviderUsageLog) -> str:
        return "yes" if row.cached else "no"

    @display(description="Closed by the sweeper")
    def was_swept(self, row: AIProviderUsageLog) -> str:
        return "yes" if row.swept else "no"

    @figure
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
        context = {
            "row": row,
            "lines": bill_of(row),
            "cost": self.cost(row),
            "prices": row.unit_prices,
            "uses_cache": row.cached_tokens or row.cache_write_tokens,
            "saved": saved_by(row),
        }
        return render_to_string("console/usage/bill.html", context)
