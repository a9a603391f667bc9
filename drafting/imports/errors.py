"""Why a document was not read: always before a model was asked."""

from accounts.errors import DomainError


class UnsupportedDocument(DomainError):
    """`details`: reason ("legacy_word", "archive", "binary")."""

    code = "unsupported_document"
    status = 415
    message = (
        "This kind of file cannot be read. Send a PDF, a DOCX, a text, a LinkedIn export or a JSON Resume."
    )


class UnreadableDocument(DomainError):
    """`details`: reason ("damaged", "slow")."""

    code = "unreadable_document"
    status = 422
    message = "The file is damaged. Save it anew from the program it was written in, or paste its text."


class EncryptedDocument(DomainError):
    code = "encrypted_document"
    status = 422
    message = "The file is protected by a password. Save it without one and send it again."


class DocumentWithMacros(DomainError):
    code = "document_with_macros"
    status = 422
    message = "The file holds macros. Save it as a DOCX without macros, or as a PDF, and send that."


class DocumentTooLarge(DomainError):
    """`details`: limit_bytes, limit_pages, limit_pages_as_pictures, limit_unpacked_bytes, limit_members,
    limit_rows or limit_characters."""

    code = "document_too_large"
    status = 413
    message = "The file is larger than we read: 10 MB, 20 pages and 60,000 characters. Send the CV alone."


class ScannedDocument(DomainError):
    """What says who somebody is cannot be masked in a picture, so pages are shown to a model only when that
    was asked for. `details`: reason ("not_allowed", "no_vision": no model that is configured sees)."""

    code = "scanned_document"
    status = 422
    message = (
        "The file holds pictures of pages and no text. Send one with text in it, paste the CV's text, or "
        "send as_pictures to have the pages shown to an AI provider as they are, contact details included."
    )


class NotACv(DomainError):
    """`details`: reason ("empty", "thin", "unreadable", "nothing_found")."""

    code = "not_a_cv"
    status = 422
    message = "Too little of a CV could be read here. Send the whole CV, or paste its text."


class NotALinkedInExport(DomainError):
    code = "not_a_linkedin_export"
    status = 422
    message = "The archive is no LinkedIn export with a Profile.csv. Send it as LinkedIn gave it to you."


UNREADABLE = (
    UnsupportedDocument,
    UnreadableDocument,
    EncryptedDocument,
    DocumentWithMacros,
    DocumentTooLarge,
    ScannedDocument,
    NotACv,
    NotALinkedInExport,
)
