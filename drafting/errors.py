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


class SourceNotFound(DomainError):
    """`details["field"]` is the field of the request that named it."""

    code = "not_found"
    status = 404
    message = "There is no such posting or profile among yours. Check the id."


class ExportTimedOut(DomainError):
    code = "export_timeout"
    status = 503
    message = "Making the file took too long. Try again, or export it as md or json."
