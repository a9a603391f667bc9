"""Plans and who is on them, in the console."""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.limits import contradictions_in
from accounts.models import Plan, Subscription
from console.audited import AuditedAdmin
from console.autocomplete import ChoosesRows
from console.lists import figure
from console.templatetags.console import dollars


@admin.register(Plan)
class PlanAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    keeps_order = "a handful of settings, of which none is worse than another"
    list_display = [
        "name",
        "slug",
        "tokens_a_day",
        "tokens_a_month",
        "usd_a_day",
        "usd_a_month",
        "price",
        "requests_per_minute",
        "max_concurrent_calls",
        "is_default",
    ]
    search_fields = ["name", "slug"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # The slug is the primary key: writing another one would make a second plan.
        return ["slug"] if obj else []

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        for sentence in contradictions_in(obj):
            self.message_user(request, sentence, messages.WARNING)

    @figure
    @display(description="tokens a day", ordering="daily_token_limit")
    def tokens_a_day(self, plan: Plan) -> str:
        return _limit(plan.daily_token_limit)

    @figure
    @display(description="tokens a month", ordering="monthly_token_limit")
    def tokens_a_month(self, plan: Plan) -> str:
        return _limit(plan.monthly_token_limit)

    @figure
    @display(description="cost a day", ordering="daily_cost_limit_usd")
    def usd_a_day(self, plan: Plan) -> str:
        return _usd(plan.daily_cost_limit_usd, "no limit")

    @figure
    @display(description="cost a month", ordering="monthly_cost_limit_usd")
    def usd_a_month(self, plan: Plan) -> str:
        return _usd(plan.monthly_cost_limit_usd, "no limit")

    @figure
    @display(description="price a month", ordering="monthly_price_usd")
    def price(self, plan: Plan) -> str:
        return _usd(plan.monthly_price_usd, "not known")


def _limit(tokens: int | None) -> str:
    return "no limit" if tokens is None else f"{tokens:,}"


def _usd(amount: Decimal | None, nothing: str) -> str:
    return nothing if amount is None else f"${dollars(amount)}"


@admin.register(Subscription)
class SubscriptionAdmin(AuditedAdmin, ChoosesRows, ModelAdmin):  # type: ignore[misc]
    keeps_order = "as many as people, the newest first; after an ended one the default plan holds"
    list_display = ["user", "plan", "status", "started_at", "current_period_end"]
    list_filter = ["status", "plan"]
    search_fields = ["user__email"]
    list_select_related = ["user", "plan"]
    autocomplete_fields = ["user", "plan"]
