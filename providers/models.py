"""Configured providers."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models.limits import cost_limit
from providers.addresses import validate_base_url
from providers.encryption import SealedTextField, SealedValue
from providers.registry import provider_choices
from providers.revision import RoutedModel, RoutedQuerySet, RoutingRevision
from providers.stored_prompts import StoredPrompt
from providers.tasks import TASKS

__all__ = ["AIProviderConfig", "ModelCapability", "RoutingRevision", "StoredPrompt"]


class AIProviderConfigQuerySet(RoutedQuerySet["AIProviderConfig"]):
    def active(self) -> AIProviderConfigQuerySet:
        return self.filter(is_active=True)


class AIProviderConfig(RoutedModel):
    """A vendor account with its key, models, limits and the tasks it is first choice for."""

    UNROUTED_FIELDS = frozenset({"last_tested_at", "last_test_success"})

    provider_type = models.CharField(max_length=20, choices=provider_choices)
    api_key_encrypted = SealedTextField(editable=False)
    key_hint = models.CharField(max_length=4, editable=False)
    model_name = models.CharField(max_length=200)
    quality_model_name = models.CharField(
        max_length=200,
        blank=True,
        help_text="For tasks a plan runs on the quality tier; empty uses the model above.",
    )
    base_url = models.CharField(
        max_length=500,
        blank=True,
        # Not URLField: it refuses single-label hosts such as http://ollama:11434.
        validators=[validate_base_url],
        help_text="Empty uses the vendor's own address. Required for OpenAI-compatible servers.",
    )
    display_name = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    is_active = models.BooleanField("active", default=True)
    is_default = models.BooleanField("default", default=False)
    default_for_extraction = models.BooleanField(default=False)
    default_for_cv_draft = models.BooleanField(default=False)
    default_for_cover_letter = models.BooleanField(default=False)
    default_for_validation = models.BooleanField(default=False)
    extra_default_tasks = models.JSONField(default=list, blank=True)
    priority = models.IntegerField(default=0, help_text="Higher is tried first.")
    weight = models.PositiveIntegerField(default=1, help_text="Share among configs of equal priority.")
    daily_token_limit = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_token_limit = models.PositiveBigIntegerField(null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="What the vendor allows."
    )
    max_concurrent_calls = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="How many calls may be under way."
    )
    daily_cost_limit_usd = cost_limit("daily cost limit (USD)")
    monthly_cost_limit_usd = cost_limit("monthly cost limit (USD)")
    timeout = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(600)],
        help_text="Seconds for one call.",
    )
    last_tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_test_success = models.BooleanField(null=True, editable=False)
    flagged_at = models.DateTimeField(null=True, blank=True, editable=False)
    flag_reason = models.CharField(max_length=20, blank=True, editable=False)
    proven_at = models.DateTimeField(null=True, blank=True, editable=False)
    key_set_at = models.DateTimeField(default=timezone.now, editable=False)
    key_expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="provider_configs",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AIProviderConfigQuerySet.as_manager()

    class Meta:
        db_table = "ai_provider_configs"
        verbose_name = "provider"
        ordering = ["-is_default", "-priority", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="ai_provider_configs_one_default"
            )
        ]

    def __str__(self) -> str:
        return self.display_name or f"{self.get_provider_type_display()} {self.model_name}"

    def set_api_key(self, plaintext: str) -> None:
        """Seal the key and keep its last four characters; what was held against the old key is cleared."""
        self.api_key_encrypted = SealedValue.seal(plaintext)
        self.key_hint = plaintext[-4:] if len(plaintext) >= 12 else ""
        self.key_set_at = timezone.now()
        self.flagged_at, self.flag_reason = None, ""
        self.last_tested_at, self.last_test_success = None, None

    def default_tasks(self) -> frozenset[str]:
        """Slugs of the tasks this config is first choice for."""
        flagged = {task.slug for task in TASKS.values() if task.flag and getattr(self, task.flag)}
        return frozenset(flagged | set(self.extra_default_tasks))

    @classmethod
    def flag(cls, config_id: int, reason: str, **asked: object) -> bool:
        """Record that the vendor refused this key or account, if the config still has the fields `asked`;
        True for the call that did so first."""
        rows = cls.objects.filter(id=config_id, flagged_at=None, **asked)
        return bool(rows.update(flagged_at=timezone.now(), flag_reason=reason))

    def make_default(self) -> None:
        """Take the place of the default, whichever config has it now."""
        with transaction.atomic():
            type(self).objects.filter(is_default=True).exclude(pk=self.pk).update(is_default=False)
            self.is_default = True
            self.save(update_fields=["is_default", "updated_at"])

    def record_test(self, *, is_valid: bool | None) -> None:
        """Keep the outcome of a credential test; success lifts the flag and whatever routing holds against
        the config. None: the server was reached, but proves no key."""
        self.last_tested_at, self.last_test_success = timezone.now(), is_valid
        fields = ["last_tested_at", "last_test_success"]
        if is_valid:
            self.proven_at, self.flagged_at, self.flag_reason = self.last_tested_at, None, ""
            fields += ["proven_at", "flagged_at", "flag_reason"]
        self.save(update_fields=fields)


class ModelCapability(RoutedModel):
    """What one model of a vendor can do: by the vendor's list (`vendor_…`) and by an admin, whose word counts
    more. Empty is not said; `providers.capabilities.facts` has the order of trust. Sizes in tokens."""

    UNROUTED_FIELDS = frozenset({"seen_at", "retired_at", "note", "updated_at"})

    provider_type = models.CharField(max_length=20, choices=provider_choices)
    model_name = models.CharField(max_length=200, help_text="As the vendor writes it.")
    vision = models.BooleanField(null=True, blank=True)
    structured_output = models.BooleanField(null=True, blank=True)
    streaming = models.BooleanField(null=True, blank=True)
    context_window = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    note = models.CharField(max_length=200, blank=True, help_text="Why the vendor's word is overruled.")
    vendor_vision = models.BooleanField(null=True, editable=False)
    vendor_structured_output = models.BooleanField(null=True, editable=False)
    vendor_streaming = models.BooleanField(null=True, editable=False)
    vendor_context_window = models.PositiveIntegerField(null=True, editable=False)
    vendor_max_output_tokens = models.PositiveIntegerField(null=True, editable=False)
    # What calls found that it does not take, by the day on which they did (`capabilities.parameters`).
    refused_parameters = models.JSONField(default=dict, blank=True, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoutedQuerySet["ModelCapability"].as_manager()

    class Meta:
        db_table = "model_capabilities"
        verbose_name_plural = "model capabilities"
        ordering = ["provider_type", "model_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider_type", "model_name"], name="model_capabilities_one_per_model"
            )
        ]

    def __str__(self) -> str:
        return self.model_name
