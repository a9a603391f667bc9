"""The employer applied to is nowhere one has been."""

from __future__ import annotations

from drafting.check.evidence import Evidence, Said
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, read


def employer_applied_to(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of anything but a bridge that names the employer applied to, unless the profile does."""
    name = evidence.ground.job.hiring_organization
    if said.place == "bridge" or not name:
        return None
    padded = read(name, text.language).padded
    if not padded.strip() or padded in evidence.ground.whole.padded:
        return None
    return Refusal(Reason.EMPLOYER, (name,)) if padded in text.padded else None
