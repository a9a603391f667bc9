"""The columns of the table of failures (`providers.errors.MEANINGS`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Whether the same provider is asked once more: after a pause, without the parameter that was refused, with
# the complaint about its reply, or only where it asks for a short wait.
RetryHere = Literal["no", "once", "once_without", "once_told", "if_wait_is_short"]
# Which others may be asked: any; any until a second one refuses too; those that read or take more; or as the
# task says.
NextConfig = Literal["yes", "one_other", "larger_window", "larger_request", "per_task"]
# What it does to the circuit breaker: of the model, or of every model of the config.
Breaker = Literal["none", "counts", "cools", "opens_model", "opens_config"]
# Error codes of what a caller gets when nothing else is left (`orchestration.errors`).
Caller = Literal[
    "provider_failed", "provider_timeout", "request_refused", "content_blocked", "input_too_long"
]
# Whether that says something about the caller's input, by itself or once another provider says so too.
BlamesInput = Literal["no", "yes", "with_another"]
# What a failed call may cost beside the usage that was reported for it.
Cost = Literal["nothing", "if_unanswered", "estimate"]


@dataclass(frozen=True, slots=True)
class Flag:
    """`after` so many of it in a row, counted by `counted`, a config is flagged. `label`, `what` and `to_do`
    are for people."""

    label: str
    what: str
    to_do: str
    after: int = 1
    counted: Literal["calls", "callers"] = "calls"
    # What lifts the flag beside an answered call and a test: the vendor's list of models, by itself or with
    # the models of the config in it.
    lifted_by_list: Literal["no", "yes", "with_models"] = "no"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row. `says`: what the vendor does, for people. `message` is a sentence of ours.

    `is_excused`: it does not count against the provider in health and statistics. `paces`: its calls are
    slowed down. `prompts_probe`: a probe may explain it, and is made sooner. `untold`: a list of models that
    fails so says nothing about calls; the sentence that says it, empty where it does say something.
    """

    says: str
    message: str
    retry_here: RetryHere = "no"
    next_config: NextConfig = "yes"
    breaker: Breaker = "none"
    flag: Flag | None = None
    caller: Caller = "provider_failed"
    blames_input: BlamesInput = "no"
    cost: Cost = "nothing"
    is_excused: bool = False
    paces: bool = False
    prompts_probe: bool = False
    untold: str = ""

    @property
    def is_unusable(self) -> bool:
        """Whether key, account or model are not in order, whatever is asked."""
        return self.breaker in {"opens_model", "opens_config"}

    @property
    def refuses_account(self) -> bool:
        """Whether it is the key or the account that is refused, whatever is asked."""
        return self.breaker == "opens_config"
