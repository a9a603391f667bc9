"""What of a page its reader sees."""

import pytest

from extraction.visible.page import parse_html, read_page, read_text


def page_of(html, url="https://jobs.example/1"):
    return read_page(parse_html(html), url=url)


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>secret</p>",
        "<p style='display: none'>secret</p>",
        "<p style='visibility:hidden'>secret</p>",
        "<p style='font-size:0'>secret</p>",
        "<p style='position:absolute; left:-9999px'>secret</p>",
        "<p style='color:#ffffff'>secret</p>",
        "<p style='background:#123; color:#123'>secret</p>",
        "<p aria-hidden='true'>secret</p>",
        "<span class='sr-only'>secret</span>",
        "<template><p>secret</p></template>",
        "<style>.gone { display:none }</style><p class='gone'>secret</p>",
        "<dialog>secret</dialog>",
        "<div class='comments'><p>secret</p></div>",
        "<div itemscope itemtype='https://schema.org/Comment'>secret</div>",
    ],
)
def test_what_is_hidden_or_other_peoples_is_not_read(hidden):
    page = page_of(f"<h1>Welder</h1><p>You weld steel frames all day.</p>{hidden}<p>Come to Thika.</p>")

    assert "secret" not in page.text + page.all_text
    assert "Come to Thika" in page.text


def test_what_is_hidden_on_phones_only_or_white_on_dark_is_read():
    page = page_of(
        "<p class='hidden md:block'>shown</p><div style='background:#000'><p "
        "style='color:white'>light</p></div>"
    )

    assert "shown" in page.text
    assert "light" in page.text


def test_the_frame_around_the_heading_stays():
    page = page_of(
        "<title>Welder | JobsHub</title><meta property='og:site_name' content='JobsHub'>"
        "<header><div><h1>Welder</h1><span>Acme "
        "Ltd</span><span>Thika</span><span>08:00-17:00</span></div></header>"
        "<nav><a href=/a>Home</a></nav><p>You weld.</p><footer>Imprint</footer>"
    )

    assert page.text.split("\n")[0] == "# Welder"
    assert all(words in page.text for words in ("Acme Ltd", "Thika", "08:00-17:00", "You weld"))
    assert "Imprint" not in page.text
    assert (page.page_title, page.site_name, page.headings) == ("Welder | JobsHub", "JobsHub", ("Welder",))


@pytest.mark.parametrize(
    "html",
    [
        "<dl><dt>Location</dt><dd>Thika</dd><dt>Company</dt><dd>Acme</dd></dl>",
        "<table><tr><td>Location:</td><td>Thika</td><td>Company:</td><td>Acme</td></tr></table>",
        "<table><tr><td>Location: |</td><td>Thika</td><td>|</td><td>Company:</td><td>Acme</td></tr></table>",
        "<table><tr><th>Location</th><th>Company</th></tr><tr><td>Thika</td><td>Acme</td></tr></table>",
        "<table><tr><td><table><tr><td>Location</td><td>Thika</td></tr><tr><td>Company</td><td>Acme</td></tr></table>"
        "</td></tr></table>",
        "<p><b>Location</b> Thika</p><p><strong>Company:</strong> Acme</p>",
        "<div><span>Location</span><span>Thika</span></div><div><span>Company</span><span>Acme</span></div>",
    ],
)
def test_labels_and_values_are_pairs_however_they_are_set(html):
    lines = [line.replace(" |", "") for line in page_of(html + "<p>Some more words.</p>").text.split("\n")]

    assert "Location: Thika" in lines
    assert "Company: Acme" in lines


def test_other_jobs_menus_and_consent_are_not_the_pages_subject():
    page = page_of(
        "<h1>Welder</h1><p>You weld steel frames for our lorries, by day and by night.</p>"
        "<div id='cookie-banner'>We value your privacy</div>"
        "<ul><li><a href=/1>Home page</a></li><li><a href=/2>All jobs</a></li><li><a "
        "href=/3>Login</a></li></ul>"
        "<section><h2>Similar jobs</h2><div>Painter at Brush Ltd</div></section>"
        "<h3>Ähnliche Stellen</h3><p>Maler</p>"
    )

    assert page.text == "# Welder\n\nYou weld steel frames for our lorries, by day and by night."
    assert "privacy" in page.all_text


def test_it_finds_the_one_way_to_apply():
    page = page_of(
        "<h1>Welder</h1><p>You weld.</p><a href='/apply/7?x=1'>Apply now</a> <a href='#top'>Apply</a>"
        "<p>Or write to <a href='mailto:jobs@acme.example?subject=Welder'>us</a>, not to "
        "privacy@acme.example.</p>"
    )

    assert page.apply_url == "https://jobs.example/apply/7?x=1"
    assert page.emails == ("jobs@acme.example",)


def test_html_pasted_as_text_is_read_as_a_page():
    page = read_text("<div><h1>Welder</h1><p>You weld.</p></div>")

    assert (page.text, page.headings) == ("# Welder\n\nYou weld.", ("Welder",))
    assert read_text("Use <b> and a < b.").text == "Use <b> and a < b."
