"""What a call goes by from the writing of its prompt on, read from the database or known to this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from accounts.calendars import Calendar
from accounts.models import PersonalToken, Plan, User, plan_of
from accounts.personal_tokens import token_stamp_of
from accounts.standing import (
    Login,
    SignedOut,
    Standing,
    current_standing,
    is_family_living,
    kept_standing,
    stamp_of,
)
from orchestration.experiments.assignment import Arm, assigned_arm
from orchestration.routing.snapshot import PolicyInForce, RoutingSnapshot, current_snapshot, latest_snapshot
from providers.revision import RoutingRevision
from providers.tasks import task_type
from usage.ledger import get_ledger


@dataclass(frozen=True, slots=True)
class Beginning:
    """`stamp` names the account's standing, where that was not read now but is to be verified with the
    snapshot's revision by whoever reserves."""

    task: str
    plan: Plan
    calendar: Calendar
    snapshot: RoutingSnapshot
    arm: Arm | None
    prompt_version: str
    stamp: str | None = None

    @property
    def account(self) -> dict[str, Any]:
        """What of it is a question's."""
        return {"plan": self.plan, "calendar": self.calendar}

    @property
    def policy(self) -> PolicyInForce:
        return self.snapshot.policy_of(self.task)

    def is_vote(self, response_model: type[BaseModel] | None) -> bool:
        """Whether a question with such a form is put to several models."""
        return response_model is not None and self.policy.votes > 1


def begin(user: User, task: str, login: Login | None = None) -> Beginning:
    """Read it, once (two queries while nothing has changed): the user's plan, the routing data, the user's
    arm of the task's running experiment, and which of the task's `prompt_versions` the user gets: that of the
    arm, else the one that the task's policy names, else the first. Synchronous. Raises NoDefaultPlan, and
    SignedOut where the `login` has ended."""
    snapshot = current_snapshot()
    if login is None and not get_ledger().has_stamps:
        return _beginning(task, user.pk, plan_of(user.pk), user.calendar, snapshot)
    standing = current_standing(user.pk)
    standing.admit(login)
    if login and login.family and not is_family_living(login.family):
        raise SignedOut
    return _beginning(task, user.pk, standing.plan, standing.calendar, snapshot)


def assume(user: User, task: str, login: Login | None = None) -> Beginning | None:
    """The same as this process has seen it last, without a query. None when it has not, or when by that the
    login has ended."""
    standing, snapshot = kept_standing(user.pk), latest_snapshot()
    if standing is None or snapshot is None or not _admits(standing, login):
        return None
    return _beginning(task, user.pk, standing.plan, standing.calendar, snapshot, stamp=standing.stamp)


def still_stands(
    user_id: int,
    stamp: str | None,
    login_family: str | None,
    *,
    revision: int,
    token: PersonalToken | None = None,
) -> bool:
    """Whether what was assumed is so (two or three queries)."""
    if stamp_of(user_id) != stamp or RoutingRevision.current() != revision:
        return False
    if token is not None and token_stamp_of(token.pk) != token.stamp:
        return False
    return not login_family or is_family_living(login_family)


def _admits(standing: Standing, login: Login | None) -> bool:
    try:
        standing.admit(login)
    except SignedOut:
        return False
    return True


def _beginning(
    task: str,
    user_id: int,
    plan: Plan,
    calendar: Calendar,
    snapshot: RoutingSnapshot,
    *,
    stamp: str | None = None,
) -> Beginning:
    experiment = snapshot.experiments.get(task)
    arm = assigned_arm(experiment, user_id) if experiment else None
    in_force = snapshot.policy_of(task).prompt_version
    version = task_type(task).prompt_version(arm.prompt_version if arm else "", in_force)
    return Beginning(task, plan, calendar, snapshot, arm, version, stamp)
