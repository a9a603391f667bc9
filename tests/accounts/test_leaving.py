"""A person leaves: what Django's own log says of them goes too, and nothing that it says of others."""

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.leaving import leave
from accounts.models import Plan, User

pytestmark = pytest.mark.django_db


def log(admin, model, pk, *, says="somebody", changed=""):
    content_type = ContentType.objects.get_for_model(model)
    return LogEntry.objects.create(
        user=admin,
        content_type=content_type,
        object_id=str(pk),
        object_repr=says,
        change_message=changed,
        action_flag=CHANGE,
    )


def test_the_log_of_the_console_forgets_whom_it_names_and_nobody_else(super_admin, user, outsider):
    log(super_admin, User, user.pk)
    log(super_admin, Plan, 0, says=f"Subscription of {user.email}")
    log(super_admin, Plan, 0, changed=f"For {user.email.upper()}")
    kept = [
        log(super_admin, User, outsider.pk),
        log(super_admin, Plan, user.pk),
        log(super_admin, LogEntry, user.pk),
        log(super_admin, Plan, 0, says=f"not-{user.email}"),
    ]

    leave(user=user)

    assert list(LogEntry.objects.order_by("pk")) == kept
