"""What bytes from the web are, and where a page sends its reader; without a web."""

import pytest

from extraction.errors import UnsupportedContent
from extraction.fetching import MAX_REFRESH_SECONDS, Page, _refresh_target, page_of

URL = "https://jobs.example/cook"


def kind_of(content, declared="", header=None):
    return page_of(content, url=URL, declared=declared, header=header).kind


@pytest.mark.parametrize("declared", ["", "application/pdf", "text/html", "application/octet-stream"])
def test_a_pdf_is_one_whatever_it_is_called_if_it_says_so_near_its_beginning(declared):
    page = page_of(b" " * 1_019 + b"%PDF-1.7", url=URL, declared=declared, header=None)

    assert page == Page(url=URL, body="", kind="pdf", content=b" " * 1_019 + b"%PDF-1.7")
    assert kind_of(b" " * 1_020 + b"%PDF-1.7") == "text"


@pytest.mark.parametrize("declared", ["application/pdf", "application/x-pdf", "application/octet-stream"])
def test_what_is_called_a_pdf_and_is_none_is_refused(declared):
    with pytest.raises(UnsupportedContent) as refused:
        kind_of(b"<p>Cook</p>", declared)

    assert refused.value.details == {"content_type": declared}


def test_bytes_without_a_type_are_text_unless_there_is_a_zero_among_the_first():
    with pytest.raises(UnsupportedContent) as refused:
        kind_of(b"a" * 4_095 + b"\0")

    assert refused.value.details == {"content_type": "unknown"}
    assert kind_of(b"a" * 4_096 + b"\0") == "text"
    assert kind_of(b"a\0", "text/plain") == "text"
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert kind_of(mark + "Cook".encode(encoding)) == "text"


@pytest.mark.parametrize(
    ("content", "declared", "kind"),
    [
        (b"Cook", "text/html", "html"),
        (b"Cook", "application/xhtml+xml", "html"),
        (b"Cook", "application/json", "json"),
        (b"Cook", "application/ld+json", "json"),
        (b"Cook", "text/json", "json"),
        (b"Cook", "text/plain", "text"),
        (b"<!doctype html><p>Cook</p>", "text/plain", "html"),
        (b"<!doctype html><p>Cook</p>", "text/xml", "html"),
        (b"<!doctype html><p>Cook</p>", "", "html"),
        (b" \r\n\t{}", "", "json"),
        (b"[]", "", "json"),
        (b"[]", "text/plain", "text"),
        (b"Cook", "", "text"),
        (b"", "", "text"),
    ],
)
def test_a_declared_type_decides_and_else_the_text(content, declared, kind):
    page = page_of(content, url=URL, declared=declared, header=None)

    assert (page.kind, page.url, page.body, page.content) == (kind, URL, content.decode(), b"")


def test_the_header_tells_the_encoding():
    latin = "Köln".encode("latin-1")

    assert page_of(latin, url=URL, declared="text/html", header="text/html; charset=latin-1").body == "Köln"


def sent_to(html, kind="html"):
    return _refresh_target(Page(url=URL, body=html, kind=kind))


def refresh(content):
    return f'<meta http-equiv="refresh" content="{content}">'


@pytest.mark.parametrize(
    ("html", "target"),
    [
        (refresh("0; url=/there"), "/there"),
        (refresh(f"{MAX_REFRESH_SECONDS}; url=/there"), "/there"),
        (refresh(f"{MAX_REFRESH_SECONDS + 1}; url=/there"), None),
        (refresh("0.5;URL='/there'"), "/there"),
        ("<META HTTP-EQUIV=Refresh CONTENT='0; URL=/there'>", "/there"),
        ("<p>Cook</p>", None),
        (f"<!-- {refresh('0; url=/old')} -->", None),
        (f"<!-- {refresh('0; url=/old')} -->{refresh('0; url=/there')}", "/there"),
        (f"<NOSCRIPT>{refresh('0; url=/old')}</noscript>", None),
        (" " * 19_900 + refresh("0; url=/there"), "/there"),
        (" " * 20_000 + refresh("0; url=/there"), None),
    ],
)
def test_a_page_sends_its_reader_on_from_its_head_and_soon(html, target):
    assert sent_to(html) == target


def test_only_pages_send_their_readers_on():
    assert sent_to(refresh("0; url=/there"), kind="text") is None
