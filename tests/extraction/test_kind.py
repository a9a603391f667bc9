"""What is no posting, told before anything is spent."""

import pytest

from extraction.errors import NotAPosting
from extraction.fetching import Page
from extraction.findings import Findings
from extraction.reading import put_known, read_document, read_pasted

POSTING = (
    "<h1>Welder</h1><p>Acme is looking for a welder in Thika. You will weld steel frames.</p>"
    "<h2>Requirements</h2><ul><li>Three years of experience</li></ul><p>Apply with your CV.</p>"
)


def reason(html):
    with pytest.raises(NotAPosting) as refused:
        put_known(Findings(), read_document(Page(url="https://jobs.example/1", body=html)))
    return refused.value.details["reason"]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<title>Sign in</title><h1>Sign in to continue</h1><form><input type=password></form><p>New "
        "here? Join.</p>", "login_wall"),
        ("<title>Anmelden</title><p>Bitte melden Sie sich an, um fortzufahren.</p><input type='password'>",
        "login_wall"),
        ("<title>Just a moment...</title><h1>jobs.example</h1><p>Verify you are human by completing the "
        "action below.</p>", "challenge"),
        ("<h1>Access denied</h1><p>You do not have permission to view this page. Ray ID 77</p>", "challenge"),
        ("<h1>We value your privacy</h1><p>We and our partners use cookies to store "
        "data.</p><button>Accept all</button>", "cookie_wall"),
        ("<title>404</title><h1>Page not found</h1><p>The page you are looking for does not exist.</p>",
        "not_found"),
        ("<h1>Seite nicht gefunden</h1><p>Diese Seite gibt es leider nicht mehr. Zur Startseite.</p>",
        "not_found"),
        ("<h1>Welder</h1><p>This job is no longer available.</p><a href=/jobs>See other jobs</a>", "closed"),
        ("<h1>Schweißer (m/w/d)</h1><p>Diese Stelle ist leider nicht mehr verfügbar.</p>", "closed"),
        ("<h1>{{ job.title }}</h1><p>{{ job.company }} {{ job.location }}</p><div>{{ job.description "
        "}}</div>", "unrendered"),
        ("<div id=root></div><noscript>You need to enable JavaScript.</noscript><script "
        "src=a.js></script>", "unrendered"),
        ("<h1>Pilau</h1><h2>Ingredients</h2><ul><li>2 cups of rice</li><li>1 tablespoon of oil</li></ul>"
         "<p>Preheat the oven. Simmer for ten minutes. Serve hot with a salad on the side of the "
         "plate.</p>", "other"),
        ("<h1>Acme opens new plant</h1><p>The minister cut the ribbon on Monday. Traffic stood still "
        "for hours, our reporter "
         "saw. Read more news about the region in tomorrow's paper, published by the Thika Times.</p>",
         "other"),
        ("<p></p>", "empty"),
    ],
)  # fmt: skip
def test_a_page_that_is_no_posting_is_refused_with_its_reason(html, expected):
    assert reason(html) == expected


def test_a_listing_is_refused_and_says_so():
    jobs = "".join(
        f"<li><a href='/jobs/{n}'>Job number {n} in Thika</a> Acme, full-time</li>" for n in range(7)
    )

    assert reason(f"<h1>Jobs in Thika</h1><p>7 jobs found</p><ul>{jobs}</ul>") == "listing"


@pytest.mark.parametrize(
    "around",
    [
        "<header><a href=/login>Sign in</a></header>{}",
        "<div class=cookie-banner><p>We value your privacy</p><button>Accept all</button></div>{}",
        "{}<h2>Similar jobs</h2><ul>"
        + "".join(f"<li><a href=/jobs/{n}>Job {n}</a></li>" for n in range(9))
        + "</ul>",
        "{}<form><input type=password></form>",
    ],
)
def test_a_posting_with_such_things_around_it_is_one(around):
    findings = Findings()

    put_known(findings, read_document(Page(url="https://jobs.example/1", body=around.format(POSTING))))

    assert findings.data.title == "Welder"
    assert findings.data.is_closed is None


def test_a_posting_that_says_it_is_filled_is_read_and_marked():
    findings = Findings()

    put_known(
        findings,
        read_document(
            Page(url="https://jobs.example/1", body=POSTING + "<p>This position has been filled.</p>")
        ),
    )

    assert findings.data.is_closed is True


@pytest.mark.parametrize(
    "title", ["Hiring Manager", "Career Coach", "Home Care Assistant", "Jobs Coordinator"]
)
def test_a_title_is_not_refused_for_a_word_that_sites_use_too(title):
    findings = Findings()

    put_known(
        findings, read_document(Page(url="https://jobs.example/1", body=POSTING.replace("Welder", title, 1)))
    )

    assert findings.data.title == title


def test_a_pasted_text_is_taken_unless_it_is_plainly_something_else():
    put_known(Findings(), read_pasted("Backend Engineer at Jua. You write Python and Django."))
    with pytest.raises(NotAPosting):
        put_known(
            Findings(),
            read_pasted("Pilau. Ingredients: rice. Preheat the oven, add a tablespoon of oil. Simmer."),
        )


@pytest.mark.parametrize(
    "text",
    [
        "Backend Engineer at Jua. You write Python. Opening 27513948-404.",
        "Backend Engineer at Jua, 404 Main Street, Austin. You write Python.",
        "We can't find enough good people: Backend Engineer at Jua. You write Python.",
        "Oops, we did it again: we grow. Barista at Jua in Thika, full-time.",
        "Wir finden, was nicht gefunden werden will: Detektivin bei Jua, Vollzeit.",
    ],
)
def test_a_pasted_posting_may_say_what_missing_pages_say_of_something_else(text):
    put_known(Findings(), read_pasted(text))


@pytest.mark.parametrize(
    "text",
    ["Page not found. See other jobs.", "404\nOops", "Error 404. Back to all jobs.", "Seite nicht gefunden"],
)
def test_a_pasted_page_that_is_missing_is_refused(text):
    with pytest.raises(NotAPosting) as refused:
        put_known(Findings(), read_pasted(text))

    assert refused.value.details["reason"] == "not_found"


@pytest.mark.parametrize(
    "html",
    ["<title>404 | Acme</title><p>Go home.</p>", "<h1>404</h1><p>Go home.</p>", "<p>404</p><p>Oh no.</p>"],
)
def test_a_page_that_shows_its_status_is_missing(html):
    assert reason(html) == "not_found"


@pytest.mark.parametrize("number", ["27513948-404", "404/2026", "A404"])
def test_a_number_with_404_in_it_is_no_status(number):
    findings = Findings()
    text = f"<h1>Welder</h1><p>Acme is hiring, full-time. Apply with {number}.</p>"
    html = f"<title>Welder ({number})</title>{text}"

    put_known(findings, read_document(Page(url="https://jobs.example/1", body=html)))

    assert findings.data.title == "Welder"
