"""How the console writes figures and times."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince

from accounts.percents import Share, in_percent
from console.empty_states import EmptyState, empty_state_of
from console.lists import figures_in
from console.models import SavedView
from console.navigation import title_of
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS
from usage.models import Status

register = template.Library()

_STATUS_TONES: dict[str, str] = {
    Status.STARTED: "quiet",
    Status.SUCCESS: "good",
    Status.ERROR: "bad",
    Status.TIMEOUT: "warning",
    Status.ABORTED: "warning",
}


@register.inclusion_tag("console/saved_views.html", takes_context=True)
def saved_views(context: Any) -> dict[str, Any]:
    """The views that the person saved of the list that is open (one query)."""
    request = context["request"]
    views = SavedView.objects.filter(user=request.user, page=request.path)
    query = request.GET.urlencode()
    return {"views": [(view, view.query == query) for view in views], "query": query, "request": request}


@register.inclusion_tag("console/figures.html")
def figures(changelist: Any) -> dict[str, Any]:
    """The columns of a list that hold figures, so that they stand at the right."""
    return {"figures": figures_in(changelist)}


@register.simple_tag
def empty_state(changelist: Any) -> EmptyState | None:
    """What the list says while nothing is in it."""
    return empty_state_of(changelist.opts.label_lower)


@register.filter
def page_title(link: Any, otherwise: str = "") -> str:
    """A page by the one name that the sidebar, its title, and what leads to it have for it."""
    return title_of(str(link)) or otherwise


@register.filter
def task_label(slug: str) -> str:
    """A task by the name that every page has for it; one that a release took away by its slug."""
    return TASKS[slug].label if slug in TASKS else slug


@register.filter
def vendor_label(provider_type: str) -> str:
    """A provider type by its vendor's name; one that a release took away by its slug."""
    return PROVIDER_TYPES[provider_type].label if provider_type in PROVIDER_TYPES else provider_type


@register.filter
def in_words(slug: str) -> str:
    """What programs write in one word, such as the kind of an error or of an entry, in several."""
    return slug.replace(".", ": ").replace("_", " ")


@register.filter
def status_tone(status: str) -> str:
    """The colour of a usage row's status."""
    return _STATUS_TONES[status]


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, in its largest unit: "3 hours ago"."""
    now = timezone.now()
    if (now - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, now, depth=1)} ago"


@register.filter
def grouped(number: int) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}"


@register.filter
def counted(number: int, noun: str) -> str:
    """ "1 call", "1,234 calls", for nouns that form their plural so."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@register.filter
def dollars(amount: Decimal) -> str:
    """Two places; four below a cent, so that small sums do not read as nothing."""
    if 0 < amount < Decimal("0.01"):
        return "<0.0001" if amount < Decimal("0.0001") else f"{amount:.4f}"
    return f"{amount:,.2f}"


@register.filter
def per_mtok(price: Decimal | str | None) -> str:
    """A unit price in full, because the small ones are what matters, and with two places at least; nothing
    where there is none."""
    if price is None:
        return ""
    plain = Decimal(price).normalize()
    exponent = plain.as_tuple().exponent
    return f"{plain:,f}" if isinstance(exponent, int) and exponent < -2 else f"{plain:,.2f}"


@register.filter
def percent(share: Share) -> str:
    """0.0425 as 4.3 %, on one line."""
    return in_percent(share).replace(" ", "\N{NO-BREAK SPACE}")


@register.filter
def percents(number: Share) -> str:
    """4.25 as 4.3 %, for what is counted in percents already."""
    return percent(number / 100)
