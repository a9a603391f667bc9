"""Who may use the super-admin API."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.errors import DomainError
from accounts.models import Role, User
from accounts.refusals import record_refusal
from accounts.step_up import missing_factor, require_fresh

REFUSED = "access.refused"


def is_super_admin(user: Any) -> bool:
    return isinstance(user, User) and user.is_active and user.role == Role.SUPER_ADMIN


class IsSuperAdmin(BasePermission):
    """Role SUPER_ADMIN, with the second factor shown where the account has one or MFA_REQUIRED asks for it.

    Refusals of people who are logged in go to the audit trail.
    """

    message = "This is for super-admins. Ask one of them to do it, or to give you the role."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if not is_super_admin(request.user):
            record_refusal(request=request, door="api", action=REFUSED, reason="not_super_admin")
            return False
        if missing := missing_factor(request):
            record_refusal(request=request, door="api", action=REFUSED, reason=missing.code)
            raise missing
        return True


class IsFreshSuperAdmin(IsSuperAdmin):
    """The same, and for methods that change something a second factor shown within STEP_UP_SECONDS.

    A view that needs it for some changes only calls `fresh_or_refused(request)` there instead.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        if request.method not in SAFE_METHODS:
            fresh_or_refused(request)
        return True


def fresh_or_refused(request: Request) -> None:
    """`require_fresh` for API views: the refusal goes to the audit trail as well. Call it outside of a
    transaction, or the entry is rolled back with it."""
    try:
        require_fresh(request)
    except DomainError as error:
        record_refusal(request=request, door="api", action=REFUSED, reason=error.code)
        raise
