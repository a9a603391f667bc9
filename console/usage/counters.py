"""Quota counters in the console: by the names of whom they are for, and the days and months they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import PersonalToken, User
from console.lists import figure
from console.read_only import ReadOnlyAdminMixin
from console.templatetags.console import percent, task_label
from providers.models import AIProviderConfig
from providers.tasks import TASKS
from usage.ledger.limits import Subject, in_words, parts_of, unit_of
from usage.models import QuotaCounter
from usage.stats.nearest import MOST_COMPARED, LimitShare, nearest, shares_of

_OWNERS: dict[Subject, tuple[Any, str]] = {
    "user": (User, "admin:accounts_user_change"),
    "task": (User, "admin:accounts_user_change"),
    "access_token": (PersonalToken, "admin:accounts_personaltoken_change"),
    "provider": (AIProviderConfig, "admin:providers_aiproviderconfig_change"),
}
# More than this do not fit a search for one.
_MOST_OWNERS = 100
# Further down a list nobody looks for the worst.
_MOST_RANKED = 200

Names = Mapping[tuple[Subject, str], str]


class PeriodFilter(admin.SimpleListFilter):
    title = "period"
    parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("day", "Days"), ("month", "Months")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(window__startswith=f"{self.value()}:") if self.value() else queryset


@admin.register(QuotaCounter)
class QuotaCounterAdmin(ReadOnlyAdminMixin, ModelAdmin):  # type: ignore[misc]
    comes_first = (
        "what runs now and is nearest to its limit, held tokens and USD included; of each period and unit "
        f"the {MOST_COMPARED} that took most are compared with their limits"
    )
    list_display = ["whose", "counts", "period", "used_shown", "reserved_shown", "limit_shown", "share_shown"]
    # The first column leads to whom it is for.
    list_display_links = ["counts"]
    list_filter = [PeriodFilter]
    search_fields = ["scope"]
    search_help_text = "The beginning of an email, a provider's name, or a date such as 2026-11-21."
    ordering = ["-window", "scope"]
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    fields = ("whose", "counts", "period", "used_shown", "reserved_shown", "limit_shown", "share_shown")

    def worst_ids(self, request: HttpRequest) -> list[int]:
        return [one.counter.pk for one in nearest(now=timezone.now())[:_MOST_RANKED]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        people = list(User.objects.filter(email__startswith=term.lower())[:_MOST_OWNERS])
        tokens = PersonalToken.objects.filter(user__in=people)
        configs = AIProviderConfig.objects.filter(
            Q(display_name__icontains=term) | Q(model_name__icontains=term)
        )[:_MOST_OWNERS]
        owners = [("user", str(person.pk)) for person in people]
        owners += [("task", f"{person.pk}:{task}") for person in people for task in TASKS]
        owners += [("access_token", str(token.pk)) for token in tokens]
        owners += [("provider", str(config.pk)) for config in configs]
        scopes = [f"{kind}{unit}:{owner}" for kind, owner in owners for unit in ("", "-usd")]
        found = Q(scope__in=scopes) | Q(window__in=[f"day:{term}", f"month:{term}"])
        return queryset.filter(found), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        counters = list(changelist.result_list)
        names = _names_of(counters)
        for counter, beside in zip(counters, shares_of(counters, now=timezone.now()), strict=True):
            counter.names, counter.beside = names, beside
        changelist.result_list = counters
        return changelist

    @display(description="for", ordering="scope")
    def whose(self, counter: QuotaCounter) -> str:
        kind, owner, _ = parts_of(counter.scope)
        names: Names | None = getattr(counter, "names", None)
        # On a page of counters whose owners have all left there are no names, and none to be asked for.
        name = _names_of([counter]) if names is None else names
        if (kind, owner) not in name:
            return "somebody who has left" if kind in ("user", "task") else "deleted"
        return format_html('<a href="{}">{}</a>', reverse(_OWNERS[kind][1], args=[owner]), name[kind, owner])

    @display(description="counts")
    def counts(self, counter: QuotaCounter) -> str:
        _, _, task = parts_of(counter.scope)
        unit = "cost" if unit_of(counter.scope) == "usd" else "tokens"
        return f"{unit}, {task_label(task)}" if task else unit

    @display(description="period", ordering="window")
    def period(self, counter: QuotaCounter) -> str:
        kind, _, when = counter.window.partition(":")
        return when if kind == "day" else f"{date.fromisoformat(f'{when}-01'):%B %Y}"

    @figure
    @display(description="used", ordering="used")
    def used_shown(self, counter: QuotaCounter) -> str:
        return in_words(unit_of(counter.scope), counter.used)

    @figure
    @display(description="reserved", ordering="reserved")
    def reserved_shown(self, counter: QuotaCounter) -> str:
        return in_words(unit_of(counter.scope), counter.reserved)

    @figure
    @display(description="limit now")
    def limit_shown(self, counter: Any) -> str:
        beside = _beside(counter)
        if not beside.is_running:
            return "over"
        return "none" if beside.limit is None else in_words(unit_of(counter.scope), beside.limit)

    @figure
    @display(description="taken of it")
    def share_shown(self, counter: Any) -> str:
        share = _beside(counter).share
        return "-" if share is None else percent(share)


def _beside(counter: Any) -> LimitShare:
    """What the list looked up for all of its rows, or a page of one row for itself."""
    known: LimitShare | None = getattr(counter, "beside", None)
    return known or shares_of([counter], now=timezone.now())[0]


def _names_of(counters: Iterable[QuotaCounter]) -> Names:
    """Three questions at most, however many counters."""
    asked: dict[Any, set[tuple[Subject, str]]] = {}
    for counter in counters:
        kind, owner, _ = parts_of(counter.scope)
        if owner.isdecimal():
            asked.setdefault(_OWNERS[kind][0], set()).add((kind, owner))
    found: dict[tuple[Subject, str], str] = {}
    for model, keys in asked.items():
        rows = model.objects.in_bulk([int(owner) for _, owner in keys])
        found.update({(kind, owner): str(rows[int(owner)]) for kind, owner in keys if int(owner) in rows})
    return found
