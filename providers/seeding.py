"""The first provider of a new installation, from the key in its environment."""

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from providers.configs.changes import facts
from providers.configs.locks import hold_all
from providers.models import AIProviderConfig, RoutingRevision
from providers.registry import ProviderType
from providers.tasks import TASKS


class NoKey(DomainError):
    code = "no_key_in_environment"
    status = 400
    message = "There is no key. Put one into the environment or .env, then run this again."


@transaction.atomic
def seed_provider(
    kind: ProviderType, *, api_key: str, model_fast: str, model_quality: str, force: bool = False
) -> str:
    """Make this vendor the default provider, first choice for every task; returns a sentence on what was
    done.

    While there is a provider of the type nothing changes, unless `force`: then its key and its models are
    replaced (of the default one, if there are several, else of the oldest) and its other fields stay as they
    are. Raises NoKey for a key that is empty or cannot be one.
    """
    if not api_key:
        raise NoKey(
            f"{kind.key_variable} is not set. Put it into the environment or .env, then run this again."
        )
    if not kind.key_looks_right(api_key):
        raise NoKey(
            f"{kind.key_variable} does not look like a key of {kind.label} ({kind.key_hint}). Copy it again."
        )
    hold_all()
    # One row that always exists is the lock: two containers that start at once make one provider.
    RoutingRevision.hold()
    existing = AIProviderConfig.objects.filter(provider_type=kind.slug)
    config = existing.order_by("-is_default", "id").first()
    if config and not force:
        return (
            f"A provider of {kind.label} exists already: nothing to do. --force replaces its key and models."
        )
    before = facts(config) if config else {}
    if config:
        action, done = "provider.key_rotated", f"Replaced key and models of {kind.label}."
    else:
        config = _new_default(kind)
        action, done = "provider.created", f"Created the provider {kind.label}, default for every task."
    config.model_name, config.quality_model_name = model_fast, model_quality
    config.set_api_key(api_key)
    config.save()
    audit.record(
        action=action,
        actor=Actor.of_command("seed_gemini_provider"),
        target=config,
        changes=audit.changes_between(before, facts(config)),
    )
    return f"{done} Models: {model_fast} (fast), {model_quality} (quality)."


def _new_default(kind: ProviderType) -> AIProviderConfig:
    AIProviderConfig.objects.filter(is_default=True).update(is_default=False)
    flags = {task.flag: True for task in TASKS.values() if task.flag}
    return AIProviderConfig(provider_type=kind.slug, display_name=kind.label, is_default=True, **flags)
