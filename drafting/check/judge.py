"""The check of one draft: form, floor, proof; what is left over is for the reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from drafting.check.evidence import Evidence, Ground, Said
from drafting.check.floor.extent import more_than_said, turned_round, unnamed_claim
from drafting.check.floor.form import bad_form, false_quote, past_or_boast
from drafting.check.floor.names import employer_applied_to, unknown_name, wrong_language_claim
from drafting.check.floor.numbers import wrong_date, wrong_number
from drafting.check.proof import is_proven
from drafting.check.reasons import Refusal
from drafting.check.tokens import Text, read
from drafting.facts import FactSheet
from extraction.schema import JobData

Rule = Callable[[Text, Evidence, Said], Refusal | None]

# In the order in which it is asked.
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


class Proof(StrEnum):
    """What vouches for a sentence of a draft."""

    CODE = "code"
    READER = "reader"
    OWN_WORDS = "own_words"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refusal` when the text must not be used; else `proof`, or neither when a reader has to be asked."""

    said: Said
    refusal: Refusal | None = None
    proof: Proof | None = None

    @property
    def is_doubtful(self) -> bool:
        return self.refusal is None and self.proof is None


class Check:
    """Judges the texts of one draft: one profile, one posting, one language. `language` is that of the texts,
    `profile_language` that of the profile; both must be among `grammar.codes()`."""

    def __init__(
        self, facts: FactSheet, job: JobData, *, language: str, profile_language: str, today: date
    ) -> None:
        self.ground = Ground(facts, job, profile_language, today)
        self.language = language

    def judge(self, said: Said) -> Verdict:
        """Refused by the floor, proven by code, or doubtful."""
        text = read(said.text, self.language)
        evidence = self.ground.evidence_for(said)
        for finds in FLOOR:
            if refusal := finds(text, evidence, said):
                return Verdict(said, refusal=refusal)
        return Verdict(said, proof=Proof.CODE if is_proven(text, evidence, said) else None)
