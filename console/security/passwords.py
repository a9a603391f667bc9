"""Setting passwords in the console: one's own, and another person's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse_lazy
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm

from accounts import audit, passwords
from accounts.audit import Actor
from accounts.models import User


class OwnPasswordView(PasswordChangeView):
    """Asks for the old password. The session that changes it goes on, every other one ends."""

    form_class = AdminOwnPasswordChangeForm
    success_url = reverse_lazy("admin:password_change_done")

    def form_valid(self, form: Any) -> HttpResponse:
        seen = passwords.access_of(form.user)
        user = form.save(commit=False)
        try:
            with transaction.atomic():
                passwords.store(user=user, seen=seen)
                actor = Actor.of_request(self.request)
                audit.record(action="user.password_changed", actor=actor, target=user)
        except passwords.PersonChanged as error:
            # The page of the theme shows errors of fields only.
            form.add_error("old_password", error.message)
            return self.form_invalid(form)
        update_session_auth_hash(self.request, user)
        return HttpResponseRedirect(self.get_success_url())


class PersonPasswordForm(AdminPasswordChangeForm):
    """Raises PersonChanged on saving, as `passwords.store`."""

    def save(self, commit: bool = True) -> User:  # noqa: FBT001 - Django's signature
        seen = passwords.access_of(self.user)
        user: User = super().save(commit=False)
        if commit:
            passwords.store(user=user, seen=seen)
        return user
