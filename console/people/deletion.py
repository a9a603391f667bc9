"""What is told before people are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import PersonalToken, User
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from orchestration.models import Batch
from usage.models import QuotaRule

_GOES: tuple[Any, ...] = (JobPosting, MasterProfile, Draft, Batch, QuotaRule, PersonalToken)


def consequences(people: Sequence[User]) -> list[str]:
    """What `accounts.leaving.forget` will take and leave, in sentences; a query for each kind of row."""
    whose = "this person's" if len(people) == 1 else "these people's"
    return [
        f"Gone for good, at once: {', '.join(_counts(people))}.",
        "Every session, login, access token and second factor ends, and what a vendor has of a batch is "
        "cancelled.",
        f"Of the audit trail, {whose} part is emptied: e-mail address, name, network address, and what was "
        "changed. An entry says that you had it done, and to which number of account.",
        "Usage rows, statistics and counters keep their sums, with nobody behind them.",
        "Nothing of it can be brought back, but from a backup of the database.",
    ]


def _counts(people: Sequence[User]) -> list[str]:
    who = [person.pk for person in people]
    found = [("account", "accounts", len(who))]
    for model in _GOES:
        words = model._meta
        found.append(
            (words.verbose_name, words.verbose_name_plural, model.objects.filter(user__in=who).count())
        )
    return [f"{count:,} {one if count == 1 else many}" for one, many, count in found if count]
