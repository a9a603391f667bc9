"""A Python client that is generated from the schema, as whoever needs one makes it (`make client`).

Its package exists while the tests run, so each test imports what it uses of it.
"""

from io import BytesIO

import pytest

from tests.clients.conftest import PASSWORD, POSTING
from tests.drafting.conftest import load_profile
from tests.project.test_generating_posts import CV_TEXT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.any_database]


@pytest.fixture
def alice(served, generated):
    """The client of somebody who has logged in."""
    from aditus_client import AuthenticatedClient, Client, models
    from aditus_client.api.auth import auth_token

    credentials = models.CredentialsRequest(email="alice@example.com", password=PASSWORD)
    reply = auth_token.sync(client=Client(base_url=served), body=credentials)
    return AuthenticatedClient(base_url=served, token=reply.data.access)


def test_the_generator_takes_all_of_the_schema_but_lists_sent_as_csv_or_ndjson(generated):
    told = generated.told.splitlines()

    doubts = [line for line in told if line.startswith(("WARNING", "ERROR", "Unsupported", "Cannot"))]
    known = {f"Unsupported content type {media_type}" for media_type in ("text/csv", "application/x-ndjson")}
    assert all("batches" in line or line in known for line in doubts), doubts


def test_from_a_login_to_a_cv_with_typed_results(alice):
    from aditus_client import models
    from aditus_client.api.cv_drafter import cv_drafter_draft_create
    from aditus_client.api.job_extractor import job_extractor_extract_create
    from aditus_client.api.jobs import jobs_retrieve
    from aditus_client.api.profiles import profiles_create

    resume = models.ProfileInputRequestResume.from_dict(load_profile("complete"))

    extracted = job_extractor_extract_create.sync(client=alice, body=models.ExtractRequest(text=POSTING)).data
    job = jobs_retrieve.sync(extracted.job_id, client=alice).data
    profile = profiles_create.sync(
        client=alice, body=models.ProfileInputRequest(name="Mine", resume=resume)
    ).data
    wanted = models.DraftInputRequest(job_id=extracted.job_id, profile_id=profile.profile_id)
    draft = cv_drafter_draft_create.sync(client=alice, body=wanted).data

    assert isinstance(extracted, models.ExtractResponse)
    assert (job.job_id, job.extracted_data.title) == (extracted.job_id, "Backend Engineer")
    assert draft.kind == models.DraftKind.CV
    assert draft.content["basics"]["name"] == load_profile("complete")["basics"]["name"]


def test_a_refusal_is_a_typed_error(alice):
    from aditus_client import models
    from aditus_client.api.job_extractor import job_extractor_extract_create

    body = models.ExtractRequest(url="http://127.0.0.1/posting")

    reply = job_extractor_extract_create.sync_detailed(client=alice, body=body)

    assert reply.status_code == 400
    assert isinstance(reply.parsed, models.Error)
    assert reply.parsed.error.code == "url_not_allowed"


def test_files_go_up_and_come_down(alice):
    from aditus_client import models
    from aditus_client.api.account import me_export
    from aditus_client.api.profiles import profiles_import_create
    from aditus_client.types import File

    upload = models.ImportFileRequest(file=File(payload=BytesIO(CV_TEXT.encode()), file_name="cv.txt"))

    imported = profiles_import_create.sync_detailed(client=alice, body=upload)
    archive = me_export.sync_detailed(client=alice)

    assert imported.status_code == 200, imported.content
    assert imported.parsed.data.kind == "text"
    assert archive.parsed.payload.read(2) == b"PK"


def test_an_account_is_deleted_with_its_password(alice):
    from aditus_client import models
    from aditus_client.api.account import me_delete

    reply = me_delete.sync_detailed(client=alice, body=models.LeaveRequest(password=PASSWORD))

    assert reply.status_code == 204, reply.content
