"""What a check of a key came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from providers.adapters.base import ListedModel
from providers.errors import ErrorKind


class Doubt(StrEnum):
    """Why a check of a key proved nothing."""

    LIST_NEEDS_NO_KEY = "list_needs_no_key"
    OTHER_API = "other_api"
    UNCLEAR = "unclear"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """Outcome of `validate_credentials`. `is_valid` True: the key does what a wrong one does not; False: the
    vendor refuses it, or the account, by `error_kind`; None: nobody can tell, for the reason in `doubt`.
    `listed` is what the key may use, by the vendor's list; `lacks_model` when the model it was asked about is
    not in it."""

    is_valid: bool | None
    message: str
    latency_ms: int
    listed: tuple[ListedModel, ...] = ()
    doubt: Doubt = Doubt.UNCLEAR
    error_kind: ErrorKind = ErrorKind.AUTH
    lacks_model: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(model.name for model in self.listed)

    @property
    def outcome(self) -> str:
        """One word of OUTCOMES."""
        if self.is_valid is None:
            return self.doubt.value
        return "works" if self.is_valid else "refused"

    @property
    def tone(self) -> Literal["good", "warning", "bad"]:
        """Good when calls will be answered; a warning when nobody can tell, or for a model that is not there;
        bad when they will be refused."""
        if self.is_valid is False:
            return "bad"
        return "good" if self.is_valid and not self.lacks_model else "warning"

    @property
    def is_lasting(self) -> bool:
        """Whether the vendor said something that is worth keeping, be it that it asks for no key."""
        return self.is_valid is not None or self.doubt is Doubt.LIST_NEEDS_NO_KEY


OUTCOMES = ("works", "refused", *(doubt.value for doubt in Doubt))
