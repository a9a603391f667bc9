"""The login form, and the one for a code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from accounts.hashing import TooManyLogins
from accounts.logins import LockedOut, TooManyAttempts, one_attempt_at_a_time, refuse_locked_out
from accounts.permissions import is_super_admin
from accounts.refusals import record_refusal


class ConsoleLoginForm(AuthenticationForm):
    """Lets super-admins in and tells everybody else the same, whatever was wrong."""

    # Django's own names a "staff account", which nobody has here.
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "This email and password do not open the console. Check both; capitals matter.",
    }

    def clean(self) -> dict[str, Any]:
        email = str(self.cleaned_data.get("username") or "")
        try:
            with one_attempt_at_a_time(request=self.request, email=email):
                cleaned: dict[str, Any] = super().clean()
        except (TooManyAttempts, TooManyLogins) as error:
            raise ValidationError(error.message, code=error.code) from None
        except ValidationError:
            record_refusal(
                request=self.request, door="admin", action="login", reason="refused", label=shown(email)
            )
            self._refuse_locked_out(email)
            raise
        return cleaned

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        if is_super_admin(user):
            return
        # Counted like a wrong password, or the lock would tell that the password was right.
        user_login_failed.send(
            sender=__name__, credentials={"username": user.get_username()}, request=self.request
        )
        raise self.get_invalid_login_error()

    def _refuse_locked_out(self, email: str) -> None:
        try:
            refuse_locked_out(request=self.request, email=email)
        except LockedOut as error:
            self.locked_out = error
            raise ValidationError(error.message, code=error.code) from None


def shown(email: str) -> str:
    """What goes into the audit trail of what somebody typed as their email; a password typed there by
    mistake has no @ and stays out."""
    return email[:200] if "@" in email else "(not an email address)"


class CodeForm(forms.Form):
    """Six digits of the app, or a backup code."""

    otp = forms.CharField(
        label="Code",
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "class": " ".join(BASE_INPUT_CLASSES),
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": "",
            }
        ),
    )
