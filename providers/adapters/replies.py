"""From a vendor's text and counts to a ProviderReply, or to the error that it did not give one."""

from __future__ import annotations

from contextlib import suppress

from pydantic import BaseModel, ValidationError

from providers.adapters.base import GenerationRequest, ProviderReply, TokenUsage
from providers.adapters.cleaning import clean
from providers.adapters.forms import best_object, cleaned_json
from providers.adapters.reading import word
from providers.errors import ErrorKind, ProviderError

CUT_OFF = "length"
COMPLETE = "stop"
_MOST_PROBLEMS_TOLD = 5
# Of a vendor's own word for why a reply ended or what tier it was made in.
_LONGEST_CODE = 30


def whole_number(value: object) -> int | None:
    """A count that a vendor's list gives; None for anything that is not one, or that no column takes."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def reply_from(
    request: GenerationRequest,
    *,
    vendor: str,
    text: str,
    usage: TokenUsage | None,
    model_name: str,
    finish_reason: str,
    request_id: str = "",
    service_tier: str = "",
) -> ProviderReply:
    """The reply, cleaned, and parsed when a form was asked for. Raises ProviderError (unparsable) with the
    usage, which is billed, for an empty reply and for one that is cut off inside the form or does not fit it.
    """
    text, finish_reason = clean(text), word(finish_reason, most=_LONGEST_CODE)
    if not text.strip():
        problem = "it was cut off before it began" if finish_reason == CUT_OFF else "it is empty"
        raise unparsable(vendor, f"The reply has no text: {problem}.", usage)
    parsed = None
    if request.response_model is not None:
        refuse_cut_off(finish_reason, request, vendor=vendor, usage=usage)
        text, parsed = form_in(text, request.response_model, vendor=vendor, usage=usage)
    return ProviderReply(
        text=text,
        usage=usage,
        model_name=word(model_name),
        parsed=parsed,
        finish_reason=finish_reason,
        vendor_request_id=word(request_id),
        service_tier=word(service_tier, most=_LONGEST_CODE),
    )


def blocked(
    vendor: str, usage: TokenUsage | None, *, code: str = "", was_billed: bool = True
) -> ProviderError:
    """A safety refusal. `was_billed` False: the prompt was stopped before a model saw it."""
    return ProviderError(
        ErrorKind.BLOCKED,
        vendor=vendor,
        vendor_code=code,
        usage=usage,
        may_have_cost=was_billed,
    )


def refuse_cut_off(
    finish_reason: str, request: GenerationRequest, *, vendor: str, usage: TokenUsage | None
) -> None:
    """Raise ProviderError (unparsable) for a form that ends where the output did."""
    if finish_reason == CUT_OFF:
        message = f"The reply was cut off at {request.max_output_tokens} tokens, in the middle of its form."
        raise unparsable(vendor, message, usage)


def form_in(
    text: str, form: type[BaseModel], *, vendor: str, usage: TokenUsage | None
) -> tuple[str, BaseModel]:
    """The form that a reply holds: its JSON alone, and the instance. Whether a model has structured output or
    was asked by prompt, some wrap the JSON in prose, a code fence or thoughts.

    Raises ProviderError (unparsable) for a reply that holds no JSON object or one that does not fit.
    """
    whole = cleaned_json(text)
    with suppress(ValidationError):
        return whole, form.model_validate_json(whole)
    found = best_object(text, form)
    if found is None:
        raise unparsable(vendor, "The reply holds no complete JSON object.", usage)
    found = cleaned_json(found)
    return found, _parse(form, found, vendor=vendor, usage=usage)


def _parse(form: type[BaseModel], text: str, *, vendor: str, usage: TokenUsage | None) -> BaseModel:
    """`text` as an instance of `form`; raises ProviderError (unparsable) that says what is wrong where."""
    try:
        return form.model_validate_json(text)
    except ValidationError as error:
        message = f"{ErrorKind.UNPARSABLE.meaning.message} {_problems(error)}"
        raise unparsable(vendor, message, usage) from None


def _problems(error: ValidationError) -> str:
    """What is wrong where, without a word of the reply itself: it may repeat the prompt."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        # The name of a field nobody asked for is the model's own text.
        place = detail["loc"][:-1] if detail["type"] == "extra_forbidden" else detail["loc"]
        path = ".".join(str(step) for step in place) or "the whole reply"
        problems.append(f"{path}: {detail['type'].replace('_', ' ')}")
    told = sorted(set(problems))[:_MOST_PROBLEMS_TOLD]
    return "; ".join(told) + "."


def unparsable(vendor: str, message: str, usage: TokenUsage | None) -> ProviderError:
    """A reply in another form than the one asked for, which is billed like any other."""
    return ProviderError(ErrorKind.UNPARSABLE, message, vendor=vendor, usage=usage)
