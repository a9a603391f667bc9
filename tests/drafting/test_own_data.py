"""What a person takes along, and what is left when the person is gone."""

import io
import json
from datetime import timedelta
from urllib.parse import urlencode
from zipfile import ZipFile

import pytest
import redis
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db.models import Count, Sum
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import audit_chain
from accounts.audit import Actor, record_alone
from accounts.models import AuditEntry, User
from aditus.celery import app
from console import saved_views
from console.models import SavedView
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from extraction.schema import JobData
from orchestration.celery_tasks import advance_economy, work_batch
from orchestration.models import Batch, EconomyCall, VendorBatch
from tests import services
from tests.drafting.test_drafts_api import JOB
from tests.factories import make_config, make_user
from tests.traces import found_anywhere
from usage.alerts import records
from usage.models import (
    AIProviderUsageLog,
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertEvent,
    PersonRollup,
    QuotaCounter,
    QuotaRule,
    UsageRollup,
)
from usage.stats import rollup

# One after the other: each looks through all of the Redis that the others leave traces of the person in.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("own_data")]

NOW = timezone.now()
PASSWORD = "mvua inanyesha leo"
HIGHLIGHTS = [
    "Built REST APIs in Python for the booking team.",
    "Cut hosting costs by 40% by moving 12 services to containers.",
]
NAME, EMAIL = "Zawadi Ngũgĩ-Ödmann", "zawadi.odmann@example.com"
# Of somebody else, whose address is longer.
OTHERS = f"x{EMAIL}"


@pytest.fixture
def person():
    return make_user(EMAIL, full_name=NAME, password=PASSWORD)


def log_in(password):
    credentials = {"email": EMAIL, "password": password}
    return APIClient().post("/api/v1/auth/token", credentials, format="json")


