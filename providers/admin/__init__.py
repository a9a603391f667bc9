"""The providers console: the list, the form, the API keys page, the capability matrix, and their buttons."""

from providers.admin.capabilities import ModelCapabilityAdmin
from providers.admin.config import AIProviderConfigAdmin

__all__ = ["AIProviderConfigAdmin", "ModelCapabilityAdmin"]
