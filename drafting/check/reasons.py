"""Why a text of the model was not used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    EMPTY = "empty"
    PLACEHOLDER = "placeholder"
    LINK = "link"
    META = "not_part_of_a_draft"
    REPETITION = "repetition"
    HEADING = "not_a_sentence"
    WRONG_LANGUAGE = "wrong_language"
    UNKNOWN_SOURCE = "unknown_source"
    QUOTE = "quote_not_in_source"
    NUMBER = "number_not_in_source"
    COUNTED = "number_of_something_else"
    BOUND = "limit_changed"
    DATE = "date_not_in_source"
    DURATION = "duration_not_in_source"
    NAME = "name_not_in_source"
    EMPLOYER = "employer_applied_to"
    RANK = "rank_not_in_source"
    CREDENTIAL = "credential_not_in_source"
    AWARD = "award_not_in_source"
    OWNERSHIP = "responsibility_not_in_source"
    SUPERLATIVE = "superlative_not_in_source"
    SCOPE = "extent_not_in_source"
    OUTCOME = "outcome_not_in_source"
    FIELD = "task_not_in_source"
    LANGUAGE = "language_not_in_source"
    LEVEL = "language_level_changed"
    DIRECTION = "direction_changed"
    POLARITY = "negation_changed"
    PART = "part_told_as_whole"
    PLAN = "plan_told_as_result"
    OTHER_ENTRY = "from_another_entry"
    POSTING = "only_in_posting"
    EXTRA = "more_than_its_source"
    PAST = "claims_the_past"
    UNSUPPORTED = "reader_found_no_support"
    UNREAD = "not_read"
    TOO_SHORT = "too_far_from_source"
    TRANSLATED = "translated"
    UNTRANSLATED = "language_of_profile_kept"
    LENGTH = "length_not_reached"


MESSAGES = {
    Reason.EMPTY: "The model wrote nothing here.",
    Reason.PLACEHOLDER: "The model left a placeholder to fill in.",
    Reason.LINK: "The model added a link or an address.",
    Reason.META: "The model spoke to its user instead of writing the draft.",
    Reason.REPETITION: "The model repeated itself.",
    Reason.HEADING: "The model copied the heading of an entry instead of writing a sentence.",
    Reason.WRONG_LANGUAGE: "The model wrote in another language than it was asked for.",
    Reason.UNKNOWN_SOURCE: "The model named no entry that the profile has.",
    Reason.QUOTE: "The model quoted what the profile does not say, or left a number or name without a quote.",
    Reason.NUMBER: "A number is not in the lines the text was said to rest on.",
    Reason.COUNTED: "A number counts something else in the profile.",
    Reason.BOUND: "A limit such as 'up to' or 'more than' was dropped or added.",
    Reason.DATE: "A year or month is not in the entry the text was said to rest on.",
    Reason.DURATION: "A duration does not follow from the dates of the entry.",
    Reason.NAME: "A name is not in the lines the text was said to rest on.",
    Reason.EMPLOYER: "The employer applied to was told as a place of past work.",
    Reason.RANK: "A title or rank is not in the profile entry.",
    Reason.CREDENTIAL: "A degree, licence or certificate is not in the profile entry.",
    Reason.AWARD: "An award or praise is not in the profile entry.",
    Reason.OWNERSHIP: "The profile does not say that the person led or was responsible for this.",
    Reason.SUPERLATIVE: "A superlative is not in the profile entry.",
    Reason.SCOPE: "An extent such as 'all' or 'international' is not in the profile entry.",
    Reason.OUTCOME: "An effect is not in the profile entry.",
    Reason.FIELD: "A task or field of work is not in the profile entry.",
    Reason.LANGUAGE: "A language is not in the profile.",
    Reason.LEVEL: "A language has another level in the profile.",
    Reason.DIRECTION: "The profile says that something went the other way, or nothing of the kind.",
    Reason.POLARITY: "A negation was added or dropped.",
    Reason.PART: "Having helped or taken part was told as having done it.",
    Reason.PLAN: "A plan, target or unfinished work was told as a result.",
    Reason.OTHER_ENTRY: "A fact was moved from another entry.",
    Reason.POSTING: "A word comes from the posting; the profile does not have it.",
    Reason.EXTRA: "The text says more than the lines it was said to rest on.",
    Reason.PAST: "A sentence of motive or wish claims something about the past.",
    Reason.UNSUPPORTED: "The reader found no support for this in the profile.",
    Reason.UNREAD: "Code could not prove the text, and no second model could be asked.",
    Reason.TOO_SHORT: "The text leaves out most of the line it rewrites.",
    Reason.TRANSLATED: "The draft is in another language than the profile; compare it with yours.",
    Reason.UNTRANSLATED: "This language cannot be checked here, so the profile's own text was kept.",
    Reason.LENGTH: "What could be said from the profile is shorter than the length asked for.",
}
_WORDS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text did not pass; `words` are the words or numbers at fault, never the text itself."""

    reason: Reason
    words: tuple[str, ...] = ()


def note(field: str, refusal: Refusal) -> dict[str, Any]:
    """One row of a draft's `grounding`: the field whose text the model wrote, and why it was not used."""
    return {
        "field": field,
        "reason": refusal.reason.value,
        "message": MESSAGES[refusal.reason],
        "words": list(refusal.words[:_WORDS_SHOWN]),
    }
