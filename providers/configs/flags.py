"""When a vendor refuses a key or an account, a person has to know."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from providers.models import AIProviderConfig


def flag(config_id: int, reason: str, **asked: object) -> bool:
    """Flag the config for `reason` (an ErrorKind) and say so in the audit trail; True for the call that did
    so first. `asked` are fields it was asked with, such as `api_key_encrypted`: a refusal says nothing of
    another key. A config deleted meanwhile is nobody's to flag."""
    with transaction.atomic():
        if not AIProviderConfig.flag(config_id, reason, **asked):
            return False
        config = AIProviderConfig.objects.get(pk=config_id)
        changes = {"flag_reason": ["", reason]}
        audit.record(action="provider.flagged", actor=Actor.system(), target=config, changes=changes)
    return True


def unflag(config_id: int, **asked: object) -> bool:
    """Lift the flag of a config that a vendor has just served again, and say so in the audit trail; True for
    the call that did so first. `asked` as in `flag`."""
    with transaction.atomic():
        flagged = AIProviderConfig.objects.filter(pk=config_id, **asked).exclude(flagged_at=None)
        config = flagged.select_for_update().first()
        if config is None:
            return False
        changes = {"flag_reason": [config.flag_reason, ""]}
        flagged.update(flagged_at=None, flag_reason="")
        audit.record(action="provider.recovered", actor=Actor.system(), target=config, changes=changes)
    return True
