"""The same posting twice is the same job."""

import threading

import pytest
from django.db import connection, connections

from accounts.models import User
from extraction import postings
from extraction.models import JobPosting
from extraction.postings import Identity
from extraction.schema import JobData
from tests.factories import make_config

EXTRACT = "/api/v1/job-extractor/extract"
PAGE = (
    "<link rel=canonical href='/html'><h1>Welder</h1><p>Acme is looking for a welder in "
    "Thika.</p><p>You will weld.</p>"
    "<h2>Requirements</h2><ul><li>Three years of experience</li><li>A steady hand</li></ul><p>Apply "
    "with your CV.</p>"
    "<p>{visitors} visitors</p>"
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def config(sandbox):
    return make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)


def test_the_same_page_by_another_way_costs_no_second_call(api, config, sandbox, site):
    site.html = PAGE.format(visitors=7).encode()
    first = api.post(EXTRACT, {"url": f"{site.root}/html?utm_source=mail"}, format="json")
    site.html = PAGE.format(visitors=8).encode()
    second = api.post(EXTRACT, {"url": f"{site.root}/html?gclid=1#apply"}, format="json")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["data"]["job_id"] == second.json()["data"]["job_id"]
    assert (first.json()["data"]["is_known"], second.json()["data"]["is_known"]) == (False, True)
    assert sandbox.hits()["total"] == JobPosting.objects.count() == 1


def test_another_job_at_the_address_is_another_job(api, config, site):
    site.html = PAGE.format(visitors=7).encode()
    api.post(EXTRACT, {"url": f"{site.root}/html"}, format="json")
    site.html = PAGE.replace("Welder", "Painter").replace("weld", "paint").encode()

    response = api.post(EXTRACT, {"url": f"{site.root}/html"}, format="json")

    assert response.status_code == 201
    assert JobPosting.objects.count() == 2


@pytest.mark.parametrize("line", ["Job title: Nurse, Ward {}", "Company: Studio {}", "{} hours a week"])
def test_pasted_postings_that_differ_in_a_figure_are_two(api, config, line):
    """Few words and a figure may be a counter on a page, and elsewhere what tells one job from the other."""
    rest = "Jua Hospital is looking for somebody in Thika.\nYou care for people.\nApply with your CV."
    sent = [api.post(EXTRACT, {"text": f"{line.format(n)}\n{rest}"}, format="json") for n in (54, 38, 54)]

    assert [response.status_code for response in sent] == [201, 201, 200]
    assert JobPosting.objects.count() == 2


def test_another_persons_posting_is_not_known(api, config, sandbox, outsider):
    text = {"text": "Cook wanted at Hotel Baobab. You cook. Apply with your CV."}
    JobPosting.objects.create(user=outsider, source_kind="text", content_hash="x" * 64, fingerprint="x" * 64)

    assert api.post(EXTRACT, text, format="json").json()["data"]["is_known"] is False


def keep(user):
    return postings.save(
        user=user, kind="text", source_url="", identity=Identity("a" * 64), data=JobData(title="Cook"),
        sources={},
        evidence={}, warnings=[], request_id="r", result=None,
    )  # fmt: skip


def test_a_posting_that_was_stored_meanwhile_is_found(user):
    first, second = keep(user), keep(user)

    assert (first[1], second[1]) == (True, False)
    assert first[0].pk == second[0].pk


@pytest.mark.postgres
@pytest.mark.parametrize("is_unique", [True, False], ids=["with the constraint", "negative control"])
def test_two_at_once_keep_one(user, is_unique):
    """Both look before either writes, so only the constraint can tell them apart."""
    constraint = JobPosting._meta.constraints[0]
    if not is_unique:
        with connection.schema_editor() as editor:
            editor.remove_constraint(JobPosting, constraint)
    gate, kept = threading.Barrier(2), []

    def one():
        person = User.objects.get(pk=user.pk)
        found = postings.find_known(person, Identity("a" * 64))
        gate.wait(timeout=60)
        kept.append(found or keep(person)[0])
        connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    rows = JobPosting.objects.count()
    if not is_unique:
        JobPosting.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(JobPosting, constraint)

    assert len(kept) == 2
    assert rows == (1 if is_unique else 2)
