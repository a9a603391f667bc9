"""Lists as people like to see them, each under a name of their own."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote_plus

from django import forms
from django.contrib import messages
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import QueryDict
from django.urls import Resolver404, path, resolve
from django.views.decorators.http import require_POST

from accounts.errors import DomainError
from accounts.models import User
from console.cursor_pages import AFTER, BEFORE
from console.models import SavedView

# Of one person for one list.
MOST_VIEWS = 20
# Pages with filters that are lists of no model.
_ALSO_KEPT = frozenset({"usage_statistics", "usage_price_list"})


class InvalidView(DomainError):
    code = "invalid_view"
    status = 400
    message = f"A view needs a name of at most 60 letters; a list has at most {MOST_VIEWS} of them."


class ViewForm(forms.Form):
    name = forms.CharField(max_length=60)
    query = forms.CharField(required=False, max_length=2000)


def save(*, user: User, page: str, name: str, query: str) -> SavedView:
    """Keep what is shown of the list at `page` under this name, in the place of what had the name before.
    Raises InvalidView."""
    name, query = name.strip(), _without_page(query)
    own = SavedView.objects.filter(user=user, page=page)
    is_new = not own.filter(name=name).exists()
    if not name or len(name) > 60 or len(query) > 2000 or (is_new and own.count() >= MOST_VIEWS):
        raise InvalidView
    view, _ = SavedView.objects.update_or_create(user=user, page=page, name=name, defaults={"query": query})
    return view


def forget(user: User) -> None:
    """Delete the views, whoever's they are, that look for the person's e-mail address or are named for it."""
    looks_for = Q(query__icontains=quote_plus(user.email)) | Q(name__icontains=user.email)
    SavedView.objects.filter(looks_for).delete()


def _without_page(query: str) -> str:
    """Which page of the list it was is nothing to keep."""
    asked = QueryDict(query, mutable=True)
    for name in (PAGE_VAR, "page", BEFORE, AFTER):
        asked.pop(name, None)
    return asked.urlencode()


def urls(wrap: Any) -> list[Any]:
    return [
        path("views/save/", wrap(save_view), name="save_view"),
        path("views/<int:pk>/delete/", wrap(delete_view), name="delete_view"),
    ]


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """POST: keep the filters of a list under a name, and show it."""
    page = request.POST.get("page", "")
    if not _is_list(page):
        raise Http404
    form = ViewForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidView
        view = save(user=cast(User, request.user), page=page, **form.cleaned_data)
    except DomainError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(page)
    messages.success(request, f"{view.name} is saved.")
    return HttpResponseRedirect(f"{page}?{view.query}")


@require_POST
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: forget one of one's own."""
    view = SavedView.objects.filter(pk=pk, user=cast(User, request.user)).first()
    if view is None:
        raise Http404
    view.delete()
    return HttpResponseRedirect(view.page)


def _is_list(page: str) -> bool:
    try:
        name = str(resolve(page).url_name)
    except Resolver404:
        return False
    return name.endswith("_changelist") or name in _ALSO_KEPT
