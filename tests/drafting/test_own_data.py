"""What a person takes along, and what is left when the person is gone."""

import io
import json
from zipfile import ZipFile

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts import audit_chain
from accounts.audit import Actor, record_alone
from accounts.models import AuditEntry, User
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from extraction.schema import JobData
from tests.drafting.test_drafts_api import JOB
from tests.factories import make_config, make_user
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "mvua inanyesha leo"
HIGHLIGHTS = [
    "Built REST APIs in Python for the booking team.",
    "Cut hosting costs by 40% by moving 12 services to containers.",
]
NAME, EMAIL = "Zawadi Ngũgĩ-Ödmann", "zawadi.odmann@example.com"


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
    """A profile, a posting, a CV, a rating, a wrong password and a refusal: traces of every kind."""
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
    log_in("wrong")
    client_of.get("/api/v1/super-admin/providers/configs")
    return draft["data"]


def found_anywhere(*texts):
    """(table, text) wherever a row of the database holds one of the texts, written as it is or as JSON."""
    wanted = {form for text in texts for form in (text, json.dumps(text)[1:-1])}
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            told = "\n".join(str(row) for row in cursor.fetchall())
            found += [(table, text) for text in sorted(wanted) if text in told]
    return found


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
    assert json.loads(files["audit.json"])
    assert PASSWORD not in str(files)
    assert User.objects.get().password not in str(files)


def test_it_leaves_out_nothing_that_belongs_to_a_person():
    """Whoever makes a model with a person in it decides here whether the archive has it."""
    exported = {
        "accounts.subscription", "accounts.tokenfamily", "accounts.authenticator", "accounts.auditentry",
        "usage.quotarule", "usage.aiproviderusagelog", "extraction.jobposting", "drafting.masterprofile",
        "drafting.draft", "orchestration.callfeedback", "orchestration.batch", "accounts.personaltoken",
    }  # fmt: skip
    not_the_persons = {
        "accounts.backupcode": "hashes of secrets",
        "accounts.idempotencykey": "copies of answers, for a day",
        "admin.logentry": "what staff did in the console; the audit trail has it",
        "orchestration.experiment": "what super-admins made",
        "providers.aiproviderconfig": "what super-admins made",
    }
    related = {
        relation.related_model._meta.label_lower
        for relation in User._meta.get_fields(include_hidden=True)
        if relation.is_relation and not relation.concrete and not relation.related_model._meta.auto_created
    }

    assert related == exported | set(not_the_persons)


def test_after_leaving_nothing_tells_of_the_person_and_the_sums_are_as_they_were(client_of, work, person):
    tokens = sum(AIProviderUsageLog.objects.values_list("total_tokens", flat=True))
    assert found_anywhere(EMAIL, NAME)

    response = leave(client_of)

    assert response.status_code == 204
    assert found_anywhere(EMAIL, NAME) == []
    assert sum(AIProviderUsageLog.objects.values_list("total_tokens", flat=True)) == tokens > 0
    assert set(AIProviderUsageLog.objects.values_list("user", flat=True)) == {None}
    assert not Draft.objects.exists()
    assert not MasterProfile.objects.exists()
    assert audit_chain.verify().broken_at is None
    assert client_of.get("/api/v1/me").status_code == 401


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
