"""The floor, in the order in which it is asked."""

from collections.abc import Callable

from drafting.check.evidence import Evidence, Said
from drafting.check.floor.applied_to import employer_applied_to
from drafting.check.floor.bridges import past_or_boast
from drafting.check.floor.claims import unnamed_claim
from drafting.check.floor.dates import wrong_date
from drafting.check.floor.extent import more_than_said
from drafting.check.floor.form import bad_form
from drafting.check.floor.languages import wrong_language_claim
from drafting.check.floor.names import unknown_name
from drafting.check.floor.numbers import wrong_number
from drafting.check.floor.polarity import turned_round
from drafting.check.floor.quotes import false_quote
from drafting.check.reasons import Refusal
from drafting.check.tokens import Text

Rule = Callable[[Text, Evidence, Said], Refusal | None]

FLOOR: tuple[Rule, ...] = (
    bad_form,
    false_quote,
    employer_applied_to,
    past_or_boast,
    wrong_language_claim,
    wrong_date,
    wrong_number,
    unknown_name,
    unnamed_claim,
    turned_round,
    more_than_said,
)
