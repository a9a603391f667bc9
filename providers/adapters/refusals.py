"""What a vendor's error says: its kind, by the status first, then by the codes in its body, and by its text
only where status and code mean several things.

One reading for all wires: servers that speak one vendor's protocol hand on the codes of another. Texts are
read and never kept: they may repeat the key or the prompt.
"""

from __future__ import annotations

import re

from providers.adapters.told import Told
from providers.capabilities.parameters import NAMES, Parameter
from providers.errors import ErrorKind

# Codes that say more than the status they come with, whoever sends them; the first that is found counts.
_KIND_BY_CODE: dict[ErrorKind, frozenset[str]] = {
    ErrorKind.BILLING: frozenset(
        [
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            "billing_error",
            "billing_disabled",
            "exceeded_current_quota_error",
            "insufficient_balance",
            "insufficient_credits",
            # https://platform.claude.com/docs/en/api/errors: spending limits answer 400 or 403, by the limit.
            "contract_spend_limit_reached",
            "enforced_spend_limit_reached",
            "linked_organization_billing_unavailable",
            "linked_organization_spend_limit_reached",
            # "enable billing on your project" (https://ai.google.dev/gemini-api/docs/troubleshooting)
            "failed_precondition",
        ]
    ),
    ErrorKind.BLOCKED: frozenset(
        [
            "content_filter",
            "content_policy_violation",
            "invalid_prompt",
            "moderation_blocked",
            "bio_policy",
            "misalignment_policy_violation",
            "image_content_policy_violation",
            "responsibleaipolicyviolation",
            "data_inspection_failed",
            "datainspectionfailed",
            "sensitive_content",
            "content_moderation",
        ]
    ),
    ErrorKind.TOO_LONG: frozenset(
        [
            "context_length_exceeded",
            "exceed_context_size_error",
            "string_above_max_length",
            "model_context_window_exceeded",
        ]
    ),
    ErrorKind.NOT_FOUND: frozenset(
        [
            "model_not_found",
            "model_not_available",
            "model_not_allowed",
            "model_decommissioned",
            "model_deprecated",
            "invalid_model",
            "unknown_model",
            "not_found_error",
            "not_found",
        ]
    ),
    ErrorKind.PARAMETER: frozenset(
        ["unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"]
    ),
    ErrorKind.RATE_LIMITED: frozenset(
        ["rate_limit_exceeded", "rate_limit_error", "rate_limited", "resource_exhausted", "too_many_requests"]
    ),
    ErrorKind.OVERLOADED: frozenset(["overloaded_error", "server_is_overloaded", "engine_overloaded"]),
    ErrorKind.AUTH: frozenset(
        [
            "invalid_api_key",
            "api_key_invalid",
            "authentication_error",
            "permission_error",
            "unauthenticated",
            "permission_denied",
            "account_deactivated",
            "unsupported_country_region_territory",
            "ip_not_authorized",
            "invalid_authentication",
            "invalid_token",
        ]
    ),
    ErrorKind.TIMEOUT: frozenset({"timeout_error"}),
    ErrorKind.SERVER: frozenset(["server_error", "api_error", "internal_error", "internal"]),
}
# Statuses that speak for themselves, with whatever body.
_KIND_BY_STATUS: dict[int, ErrorKind] = {
    401: ErrorKind.AUTH,
    402: ErrorKind.BILLING,
    408: ErrorKind.TIMEOUT,
    409: ErrorKind.SERVER,
    410: ErrorKind.NOT_FOUND,
    413: ErrorKind.TOO_LARGE,
    429: ErrorKind.RATE_LIMITED,
    529: ErrorKind.OVERLOADED,
}
ON_THE_WAY = frozenset({407, 421, 424, 425, 499})
_NO_SUCH_THING = frozenset({404, 405})

