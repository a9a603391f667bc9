"""What is older than its rule is forgotten: that and nothing else, counted first, and told in the trail."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit_chain
from accounts.audit import Actor, record_alone
from accounts.celery_tasks import prune_personal_data
from accounts.models import AuditEntry, PersonalToken, RetentionRule
from accounts.retention import KINDS, pruning
from accounts.retention.pruning import due, prune
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from orchestration.models import Batch, BatchItem
from tests.usage.ended import make_call
from usage.models import AIProviderUsageLog, Alert, AlertEvent, QuotaCounter

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NOW = timezone.now()
DAYS = 100
OLD, NEW = NOW - timedelta(days=DAYS + 1), NOW - timedelta(days=DAYS - 1)


def aged(row, moment, field="created_at"):
    type(row)._base_manager.filter(pk=row.pk).update(**{field: moment})
    return row


def columns(row):
    return list(type(row)._base_manager.filter(pk=row.pk).values())


def posting(user, moment, number=0):
    row = JobPosting.objects.create(user=user, source_kind="text", content_hash=str(number) * 64)
    return aged(row, moment)


def profile(user, moment):
    return aged(MasterProfile.objects.create(user=user, name="Main", resume={}), moment, "updated_at")


def draft(user, moment, **fields):
    given = {"series": "a" * 64, "version": Draft.objects.count() + 1, "kind": "cv", "content": {}}
    return aged(Draft.objects.create(user=user, latency_ms=1, attempts=1, **given | fields), moment)


def batch(user, moment, state="done"):
    row = Batch.objects.create(user=user, kind="extract")
    BatchItem.objects.create(batch=row, number=1, given={}, state=state)
    return aged(row, moment)


def token(user, moment):
    number = PersonalToken.objects.count()
    return PersonalToken.objects.create(
        user=user, name="CI", digest=str(number) * 64, created_at=moment, revoked_at=moment
    )


def entry(user, moment):
    actor = Actor(door="api", user=user, email=user.email, ip_address="192.0.2.7")
    return recorded(moment, actor=actor, target=user, changes={"full_name": ["", "Alice"]})


def recorded(moment, **told):
    """Written then: its moment is signed with the rest."""
    with time_machine.travel(moment, tick=False):
        return record_alone(action="row.changed", **told)


def call(user, moment):
    return make_call(moment, user=user)


def counter(user, moment):
    return QuotaCounter.objects.create(scope=f"user:{user.pk}", window=f"day:{moment:%Y-%m-%d}", used=7)


def attempt(user, moment):
    row = AccessAttempt.objects.create(
        username=f"{user.email} {moment}", ip_address="192.0.2.7", failures_since_start=1
    )
    return aged(row, moment, "attempt_time")


def acknowledged(user, moment):
    alert, _ = Alert.objects.get_or_create(
        kind="error_rate", subject="", defaults={"since": moment, "seen_at": moment}
    )
    fields = {"what": "acknowledged", "episode": 1, "message": "m", "severity": "info"}
    AlertEvent.objects.create(alert=alert, at=moment, by="system", **fields | {"what": "opened"})
    return AlertEvent.objects.create(alert=alert, at=moment, by=user.email, note="on it", **fields)


MAKERS = {
    "job_postings": posting,
    "profiles": profile,
    "drafts": lambda user, moment: draft(user, moment, series=str(Draft.objects.count()) * 64),
    "batches": batch,
    "access_tokens": token,
    "audit_people": entry,
    "usage_people": call,
    "alert_people": acknowledged,
    "quota_counters": counter,
    "login_attempts": attempt,
}


def test_every_kind_is_tried_here():
    assert set(MAKERS) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_what_is_older_than_its_rule_goes_and_all_else_stays(user, kind):
    old, new = MAKERS[kind](user, OLD), MAKERS[kind](user, NEW)
    as_it_was = columns(new)
    RetentionRule.objects.create(kind=kind, days=DAYS)

    [counted] = due(now=NOW)
    [gone] = prune(actor=Actor.system(), now=NOW)
    [nothing_left] = prune(actor=Actor.system(), now=NOW)

    assert (counted.rows, gone.rows, nothing_left.rows) == (1, 1, 0)
    assert not KINDS[kind].old(NOW - timedelta(days=DAYS)).exists()
    assert columns(new) == as_it_was
    assert bool(columns(old)) == (kind in ("alert_people", "audit_people", "usage_people"))
    told = AuditEntry.objects.get(action=pruning.PRUNED)
    assert (told.target_label, told.changes["rows"]) == (KINDS[kind].label, [1, 0])
    assert audit_chain.verify().broken_at is None


def test_without_a_rule_everything_is_kept(user):
    for make in MAKERS.values():
        make(user, OLD)

    assert prune_personal_data() == 0
    assert not AuditEntry.objects.filter(action=pruning.PRUNED).exists()


def test_what_was_worked_with_lately_is_not_old(user):
    job, kept = posting(user, OLD), profile(user, OLD)
    first = draft(user, OLD, job=job, profile=kept)
    draft(user, NEW, job=job, profile=kept)
    under_way = batch(user, OLD, state="running")
    for kind in ("job_postings", "profiles", "drafts", "batches"):
        RetentionRule.objects.create(kind=kind, days=DAYS)

    assert [one.rows for one in prune(actor=Actor.system(), now=NOW)] == [0, 0, 0, 0]
    for row in (job, kept, first, under_way):
        row.refresh_from_db()


def test_the_accounts_stay_and_the_person_is_out_of_them(user):
    row = call(user, OLD)
    AIProviderUsageLog.objects.update(quota_keys=[[f"user:{user.pk}", "day:2026-01-01"]], personal_token=3)
    tokens = AIProviderUsageLog.objects.get().total_tokens
    RetentionRule.objects.create(kind="usage_people", days=DAYS)

    prune(actor=Actor.system(), now=NOW)

    row.refresh_from_db()
    assert (row.user_id, row.personal_token, row.quota_keys, row.total_tokens) == (None, None, [], tokens)


def test_of_the_trail_only_what_tells_of_people_is_emptied(user):
    about = entry(user, OLD)
    plan = recorded(OLD, actor=Actor.of_command("x"), changes={"daily_token_limit": [1, 2]})
    RetentionRule.objects.create(kind="audit_people", days=DAYS)

    prune(actor=Actor.system(), now=NOW)

    about.refresh_from_db()
    plan.refresh_from_db()
    assert (about.actor_email, about.ip_address, about.target_label, about.changes) == ("", "", "", {})
    assert (plan.actor_email, plan.changes) == ("manage.py x", {"daily_token_limit": [1, 2]})


def test_many_rows_go_in_small_transactions_each_told(user, monkeypatch):
    monkeypatch.setitem(KINDS, "job_postings", replace(KINDS["job_postings"], chunk=2))
    for number in range(5):
        posting(user, OLD, number)
    RetentionRule.objects.create(kind="job_postings", days=DAYS)

    assert prune_personal_data() == 5

    told = AuditEntry.objects.filter(action=pruning.PRUNED).order_by("number")
    assert [entry.changes["rows"][0] for entry in told] == [2, 2, 1]


def test_the_command_counts_first_and_changes_nothing_then(user):
    posting(user, OLD)
    profile(user, OLD)
    for kind in ("job_postings", "profiles"):
        RetentionRule.objects.create(kind=kind, days=DAYS)
    out = StringIO()

    call_command("prune_personal_data", dry_run=True, stdout=out)
    assert out.getvalue().splitlines() == [
        "job_postings: 1 rows older than 100 days would go.",
        "profiles: 1 rows older than 100 days would go.",
    ]
    assert JobPosting.objects.exists()

    call_command("prune_personal_data", "--kind", "profiles", stdout=out)
    assert (JobPosting.objects.count(), MasterProfile.objects.count()) == (1, 0)
    with pytest.raises(CommandError):
        call_command("prune_personal_data", "--kind", "users")


def test_a_rule_may_not_take_away_what_is_still_needed():
    with pytest.raises(ValidationError):
        RetentionRule(kind="usage_people", days=30).full_clean()


def test_the_console_says_what_the_next_run_takes(client, super_admin, user):
    posting(user, OLD)
    client.force_login(super_admin)
    client.post("/admin/accounts/retentionrule/add/", {"kind": "job_postings", "days": DAYS})
    refused = client.post("/admin/accounts/retentionrule/add/", {"kind": "usage_people", "days": 3})

    page = client.get("/admin/accounts/retentionrule/")

    [rule] = page.context["cl"].result_list
    assert (rule.days, page.context["cl"].model_admin.rows_due(rule)) == (DAYS, "1")
    assert "at least 62 days" in refused.content.decode()
    assert AuditEntry.objects.filter(action="retentionrule.created").count() == 1


def test_the_console_counts_once_for_each_rule_and_reads_the_rules_once(client, super_admin):
    client.force_login(super_admin)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get("/admin/accounts/retentionrule/")
        return len(captured)

    RetentionRule.objects.create(kind="job_postings", days=DAYS)
    queries()
    few = queries()
    for kind in [slug for slug in KINDS if slug != "job_postings"][:2]:
        RetentionRule.objects.create(kind=kind, days=DAYS)

    assert queries() == few + 2
