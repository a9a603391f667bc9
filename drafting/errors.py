"""Why a profile, a draft or an export was refused."""

from accounts.errors import DomainError


class InvalidProfile(DomainError):
    """`details["errors"]` lists `{"path": "work/0/startDate", "message": …}`, at most 20 of them."""

    code = "invalid_profile"
    status = 422
    message = "This is not a JSON Resume (v1.0.0). Correct the places named in details and send it again."


class ProfileTooThin(DomainError):
    code = "profile_too_thin"
    status = 422
    message = (
        "The profile says too little to draft from. Add a name and at least one job, project, voluntary "
        "role or education with some text."
    )


class JobTooThin(DomainError):
    code = "job_too_thin"
    status = 422
    message = (
        "The posting names neither a title nor an employer. Send job_data with title or hiring_organization."
    )


# What may be held against a posting and a profile that were sent or named.
UNFIT_SOURCES = (InvalidProfile, ProfileTooThin, JobTooThin)


class SourceNotFound(DomainError):
    """`details["field"]` is the field of the request that named it."""

    code = "not_found"
    status = 404
    message = "There is no such posting, profile or draft among yours. Check the id."


class ExportTimedOut(DomainError):
    code = "export_timeout"
    status = 503
    message = "Making the file took too long. Try again, or export it as md or json."


class DraftSuperseded(DomainError):
    """`details` names the newest version (`draft_id`, `version`), if there is one."""

    code = "draft_superseded"
    status = 409
    message = (
        "This is not the newest version of the draft. Read the newest and change that, or restore this one."
    )


class InvalidContent(DomainError):
    """`details["errors"]` lists `{"path": "body/0/text", "message": …}`, at most 20 of them."""

    code = "invalid_content"
    status = 422
    message = (
        "A draft cannot be kept with this content. Correct the places named in details and send it again."
    )


class UnknownSection(DomainError):
    """`details["sections"]` are those that can be written anew."""

    code = "unknown_section"
    status = 422
    message = "This part of the draft cannot be written anew. Name one of the sections listed in details."


class NothingToWrite(DomainError):
    code = "nothing_to_write"
    status = 422
    message = (
        "Every text of this section is your own, or none of it rests on the profile as it is now. Send "
        "replace_own to have your own texts written anew too, or draft anew."
    )


class SourceNeeded(DomainError):
    """`details["fields"]` are the fields to send."""

    code = "source_needed"
    status = 422
    message = (
        "What this draft was made from is not kept any more. Send the fields listed in details along with "
        "the request."
    )


class NotComparable(DomainError):
    code = "not_comparable"
    status = 422
    message = "A CV and a letter cannot be compared. Name a draft of the same kind."
