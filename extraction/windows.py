"""How much of a posting a model gets to read: as much as the models that are likely to be asked take in."""

from __future__ import annotations

from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot

# For the form, the instructions and the answer.
RESERVED_TOKENS = 3_000
# On the safe side of what scripts without blanks need; English takes about four characters a token.
CHARACTERS_A_TOKEN = 2
LEAST_CHARACTERS, MOST_CHARACTERS = 3_000, 100_000
# A model of which nobody knows the window: what nearly every model in service has.
UNKNOWN_WINDOW = 32_000


def prompt_characters(snapshot: RoutingSnapshot, task: str) -> int:
    """The characters of a posting that fit the narrowest window among the providers asked first for the
    task."""
    windows = [
        snapshot.capabilities.of(provider.provider_type, model).context_window or UNKNOWN_WINDOW
        for provider in _first_asked(snapshot.providers, task)
        for model in {provider.fast_model, provider.quality_model} - {""}
    ]
    room = (min(windows, default=UNKNOWN_WINDOW) - RESERVED_TOKENS) * CHARACTERS_A_TOKEN
    return max(LEAST_CHARACTERS, min(room, MOST_CHARACTERS))


def _first_asked(providers: tuple[ProviderSnapshot, ...], task: str) -> list[ProviderSnapshot]:
    flagged = [provider for provider in providers if task in provider.tasks]
    default = [provider for provider in providers if provider.is_default]
    return flagged or default or list(providers)