@pytest.fixture
def client_of(person):
    client = APIClient()
    token = log_in(PASSWORD).json()["data"]["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def work(person, client_of, sandbox):
    """A profile, a posting, a CV, a rating, an import, a batch that waits and one that a vendor has, a chat
    with a token, a wrong password, a refusal, an edit in the console and a time as a super-admin: traces of
    every kind."""
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    resume = {
        "basics": {"name": NAME, "email": EMAIL},
        "work": [{"name": "Baobab Books", "position": "Developer", "highlights": HIGHLIGHTS}],
    }
    profile = client_of.post("/api/v1/profiles", {"name": "Main", "resume": resume}, format="json").json()
    data = JobData.model_validate(JOB).model_dump(mode="json")
    job = JobPosting.objects.create(user=person, source_kind="text", content_hash="0" * 64, data=data)
    body = {"job_id": job.pk, "profile_id": profile["data"]["profile_id"]}
    draft = client_of.post(
        "/api/v1/cv-drafter/draft", body, format="json", headers={"idempotency-key": "one"}
    ).json()
    assert "data" in draft, draft
    client_of.post(f"/api/v1/drafts/{draft['data']['draft_id']}/feedback", {"rating": 5}, format="json")
    cv = f"{NAME}\n{EMAIL}\n\nWork experience\nDeveloper, Baobab Books\n2019 - 2023\n- {HIGHLIGHTS[0]}"
    client_of.post("/api/v1/profiles/import", {"text": cv}, headers={"idempotency-key": "two"}, format="json")
    sent = {"items": [body | {"note": f"Call me {NAME}"}]}
    assert client_of.post("/api/v1/cv-drafter/batches", sent, format="json").status_code == 202
    at_the_vendor(client_of)
    chat(client_of)
    once_in_charge(person)
    log_in("wrong")
    edited_in_the_console(person)
    looked_for_in_the_console()
    client_of.get("/api/v1/super-admin/providers/configs")
    rollup.refresh(now=timezone.now() + timedelta(days=2))
    yield draft["data"]
    # The message that called a worker for the batch.
    app.control.purge()


def at_the_vendor(client):
    """Of a batch at a lower price, what was sent."""
    text = f"Cook wanted at Hotel Baobab. You cook for forty guests. Apply to {NAME}, {EMAIL}, with your CV."
    sent = client.post(
        "/api/v1/job-extractor/batches", {"items": [{"text": text}], "economy": True}, format="json"
    )
    work_batch(sent.json()["data"]["batch_id"])
    assert EconomyCall.objects.filter(vendor_batch__isnull=False).exists()


def once_in_charge(person):
    """Acted on an alert, kept a view, was written to, and is a user again."""
    User.objects.filter(pk=person.pk).update(role="SUPER_ADMIN")
    actor = Actor(door="admin", user=person, email=EMAIL)
    now = timezone.now()
    alert = Alert.objects.create(kind="errors", episode=1, since=now, seen_at=now, state="open")
    records.acknowledge(actor=actor, alert_id=alert.pk, note=f"Ask {EMAIL}, not {OTHERS}")
    SavedView.objects.create(user=person, page="usage", name=f"Of {NAME}", query=f"q={EMAIL}")
    QuotaRule.objects.create(user=person, unit="tokens", period="day", limit=10**6, note=f"{NAME} asked")
    for name, others in (("Both", ["root@example.com", OTHERS]), ("One", [])):
        written = "\n".join([*others, EMAIL.upper()])
        channel = AlertChannel.objects.create(name=name, form="email", recipients=written)
        told = {"recipients": ["", written]}
        record_alone(action="alertchannel.created", actor=Actor.system(), target=channel, changes=told)
        AlertDelivery.objects.create(
            channel=channel, created_at=now, due_at=now, problem=f"<{EMAIL}> refused"
        )
    User.objects.filter(pk=person.pk).update(role="USER")


def chat(client):
    """Through the door, with a token of the person's own, and a key that keeps the answer."""
    secret = client.post("/api/v1/me/tokens", {"name": f"of {NAME}"}, format="json").json()["data"]["secret"]
    ask = {"model": "aditus/chat", "messages": [{"role": "user", "content": f"Who is {NAME}, {EMAIL}?"}]}
    answered = APIClient().post(
        "/v1/chat/completions",
        ask,
        format="json",
        headers={"authorization": f"Bearer {secret}", "idempotency-key": "three"},
    )
    assert answered.status_code == 200, answered.content


def edited_in_the_console(person):
    """By a super-admin, whose page writes Django's own log, too."""
    root = make_user("root@example.com", role="SUPER_ADMIN")
    console = Client()
    console.force_login(root)
    where = f"/admin/accounts/user/{person.pk}/change/"
    form = console.get(where).context["adminform"].form
    held = {name: form.get_initial_for_field(form.fields[name], name) for name in form.fields}
    fields = {name: value for name, value in held.items() if value} | {"time_zone": "Africa/Nairobi"}
    inlines = {
        f"{one.formset.prefix}-{name}": 0
        for one in console.get(where).context["inline_admin_formsets"]
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    saved = console.post(where, fields | inlines)
    assert saved.status_code == 302, saved.context["errors"]
    assert LogEntry.objects.exists()


def looked_for_in_the_console():
    """A super-admin keeps a view of the person, and one of somebody else."""
    root = User.objects.get(email="root@example.com")
    for name, query in (("One", EMAIL), ("Other", "a@b.c")):
        saved_views.save(user=root, page="/admin/accounts/user/", name=name, query=urlencode({"q": query}))


def leave(client, **body):
    return client.delete("/api/v1/me", {"password": PASSWORD} | body, format="json")


def test_the_archive_has_everything(client_of, work):
    response = client_of.get("/api/v1/me/export")

    archive = ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    files = {name: archive.read(name).decode() for name in archive.namelist()}
    account = json.loads(files["account.json"])
    assert (account["email"], account["full_name"]) == (EMAIL, NAME)
    assert [json.loads(text)["basics"]["name"] for name, text in files.items() if "profiles/" in name] == [
        NAME
    ]
    assert json.loads(files[f"drafts/{work['draft_id']}.json"])["content"] == work["content"]
    assert sum("job-postings/" in name for name in files) == 1
    calls = [json.loads(line) for line in files["calls.ndjson"].splitlines()]
    assert len(calls) == AIProviderUsageLog.objects.count() > 0
    assert [rating["rating"] for rating in json.loads(files["feedback.json"])] == [5]
    kept = [json.loads(line) for line in files["kept-answers.ndjson"].splitlines()]
    assert [(answer["key"].split(":")[-1], answer["status"]) for answer in kept] == [
        ("one", 201),
        ("two", 200),
        ("three", 200),
    ]
    assert kept[0]["body"]["content"] == work["content"]
    assert json.loads(files["audit.json"])
    assert min(entry.date_time for entry in archive.infolist())[0] > 1980
    assert PASSWORD not in str(files)
    assert User.objects.get(email=EMAIL).password not in str(files)


EXPORTED = {
    "accounts.user", "accounts.subscription", "accounts.tokenfamily", "accounts.authenticator",
    "accounts.auditentry", "accounts.personaltoken", "accounts.idempotencykey", "axes.accessattempt",
    "usage.quotarule", "usage.aiproviderusagelog", "extraction.jobposting", "drafting.masterprofile",
    "drafting.draft", "orchestration.callfeedback", "orchestration.batch", "orchestration.batchitem",
}  # fmt: skip
# What tells of people and is in no archive, and why.
LEFT_OUT = {
    "accounts.backupcode": "hashes of secrets",
    "accounts.loginturn": "a digest, while an attempt is looked at",
    "accounts.user_groups": "rights in the console, which a user has not",
    "accounts.user_user_permissions": "the same",
    "admin.logentry": "what staff did in the console; the audit trail has it",
    "axes.accessattemptexpiration": "when an attempt lapses",
    "axes.accessfailurelog": "is not written: AXES_ENABLE_ACCESS_FAILURE_LOG",
    "axes.accesslog": "is not written: AXES_DISABLE_ACCESS_LOG",
    "sessions.session": "of the console, where a user does not get in",
    "orchestration.economycall": "a request, sealed, while a vendor has it",
    "orchestration.vendorbatch": "what a vendor was sent together",
    "usage.alertevent": "what super-admins did about alerts",
    "usage.alertthresholds": "of providers, as super-admins say",
    "usage.alertchannel": "where notices go, as super-admins say",
    "usage.personrollup": "sums of the person's calls; the usage has each",
    "usage.movedrecord": "which number an account had in an earlier system",
    "usage.quotacounter": "sums of the calls, by the number of the account",
    "orchestration.experiment": "what super-admins made",
    "orchestration.experimentarm": "the same",
    "orchestration.providerprobe": "the same",
    "providers.aiproviderconfig": "the same",
    "providers.storedprompt": "the same",
    "console.savedview": "of the console, where a user does not get in",
}
OF_NOBODY = {
    "accounts.audithead", "accounts.plan", "accounts.retentionrule", "auth.group", "auth.group_permissions",
    "auth.permission", "contenttypes.contenttype", "orchestration.lease", "orchestration.plantasktier",
    "orchestration.taskpolicy", "providers.modelcapability", "providers.routingrevision",
    "usage.alert", "usage.alertdelivery", "usage.alertrun", "usage.heartbeat",
    "usage.modelprice", "usage.rollupstate", "usage.usagerollup", "usage.workrollup",
}  # fmt: skip


def test_it_leaves_out_nothing_that_belongs_to_a_person():
    """Whoever makes a model decides here whether it tells of people, and whether the archive has it."""
    models = {model._meta.label_lower: model for model in apps.get_models(include_auto_created=True)}

    assert set(models) == EXPORTED | set(LEFT_OUT) | OF_NOBODY
    assert len(models) == len(EXPORTED) + len(LEFT_OUT) + len(OF_NOBODY)
    assert linked_to_a_person(models) <= EXPORTED | set(LEFT_OUT)


def linked_to_a_person(models):
    """Labels of the models that lead to a user, be it over others."""
    found, before = {"accounts.user"}, set()
    while found != before:
        before = set(found)
        found |= {
            label
            for label, model in models.items()
            for field in model._meta.get_fields()
            if field.is_relation and field.concrete and field.related_model._meta.label_lower in before
        }
    return found


def sums():
    """Tokens and cost by the log and by the rollups, and what counters hold."""
    rows = AIProviderUsageLog.objects.aggregate(Sum("total_tokens"), Sum("estimated_cost_usd"), Count("pk"))
    rolled = UsageRollup.objects.aggregate(Sum("input_tokens"), Sum("output_tokens"), Sum("calls"))
    return rows, rolled, sorted(QuotaCounter.objects.values_list("scope", "window", "used", "reserved"))


def deleted_in_the_console(person, *, many):
    """By a super-admin, who is shown what follows, confirms it, and is back at the list."""
    console = Client()
    console.force_login(User.objects.get(email="root@example.com"))
    where, data = f"/admin/accounts/user/{person.pk}/delete/", {}
    if many:
        where, data = "/admin/accounts/user/", {"action": "delete_selected", "_selected_action": [person.pk]}
    asked = console.post(where, data) if many else console.get(where)
    page = asked.content.decode()
    for said in ("1 account", "1 draft", "2 batches", "1 personal access token", "audit trail", "sums"):
        assert said in page
    assert User.objects.filter(pk=person.pk).exists()
    return console.post(where, data | {"post": "yes"})


DOORS = {
    "by the person": (lambda client, person: leave(client), 204, "system"),
    "in the console": (lambda _, person: deleted_in_the_console(person, many=False), 302, "admin"),
    "in the console's list": (lambda _, person: deleted_in_the_console(person, many=True), 302, "admin"),
}


@pytest.mark.parametrize("door", DOORS)
def test_after_leaving_nothing_tells_of_the_person_and_the_sums_are_as_they_were(
    client_of, work, person, door
):
    go, status, told_by = DOORS[door]
    before = sums()
    places = {place for place, _ in found_anywhere(EMAIL, NAME)}
    assert places > {
        "users",
        "alert_events",
        "alert_channels",
        "alert_deliveries",
        "saved_views",
        "audit_entries",
    }

    response = go(client_of, person)

    assert response.status_code == status
    erased = AuditEntry.objects.get(action=audit_chain.ERASED)
    assert (erased.door, erased.changes["account"]) == (told_by, [person.pk, None])
    assert {place for place, _ in found_anywhere(EMAIL, NAME)} == {"alert_events", "alert_channels"}
    # There it is within the longer address of somebody else.
    assert list(AlertEvent.objects.values_list("by", "note")) == [("", f"Ask …, not {OTHERS}")]
    assert list(AlertChannel.objects.values_list("name", "is_active", "recipients")) == [
        ("Both", True, f"root@example.com\n{OTHERS}"),
        ("One", False, ""),
    ]
    assert sums() == before
    assert before[0]["total_tokens__sum"] > 0
    assert set(AIProviderUsageLog.objects.values_list("user", flat=True)) == {None}
    gone = (Batch, Draft, MasterProfile, PersonRollup, QuotaRule)
    assert [model for model in gone if model.objects.exists()] == []
    assert audit_chain.verify().broken_at is None
    assert client_of.get("/api/v1/me").status_code == 401
    assert [view.name for view in SavedView.objects.all()] == ["Other"]


def test_what_a_vendor_has_of_somebody_who_left_is_cancelled_and_settled(client_of, work, sandbox):
    leave(client_of)

    for _ in range(4):
        VendorBatch.objects.update(not_before=None, held_until=None)
        advance_economy()

    assert not EconomyCall.objects.exists()
    assert not VendorBatch.objects.exclude(state="ended").exists()
    assert not QuotaCounter.objects.exclude(reserved=0).exists()
    assert not AIProviderUsageLog.objects.filter(status="started").exists()


def test_it_takes_the_password_and_a_role_that_nobody_depends_on(client_of, person):
    wrong = leave(client_of, password="guess")
    User.objects.filter(pk=person.pk).update(role="STAFF", is_staff=True)

    in_charge = leave(client_of)

    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_credentials")
    assert (in_charge.status_code, in_charge.json()["error"]["code"]) == (409, "account_in_charge")
    assert User.objects.filter(pk=person.pk).exists()


def test_nobody_empties_an_entry_unnoticed(client_of, person, super_admin):
    record_alone(action="user.changed", actor=Actor.system(), target=person)
    record_alone(action="user.changed", actor=Actor(door="admin", user=super_admin, email=super_admin.email))
    last = AuditEntry.objects.latest("number")
    raw = AuditEntry._base_manager.filter(number=last.number)

    raw.update(actor_email="")
    assert audit_chain.verify().broken_at == last.number
    raw.update(actor_email="somebody@example.com")
    assert audit_chain.verify().broken_at == last.number
    raw.update(actor_email="", actor_digest="", target_digest="")
    assert audit_chain.verify().broken_at == last.number


def test_who_acted_on_the_person_stays(client_of, person, super_admin):
    actor = Actor(door="admin", user=super_admin, email=super_admin.email)
    record_alone(action="user.changed", actor=actor, target=person, changes={"full_name": ["", NAME]})

    leave(client_of)

    entry = AuditEntry.objects.get(action="user.changed")
    assert (entry.actor_email, entry.target_label, entry.changes) == (super_admin.email, "", {})


def test_a_profile_takes_its_drafts_along_when_asked_to(client_of, work):
    kept = client_of.delete(f"/api/v1/profiles/{MasterProfile.objects.get().pk}")
    assert kept.json()["data"] == {"drafts_deleted": 0, "drafts_kept": 1}
    assert Draft.objects.get().profile is None

    copy = client_of.post(
        "/api/v1/profiles", {"name": "B", "resume": {"basics": {"name": NAME}}}, format="json"
    )
    Draft.objects.update(profile=copy.json()["data"]["profile_id"])
    gone = client_of.delete(f"/api/v1/profiles/{copy.json()['data']['profile_id']}?drafts=delete")
    assert gone.json()["data"] == {"drafts_deleted": 1, "drafts_kept": 0}
    assert not Draft.objects.exists()


def test_drafts_and_postings_are_deleted_by_their_owner_alone(client_of, work, outsider):
    other = APIClient()
    other.force_authenticate(outsider)
    job = JobPosting.objects.get().pk
    paths = [f"/api/v1/drafts/{work['draft_id']}", f"/api/v1/jobs/{job}"]

    assert [other.delete(path).status_code for path in paths] == [404, 404]
    assert [client_of.delete(path).status_code for path in paths] == [204, 204]
    assert not Draft.objects.exists()
    assert not JobPosting.objects.exists()


@pytest.mark.redis
@pytest.mark.parametrize("kind", ["string", "list", "set", "zset", "hash", "stream", "key"])
def test_the_search_finds_what_is_left_anywhere_in_redis(settings, kind):
    """Shows that the search above can find something."""
    settings.REDIS_URL = services.REDIS_URL
    server, key = redis.Redis.from_url(settings.REDIS_URL), f"{settings.REDIS_KEY_PREFIX}:left"
    leave_it = {
        "string": lambda: server.set(key, f"to {NAME}"),
        "list": lambda: server.rpush(key, NAME),
        "set": lambda: server.sadd(key, NAME),
        "zset": lambda: server.zadd(key, {NAME: 1}),
        "hash": lambda: server.hset(key, "who", json.dumps(NAME)),
        "stream": lambda: server.xadd(key, {"who": NAME}),
        "key": lambda: server.set(f"{key}:{NAME}", 1),
    }
    leave_it[kind]()

    found = found_anywhere(NAME)
    server.delete(key, f"{key}:{NAME}")

    assert {text for _, text in found}
    assert found_anywhere(NAME) == []
