"""Words that claim a rank, a credential, an award, responsibility, extent, effect or field of work."""

from __future__ import annotations

from drafting.check.evidence import Evidence, Said
from drafting.check.explained import explained
from drafting.check.meanings import PROTECTED, classes
from drafting.check.reasons import Refusal
from drafting.check.tokens import Text, Token

# Here another word of the same class will do: "headed" for "led".
_ANY_OF_CLASS = frozenset({"lead"})


def unnamed_claim(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of such a word that the sources have neither as it stands nor in another word for it."""
    if said.place == "bridge":
        return None
    ours = explained(text, evidence)
    for token in text.tokens:
        if (
            token.is_content
            and token.index not in ours
            and token.is_only(*PROTECTED)
            and not _is_named(token, evidence)
        ):
            reason = PROTECTED[next(classes()[row] for row in sorted(token.rows))]
            return Refusal(reason, (token.text,))
    return None


def _is_named(token: Token, evidence: Evidence) -> bool:
    if evidence.has(token):
        return True
    named = {classes()[row] for row in token.rows} & _ANY_OF_CLASS
    return bool(named & evidence.classes)
