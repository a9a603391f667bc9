"""What the box behind Ctrl-K finds: pages of the console, and the rows that somebody may be looking for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from unfold.dataclasses import SearchResult

from accounts.models import PersonalToken, Plan, User
from console.navigation import SECTIONS, links_of
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from orchestration.models import Batch, Experiment
from providers.models import AIProviderConfig, ModelCapability
from providers.stored_prompts import stored_versions
from providers.tasks import CHAT, TASKS, versions_of
from usage.alerts import records
from usage.models import AIProviderUsageLog, ModelPrice

# Of each kind: who sees more than these types another letter.
MOST_OF_A_KIND = 6
LONGEST_TERM = 200
# What there is much of is asked about from so many letters on, and of what is found by a word within it
# alone, which no index knows, the newest so many rows are looked through.
LEAST_LETTERS = 3
NEWEST = 5_000

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Kind:
    """`rows` gives what a term finds. Of what `is_large` there may be more than one asks of for a letter."""

    label: str
    icon: str
    rows: Callable[[str], QuerySet[Any]]
    is_large: bool = False


def found(term: str) -> list[SearchResult]:
    """Pages first, then rows; nothing for a term of spaces. A fixed number of queries, whatever is found."""
    term = term.replace("\x00", "").strip()[:LONGEST_TERM]
    if not term:
        return []
    return [*_pages(term), *_requests(term), *_rows(term), *_prompts(term)]


def _pages(term: str) -> Iterator[SearchResult]:
    for section in SECTIONS:
        for title, link in links_of(section):
            if term.lower() in title.lower():
                yield SearchResult(title=title, description="Page", link=link, icon=section.icon)


def _requests(term: str) -> Iterator[SearchResult]:
    """By the whole id, which has an index; the row that was written last."""
    row = AIProviderUsageLog.objects.filter(request_id=term.lower()).first() if len(term) <= 36 else None
    if row is not None:
        link = reverse("admin:usage_aiproviderusagelog_change", args=[row.pk])
        yield SearchResult(title=row.request_id, description="Request", link=link, icon="receipt_long")


def _rows(term: str) -> Iterator[SearchResult]:
    for kind in KINDS:
        if kind.is_large and len(term) < LEAST_LETTERS:
            continue
        for row in kind.rows(term)[:MOST_OF_A_KIND]:
            yield SearchResult(title=str(row), description=kind.label, link=_page_of(row), icon=kind.icon)


def _prompts(term: str) -> Iterator[SearchResult]:
    """Built in or written by somebody, by task and name."""
    stored = stored_versions()
    tasks = [task for task in TASKS.values() if task.slug != CHAT]
    names = [(task, version) for task in tasks for version in versions_of(task.slug)]
    names += [(TASKS[slug], version) for slug, version in stored if slug in TASKS]
    titles = [(f"{task.label}: {version}", task.slug, version) for task, version in names]
    for title, task, version in [one for one in titles if term.lower() in one[0].lower()][:MOST_OF_A_KIND]:
        link = reverse("admin:prompt_version", args=[task, version])
        yield SearchResult(title=title, description="Prompt", link=link, icon="chat")


def _of_newest(model: type[Model], term: str, *names: str) -> QuerySet[Any]:
    """Rows among the NEWEST in which one of the columns has the term somewhere, the newest first."""
    rows = model._default_manager.order_by("-pk")
    has_term = Q()
    for name in names:
        has_term |= Q(**{f"{name}__icontains": term})
    # Asked by itself: in one question with the words, PostgreSQL would look at those of every row first.
    oldest = rows.values_list("pk", flat=True)[NEWEST - 1 : NEWEST].first()
    if oldest is not None:
        rows = rows.filter(pk__gte=oldest)
    return rows.filter(has_term).only("pk", *names)


def _providers(term: str) -> QuerySet[Any]:
    named = Q(display_name__icontains=term) | Q(model_name__icontains=term)
    named |= Q(quality_model_name__icontains=term) | Q(description__icontains=term)
    return AIProviderConfig.objects.defer("api_key_encrypted").filter(named)


def _people(term: str) -> QuerySet[Any]:
    """Both have an index for what begins so."""
    return User.objects.filter(Q(email__startswith=term.lower()) | Q(full_name__istartswith=term))


def _batches(term: str) -> QuerySet[Any]:
    """By the beginning of the id, as lists show it."""
    digits = term.lower().replace("-", "")
    if not set(digits) <= _HEX or len(digits) > 32:
        return Batch.objects.none()
    first, last = (UUID(digits.ljust(32, filler)) for filler in "0f")
    return Batch.objects.filter(pk__range=(first, last))


def _drafts(term: str) -> QuerySet[Any]:
    drafts = _of_newest(Draft, term, "title", "hiring_organization")
    return drafts.only("kind", "title", "version")


def _jobs(term: str) -> QuerySet[Any]:
    return _of_newest(JobPosting, term, "title", "hiring_organization")


def _profiles(term: str) -> QuerySet[Any]:
    return _of_newest(MasterProfile, term, "name")


def _tokens(term: str) -> QuerySet[Any]:
    return _of_newest(PersonalToken, term, "name").only("name", "hint")


def _alerts(term: str) -> QuerySet[Any]:
    return _of_newest(records.ever().model, term, "message").filter(episode__gt=0)


KINDS = (
    Kind("Provider", "hub", _providers),
    Kind("Person", "person", _people, is_large=True),
    Kind("Model", "fact_check", lambda term: ModelCapability.objects.filter(model_name__icontains=term)),
    Kind(
        "Plan",
        "workspace_premium",
        lambda term: Plan.objects.filter(Q(name__icontains=term) | Q(slug=term.lower())),
    ),
    Kind("Experiment", "science", lambda term: Experiment.objects.filter(name__icontains=term)),
    Kind(
        "Price",
        "savings",
        lambda term: ModelPrice.objects.filter(Q(model_name__icontains=term) | Q(note__icontains=term)),
    ),
    Kind("Access token", "key", _tokens, is_large=True),
    Kind("Alert", "notifications", _alerts, is_large=True),
    Kind("Job posting", "work", _jobs, is_large=True),
    Kind("Profile", "contact_page", _profiles, is_large=True),
    Kind("Draft", "description", _drafts, is_large=True),
    Kind("Batch", "stacks", _batches, is_large=True),
)


def _page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
