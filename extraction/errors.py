"""Why a posting was refused: always before a model was asked or a row was written."""

from accounts.errors import DomainError


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


class PageWithoutText(DomainError):
    """`details`: reason ("login" when the page asks for a password, else "empty")."""

    code = "page_without_text"
    status = 422
    message = (
        "The page shows no posting without signing in or running scripts. Paste the posting's text instead."
    )


class NotAnImage(DomainError):
    code = "not_an_image"
    status = 415
    message = "The file is not a readable PNG, JPEG, WebP or GIF picture. Send a screenshot in one of these."


class ImageTooLarge(DomainError):
    """`details`: limit_bytes or limit_pixels."""

    code = "image_too_large"
    status = 413
    message = "The picture is too large. Send one of at most 10 MB and 40 megapixels."


class NoPostingInImage(DomainError):
    """The model found no field of a posting in the picture."""

    code = "no_posting_in_image"
    status = 422
    message = "No job posting could be read in this picture. Send a sharper one, or paste the posting's text."
