"""The first provider of a new installation, from the key in its environment."""

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from providers.configs.changes import facts
from providers.configs.locks import hold_all
from providers.models import AIProviderConfig, RoutingRevision
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS


class NoKey(DomainError):
    code = "no_key_in_environment"
    status = 400
    message = "GEMINI_API_KEY is not set. Put it into the environment or .env, then run this again."


@transaction.atomic
def seed_gemini(*, api_key: str, model_fast: str, model_quality: str, force: bool = False) -> str:
    """Make Gemini the default provider, first choice for every task; returns a sentence on what was done.

    While there is a Gemini provider nothing changes, unless `force`: then its key and its models are replaced
    (of the default one, if there are several, else of the oldest) and its other fields stay as they are.
    Raises NoKey for a key that is empty or cannot be one.
    """
    if not api_key:
        raise NoKey
    gemini = PROVIDER_TYPES["gemini"]
    if not gemini.key_looks_right(api_key):
        raise NoKey(f"GEMINI_API_KEY does not look like a Gemini key ({gemini.key_hint}). Copy it again.")
    hold_all()
    # One row that always exists is the lock: two containers that start at once make one provider.
    RoutingRevision.hold()
    existing = AIProviderConfig.objects.filter(provider_type="gemini")
    config = existing.order_by("-is_default", "id").first()
    if config and not force:
        return "A Gemini provider exists already: nothing to do. --force replaces its key and models."
    before = facts(config) if config else {}
    if config:
        action, outcome = "provider.key_rotated", "Replaced key and models of the Gemini provider."
    else:
        config = _new_default()
        action, outcome = "provider.created", "Created the Gemini provider, default for every task."
    config.model_name, config.quality_model_name = model_fast, model_quality
    config.set_api_key(api_key)
    config.save()
    audit.record(
        action=action,
        actor=Actor.of_command("seed_gemini_provider"),
        target=config,
        changes=audit.changes_between(before, facts(config)),
    )
    return f"{outcome} Models: {model_fast} (fast), {model_quality} (quality)."


def _new_default() -> AIProviderConfig:
    AIProviderConfig.objects.filter(is_default=True).update(is_default=False)
    flags = {task.flag: True for task in TASKS.values() if task.flag}
    return AIProviderConfig(
        provider_type="gemini", display_name=PROVIDER_TYPES["gemini"].label, is_default=True, **flags
    )
