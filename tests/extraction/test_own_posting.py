"""Which of a page's postings is its own."""

import json

import pytest

from extraction.errors import NotAPosting
from extraction.fetching import Page
from extraction.findings import Findings
from extraction.reading import put_known, read_document

WELDER = {"@type": "JobPosting", "title": "Welder", "hiringOrganization": "Acme", "description": "Welds."}
PAINTER = {
    "@type": "JobPosting", "title": "Painter", "hiringOrganization": "Brush Ltd", "description": "Paints.",
    "industry": "Paint", "skills": "Brushes", "datePosted": "2026-01-01",
}  # fmt: skip


def scripts(*blocks):
    return "".join(f'<script type="application/ld+json">{json.dumps(block)}</script>' for block in blocks)


def record(html, url="https://jobs.example/welder"):
    findings = Findings()
    put_known(findings, read_document(Page(url=url, body=html)))
    return findings


def test_the_heading_decides_and_not_the_size():
    html = "<h1>Welder</h1><p>You weld steel frames.</p>" + scripts(WELDER, PAINTER)

    findings = record(html)

    assert (findings.data.title, findings.data.hiring_organization) == ("Welder", "Acme")
    assert "Paint" not in findings.data.model_dump_json()
    assert {"field": None, "reason": "several_postings", "others": 1} in findings.warnings


@pytest.mark.parametrize(
    "html",
    [
        "<link rel=canonical href='https://jobs.example/welder'>" + scripts({**WELDER,
        "url": "https://jobs.example/welder?utm_source=x"}, PAINTER),
        scripts({**WELDER, "url": "https://www.jobs.example/welder/?gclid=7#top"}, PAINTER),
        scripts({**WELDER, "mainEntityOfPage": {"@id": "http://jobs.example/welder"}}, PAINTER),
    ],
)  # fmt: skip
def test_the_address_decides_however_it_is_tracked(html):
    assert (
        record(html + "<p>Words.</p>", url="https://jobs.example/welder?utm_medium=mail").data.title
        == "Welder"
    )


def test_another_jobs_data_is_not_this_jobs():
    html = (
        "<title>Welder - Acme</title><h1>Welder</h1><p>We are looking for a welder. You will weld. "
        "Apply with your CV. "
        "The salary is good, full-time.</p>" + scripts({**PAINTER, "url": "https://jobs.example/painter"})
    )

    findings = record(html)

    assert findings.data.title == "Welder"
    assert "Brush" not in findings.data.model_dump_json()


def test_several_jobs_and_none_the_pages_own_are_a_listing():
    html = "<h1>Jobs in Thika</h1>" + scripts(WELDER, PAINTER)

    with pytest.raises(NotAPosting) as refused:
        record(html, url="https://jobs.example/thika")

    assert refused.value.details == {"reason": "listing"}


def test_a_second_statement_of_the_same_job_fills_gaps():
    html = (
        "<h1>Welder</h1><div itemscope itemtype='https://schema.org/JobPosting'><span "
        "itemprop=title>Welder</span>"
        "<span itemprop=industry>Steel</span></div>" + scripts(WELDER)
    )

    findings = record(html)

    assert (findings.data.industry, findings.sources["industry"]) == ("Steel", "microdata")
    assert findings.sources["title"] == "json-ld"


def test_a_posting_in_a_readers_comment_is_not_the_pages_word():
    html = (
        "<h1>Welder</h1><p>We are looking for a welder. You will weld. Apply with your CV and salary "
        "wish.</p>"
        "<div class=comments>" + scripts({**WELDER, "hiringOrganization": "Evil Ltd"}) + "</div>"
    )

    assert "Evil" not in record(html).data.model_dump_json()


def test_an_incomplete_posting_on_an_empty_page_is_kept():
    findings = record(
        "<div id=app></div>" + scripts({"@type": "JobPosting", "title": "Welder", "industry": "Steel"})
    )

    assert (findings.data.title, findings.data.industry) == ("Welder", "Steel")


def test_rdfa_is_read():
    html = (
        "<div vocab='https://schema.org/' typeof='JobPosting'><h1 property='title'>Baker</h1>"
        "<span property='hiringOrganization' typeof='Organization'><b property='name'>Bread Ltd</b></span>"
        "<div property='description'><p>You bake.</p><ul><li>Rye</li></ul></div>"
        "<time property='datePosted' datetime='2026-03-04'>today</time></div>"
    )

    findings = record(html)

    assert (findings.data.hiring_organization, findings.data.description) == (
        "Bread Ltd",
        "You bake.\n\n- Rye",
    )
    assert set(findings.sources.values()) == {"rdfa"}


@pytest.mark.parametrize(
    "script",
    [
        '<script id="__NEXT_DATA__" type="application/json">%s</script>',
        "<script>window.__INITIAL_STATE__ = %s;</script>",
        "<script>self.data={}; var appData = %s</script>",
    ],
)
def test_the_state_of_a_single_page_board_is_read(script):
    state = {
        "props": {
            "job": {
                "jobTitle": "Nurse", "jobDescription": "<p>You care for children on our ward, day and "
                "night.</p>" * 2,
                "location": {"city": "Kisumu", "country": "Kenya"}, "employmentType": "Full time",
                "companyName": "Lakeside", "salaryMin": 50000, "salaryMax": 60000, "salaryCurrency": "KES",
                "salaryPeriod": "month", "isRemote": False, "publishedAt": "2026-11-03T08:00:00Z",
            }
        }
    }  # fmt: skip

    findings = record("<div id=root></div>" + script % json.dumps(state))

    data = findings.data
    assert (data.title, data.hiring_organization, data.employment_type) == (
        "Nurse",
        "Lakeside",
        ["FULL_TIME"],
    )
    assert (data.job_locations[0].locality, data.job_locations[0].country) == ("Kisumu", "KE")
    assert data.base_salary.model_dump(mode="json") == {
        "currency": "KES", "min_value": "50000", "max_value": "60000", "unit_text": "MONTH",
    }  # fmt: skip
    assert data.date_posted.isoformat() == "2026-11-03"
    assert set(findings.sources.values()) <= {"state"}


def test_an_article_in_the_state_is_no_job():
    state = {
        "post": {
            "title": "News",
            "body": "Something happened. " * 20,
            "publishedAt": "2026-01-01",
            "author": "A",
        }
    }

    with pytest.raises(NotAPosting):
        record(f'<div id=root></div><script type="application/json">{json.dumps(state)}</script>')
