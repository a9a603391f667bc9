"""Small explicit factories: every one takes overrides by name."""

from accounts.models import Plan, Subscription, User
from providers.models import AIProviderConfig


def make_user(email="user@example.com", *, plan=None, **overrides):
    """A user; on `plan` (slug) when given, else on the default plan."""
    user = User.objects.create_user(email, overrides.pop("password", "correct horse battery"), **overrides)
    if plan:
        Subscription.objects.create(user=user, plan=Plan.objects.get(slug=plan))
    return user


def make_config(*, api_key="sk-test-0123456789abcdef", **overrides):
    """An active provider; OpenAI unless told otherwise."""
    fields = {"provider_type": "openai", "model_name": "gpt-5-mini", "is_active": True} | overrides
    config = AIProviderConfig(**fields)
    config.set_api_key(api_key)
    config.save()
    return config
