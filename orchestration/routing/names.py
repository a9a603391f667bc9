"""How a program names what it wants to be answered by: a task of ours, a provider's model, or a model
alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot
from providers.model_names import plain_name
from providers.registry import PROVIDER_TYPES
from providers.tasks import CHAT, TASKS, Tier

TASK_PREFIX = "aditus/"
# Of what is made of a snapshot once, so much is kept.
MOST_DERIVED = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """`model` is a plain name, empty for whichever the routing gives; `provider_type` empty is any, and so is
    `config_id` None."""

    task: str = CHAT
    model: str = ""
    provider_type: str = ""
    config_id: int | None = None


@dataclass(frozen=True, slots=True)
class ModelName:
    """One name that a program may ask for, and whose model it is."""

    name: str
    owner: str


def wanted_by(name: str, snapshot: RoutingSnapshot) -> Wanted | None:
    """What is meant by `aditus/cv_draft`, `openai/gpt-4o-mini` or `gpt-4o-mini`; None for what nobody
    serves."""
    if name.startswith(TASK_PREFIX):
        task = name.removeprefix(TASK_PREFIX)
        return Wanted(task) if task in TASKS else None
    provider_type, _, model = name.partition("/")
    if provider_type in PROVIDER_TYPES and model:
        wanted = Wanted(model=plain_name(model), provider_type=provider_type)
        if wanted in _served(snapshot):
            return wanted
    # A router's models have a slash in their own names.
    wanted = Wanted(model=plain_name(name))
    return wanted if wanted in _served(snapshot) else None


def is_allowed(wanted: Wanted, names: Collection[str]) -> bool:
    """Whether one of these names, where there are any, allows the model that is named."""
    return not wanted.model or not names or _is_among(wanted.provider_type, wanted.model, names)


def narrowed(
    snapshot: RoutingSnapshot, wanted: Wanted, *, tier: Tier, allowed: Collection[str] = ()
) -> RoutingSnapshot:
    """The snapshot with no providers but those that may answer, each with the model that is wanted. `allowed`
    are names of models, as `names_in` gives them; none allow all."""
    if not wanted.model and not allowed:
        return snapshot
    key = "narrowed", wanted, tier, tuple(allowed)
    found: RoutingSnapshot | None = snapshot.derived.get(key)
    if found is None:
        found = _narrowed(snapshot, wanted, tier, allowed)
        # As many as there are tokens with lists of their own.
        if len(snapshot.derived) < MOST_DERIVED:
            snapshot.derived[key] = found
    return found


def _narrowed(
    snapshot: RoutingSnapshot, wanted: Wanted, tier: Tier, allowed: Collection[str]
) -> RoutingSnapshot:
    providers = snapshot.providers
    if wanted.model:
        providers = tuple(filter(None, (_pinned(one, wanted) for one in providers)))
    if allowed:
        providers = tuple(
            one for one in providers if _is_among(one.provider_type, one.model_for(tier), allowed)
        )
    return snapshot if providers == snapshot.providers else replace(snapshot, providers=providers, derived={})


def names_in(
    snapshot: RoutingSnapshot, *, tasks: Collection[str] = (), allowed: Collection[str] = ()
) -> Iterator[ModelName]:
    """The names that a program may ask for: tasks first, then each provider's models."""
    for task in TASKS:
        if not tasks or task in tasks:
            yield ModelName(f"{TASK_PREFIX}{task}", "aditus")
    if tasks and CHAT not in tasks:
        return
    served = {
        f"{provider.provider_type}/{model}": provider.provider_type
        for provider in snapshot.providers
        for model in (provider.fast_model, provider.quality_model)
        if model and (not allowed or _is_among(provider.provider_type, model, allowed))
    }
    for name, owner in sorted(served.items()):
        yield ModelName(name, owner)


def _served(snapshot: RoutingSnapshot) -> frozenset[Wanted]:
    """Every model that may be named, by its provider and alone."""
    found: frozenset[Wanted] | None = snapshot.derived.get("served")
    if found is None:
        found = snapshot.derived["served"] = frozenset(
            Wanted(model=plain_name(model), provider_type=whose)
            for provider in snapshot.providers
            for model in (provider.fast_model, provider.quality_model)
            if model
            for whose in ("", provider.provider_type)
        )
    return found


def _pinned(provider: ProviderSnapshot, wanted: Wanted) -> ProviderSnapshot | None:
    """The provider with the model that is wanted, in the spelling of its config; None when it has it not."""
    if wanted.provider_type not in ("", provider.provider_type):
        return None
    if wanted.config_id not in (None, provider.config_id):
        return None
    models = (provider.fast_model, provider.quality_model)
    model = next((one for one in models if one and plain_name(one) == wanted.model), None)
    return replace(provider, pinned_model=model) if model else None


def _is_among(provider_type: str, model: str, names: Collection[str]) -> bool:
    known = {plain_name(name) for name in names}
    plain = plain_name(model)
    if provider_type:
        return bool(known & {plain, f"{provider_type}/{plain}"})
    return plain in known or any(name.endswith(f"/{plain}") for name in known)
