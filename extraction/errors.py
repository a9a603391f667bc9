"""Why a posting was refused: always before a model was asked or a row was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.errors import DomainError

if TYPE_CHECKING:
    from extraction.kind import Reason


class UrlNotAllowed(DomainError):
    """The address is malformed, or is not a public web address (or redirects to one that is not)."""

    code = "url_not_allowed"
    status = 400
    message = "Only public http and https addresses can be read. Paste the posting's text instead."


class PageUnavailable(DomainError):
    """`details`: reason ("status", "dns", "connection", "tls", "redirects", "encoding"), and upstream_status
    where the site answered."""

    code = "page_unavailable"
    status = 422
    message = "The page could not be read. Check the address, or paste the posting's text instead."


class PageTimedOut(PageUnavailable):
    code = "page_timeout"
    message = "The page did not answer in time. Try again, or paste the posting's text instead."


class PageTooLarge(DomainError):
    """`details`: limit_bytes."""

    code = "page_too_large"
    status = 413
    message = "The page is larger than we read. Paste the posting's text instead."


class UnsupportedContent(DomainError):
    """`details`: content_type."""

    code = "unsupported_content"
    status = 415
    message = "The address does not lead to a web page. Give the page of the posting, or paste its text."


class NotAPosting(DomainError):
    """What was read is no job posting. `details`: reason, of `extraction.kind.Reason`."""

    code = "not_a_posting"
    status = 422
    message = "This is no job posting. Give the page of one job, or paste the posting's text."

    @classmethod
    def because(cls, reason: Reason) -> NotAPosting:
        return cls(_SENTENCES[reason], details={"reason": reason})


_SENTENCES: dict[Reason, str] = {
    "login_wall": "The page asks for a login. Paste the posting's text instead.",
    "cookie_wall": "The page shows only its cookie notice. Paste the posting's text instead.",
    "challenge": "The site checks for robots and shows us no posting. Paste the posting's text instead.",
    "not_found": "The site says that there is no such page. Check the address, or paste the posting's text.",
    "closed": "The site says that this job is no longer open. Paste the posting's text if you still have it.",
    "listing": "The page lists several jobs. Open the one you mean and give its address.",
    "unrendered": "The page shows no posting without running scripts. Paste the posting's text instead.",
    "empty": "There is nothing to read here. Give the page of the posting, or paste its text.",
    "other": "This does not read like a job posting. Give the page of one job, or paste the posting's text.",
}


class NotAnImage(DomainError):
    code = "not_an_image"
    status = 415
    message = "The file is not a readable PNG, JPEG, WebP or GIF picture. Send a screenshot in one of these."


class ImageTooLarge(DomainError):
    """`details`: limit_bytes or limit_pixels."""

    code = "image_too_large"
    status = 413
    message = "The picture is too large. Send one of at most 10 MB and 40 megapixels."


class NotAPdf(DomainError):
    """`details`: reason ("damaged", "encrypted", "empty", "slow")."""

    code = "not_a_pdf"
    status = 415
    message = "The file is not a PDF that can be read. Send another, or paste the posting's text."


class PdfTooLarge(DomainError):
    """`details`: limit_bytes or limit_pages."""

    code = "pdf_too_large"
    status = 413
    message = "The PDF is too large. Send one of at most 10 MB and 20 pages."


class NoPostingInImage(DomainError):
    """`details`: reason ("unreadable", "not_a_posting")."""

    code = "no_posting_in_image"
    status = 422
    message = "No job posting could be read in this picture. Send a sharper one, or paste the posting's text."