# Texts, for what several meanings share a status and come without a code.
_MONEY = re.compile(
    r"credit balance is too low|out of credits|ha(s|ve) no credits|"
    r"insufficient.{0,20}(credit|balance|funds|quota)|"
    r"(reached|exceed(s|ed)?|hit|over).{0,60}(usage|spend(ing)?|billing|budget) limits?\b|"
    r"(usage|spend(ing)?|billing|budget) limits?\b.{0,20}(reached|exceeded)|"
    r"billing.{0,20}(not|disabled|inactive)|(enable|requires|check your).{0,20}billing|"
    r"account.{0,30}(overdue|arrears)",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size|limit)|(prompt|input) is too long|too many (input )?tokens|"
    r"(input )?token count.{0,40}exceeds|(maximum|max) (allowed )?input length|"
    r"tokens? (in|of) the prompt exceeds?",
    re.IGNORECASE,
)
_FLAGGED = re.compile(
    r"(content|usage|safety|acceptable.use).{0,20}(polic|filter|moderat|guideline)|moderation|flagged|"
    r"safety system|content exists risk|harmful content|prohibited content",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"\bmodel\b.{0,80}?(not found|(does not|doesn't|not) exist|not allowed|no longer (available|supported)|"
    r"not available|deprecated|decommissioned|(has been|was) (retired|removed|shut down))|"
    r"(invalid|unknown|no such) model|not a valid model|(no|not have) access to (the )?model",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api.?key|\bpermissions?\b|\bcredentials?\b|unauthori[sz]ed|not authori[sz]ed|access denied|"
    r"denied access|does not have access|(country|region|territory|location).{0,20}not (supported|available)",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(
    r"api.?key.{0,30}(not valid|invalid|incorrect|expired|missing|revoked)|"
    r"(invalid|incorrect|expired|missing|revoked).{0,20}api.?key|location is not supported",
    re.IGNORECASE,
)
_TOO_FAST = re.compile(r"rate.?limit|tokens per minute|requests per minute|\b[TR]PM\b", re.IGNORECASE)
# OpenAI and Gemini answer 503 both when overloaded and when down.
_OVERLOADED = re.compile(r"overloaded", re.IGNORECASE)
_NOT_TAKEN = re.compile(
    r"invalid.{0,12}service_?tier|"
    r"not support|n't support|unsupported|unrecognized|unknown (name|parameter|field|argument)|not permitted|"
    r"cannot find field|not (enabled|available|allowed|compatible)|incompatible|instead|only supports?|"
    r"supported values|deprecated|not a valid|maximum (allowed )?(number|value)|at most|less than or equal",
    re.IGNORECASE,
)
# Says so in so many words, of a parameter whose name we do not know.
_NAMELESS = re.compile(
    r"extra inputs are not permitted|unknown name \"|unsupported (parameter|value)\b|unknown parameter|"
    r"unrecognized request argument",
    re.IGNORECASE,
)
# A router that has the model, and nobody who serves this request of it.
_NO_ENDPOINT = re.compile(r"no endpoints found (that|matching)", re.IGNORECASE)
_LARGEST = re.compile(
    r"(?:at most|maximum (?:value )?(?:of|is)|less than or equal to|<=|\d+ >)\s*`?(\d{2,7})\b", re.IGNORECASE
)


def kind_of(status: int, said: Told) -> ErrorKind:
    """The kind of an error with this HTTP status; 200 is that of a stream, or of an error in place of a
    reply, which may name a status itself."""
    if status < 300:
        return _kind_inside(said)
    if status >= 500:
        # Whatever a code says about the request, a server that fails is in trouble itself.
        is_overloaded = status == 503 and (_OVERLOADED.search(said.text) or _by_code(said) is _BUSY)
        return ErrorKind.OVERLOADED if is_overloaded else _KIND_BY_STATUS.get(status, ErrorKind.SERVER)
    if status in ON_THE_WAY:
        return ErrorKind.PATH
    if status in _KIND_BY_STATUS:
        return _of_plain_status(status, said)
    if status < 400 or not said.is_vendors:
        # A redirect is never followed: the key would be sent along.
        return ErrorKind.PATH
    return _of_ambiguous_status(status, said)


def refused_parameter(said: Told) -> str:
    """What the request may be made without, as `capabilities.parameters` writes it; empty where nobody can
    tell."""
    named = said.param or said.text
    parameter = next((one for one, pattern in NAMES.items() if pattern.search(named)), None)
    if parameter is None:
        return ""
    if parameter is Parameter.LIMIT and (found := _LARGEST.search(said.text)):
        return f"{Parameter.LIMIT}={found[1]}"
    return parameter.value


_BUSY = ErrorKind.OVERLOADED


def _by_code(said: Told) -> ErrorKind | None:
    return next((kind for kind, codes in _KIND_BY_CODE.items() if codes & said.codes), None)


def _kind_inside(said: Told) -> ErrorKind:
    if kind := _by_code(said):
        return kind
    if said.status:
        return kind_of(said.status, said)
    if said.is_flagged:
        return ErrorKind.BLOCKED
    if any("image" in code or code == "invalid_request_error" for code in said.codes):
        return _by_text(said) or ErrorKind.REJECTED
    return ErrorKind.SERVER


def _of_plain_status(status: int, said: Told) -> ErrorKind:
    kind, by_code = _KIND_BY_STATUS[status], _by_code(said)
    if status == 413 and (by_code is ErrorKind.RATE_LIMITED or _TOO_FAST.search(said.text)):
        return ErrorKind.RATE_LIMITED
    if by_code is ErrorKind.BILLING and status in {401, 429}:
        return ErrorKind.BILLING
    return kind


def _of_ambiguous_status(status: int, said: Told) -> ErrorKind:
    if status in _NO_SUCH_THING:
        return _of_nothing_there(said)
    by_code = _by_code(said)
    if by_code is ErrorKind.BILLING and "failed_precondition" in said.codes and _BAD_KEY.search(said.text):
        return ErrorKind.AUTH
    if said.is_flagged and by_code is not ErrorKind.BILLING:
        return ErrorKind.BLOCKED
    if by_code and by_code is not ErrorKind.AUTH:
        return by_code
    kind = _by_text(said) or by_code
    if kind is None and status == 403 and _KEY.search(said.text):
        return ErrorKind.AUTH
    return kind or ErrorKind.REJECTED


def _of_nothing_there(said: Told) -> ErrorKind:
    if not _NO_ENDPOINT.search(said.text):
        return ErrorKind.NOT_FOUND
    return ErrorKind.PARAMETER if refused_parameter(said) else ErrorKind.REJECTED


def _by_text(said: Told) -> ErrorKind | None:
    text = said.text
    if _MONEY.search(text):
        return ErrorKind.BILLING
    if _TOO_LONG.search(text):
        return ErrorKind.TOO_LONG
    if _FLAGGED.search(text):
        return ErrorKind.BLOCKED
    if _NAMELESS.search(text) or (_NOT_TAKEN.search(text) and refused_parameter(said)):
        return ErrorKind.PARAMETER
    if _BAD_KEY.search(text):
        return ErrorKind.AUTH
    return ErrorKind.NOT_FOUND if _NO_MODEL.search(text) else None
