"""What was asked."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.calendars import Calendar
from accounts.models import PersonalToken, Plan
from orchestration.routing.names import Wanted
from providers.adapters.base import GenerationRequest


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, of whom and for whom: the same for every attempt of a call. `stamp` names the standing
    that plan and calendar are from and `login_family` the login, where the ledger has to verify them. `token`
    is the personal access token that it was asked with, `wanted` what a program named to be answered by."""

    user_id: int
    calendar: Calendar
    task: str
    plan: Plan
    request: GenerationRequest
    request_id: str
    prompt_version: str = ""
    rather_than: int | str | None = None
    token: PersonalToken | None = None
    wanted: Wanted | None = None
    stamp: str | None = None
    login_family: str | None = None
