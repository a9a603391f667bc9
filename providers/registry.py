"""The vendors Aditus speaks to. Model choices, env fallback, admin and factory all derive from this table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from providers.adapters.base import AIProvider

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, slots=True)
class ProviderType:
    """`adapter` is a dotted path, imported on first use so that a process loads only the SDKs it calls.

    `key_pattern` is what a key of this vendor looks like (a format check, not proof). `price_id` is the
    vendor's id in genai-prices; empty means that prices come from the admin's own rows only.
    `base_url` is the vendor's home where the adapter, which speaks for several, knows none;
    `base_url_required` is for servers that have no public home. `largest_request` in bytes, as the vendor
    documents it; None where nobody does. `environment` begins the names of the variables that hold a key and
    models while no provider is stored; empty where there are none. `models` are the fast and the better one
    that are used then unless the variables name others.
    """

    slug: str
    label: str
    adapter: str
    colour: str
    key_pattern: str
    key_hint: str
    price_id: str = ""
    base_url: str = ""
    base_url_required: bool = False
    largest_request: int | None = None
    environment: str = ""
    models: tuple[str, str] = ("", "")

    @property
    def key_variable(self) -> str:
        """The environment variable of the key; empty for a type that has none."""
        return f"{self.environment}_API_KEY" if self.environment else ""

    def key_looks_right(self, key: str) -> bool:
        return re.fullmatch(self.key_pattern, key) is not None


# Keys from the environment are tried in this order.
PROVIDER_TYPES: dict[str, ProviderType] = {
    kind.slug: kind
    for kind in (
        ProviderType(
            "gemini",
            "Google Gemini",
            "providers.adapters.gemini.GeminiProvider",
            "#1a73e8",
            r"[\w.\-]{20,}",
            "letters, digits, - and _, at least 20 of them",
            price_id="google",
            # https://ai.google.dev/gemini-api/docs/image-understanding
            largest_request=20_000_000,
            environment="GEMINI",
            models=("gemini-2.5-flash", "gemini-2.5-pro"),
        ),
        ProviderType(
            "openai",
            "OpenAI",
            "providers.adapters.openai.OpenAIProvider",
            "#10a37f",
            r"sk-[\w\-]{10,}",
            "starts with sk-",
            price_id="openai",
            # https://platform.openai.com/docs/guides/images-vision
            largest_request=50_000_000,
            environment="OPENAI",
            models=("gpt-5-mini", "gpt-5"),
        ),
        ProviderType(
            "claude",
            "Anthropic Claude",
            "providers.adapters.claude.ClaudeProvider",
            "#7c3aed",
            r"sk-ant-[\w\-]{10,}",
            "starts with sk-ant-",
            price_id="anthropic",
            # https://docs.anthropic.com/en/api/errors
            largest_request=32_000_000,
            environment="ANTHROPIC",
            models=("claude-haiku-4-5", "claude-sonnet-4-5"),
        ),
        ProviderType(
            "local",
            "OpenAI-compatible server",
            "providers.adapters.chat_completions.ChatCompletionsProvider",
            "#6b7280",
            r"\S{1,200}",
            "any text; a server without keys takes any",
            base_url_required=True,
        ),
    )
}


def provider_choices() -> list[tuple[str, str]]:
    return [(kind.slug, kind.label) for kind in PROVIDER_TYPES.values()]


def key_variables() -> tuple[str, ...]:
    """The environment variables that hold keys, in the order in which they are tried."""
    return tuple(kind.key_variable for kind in PROVIDER_TYPES.values() if kind.key_variable)


class ProviderFactory:
    """Makes the adapter of a provider type."""

    @staticmethod
    def adapter_class(provider_type: str) -> type[AIProvider]:
        """KeyError for a type that is not registered."""
        adapter: type[AIProvider] = import_string(PROVIDER_TYPES[provider_type].adapter)
        return adapter

    @classmethod
    def create_provider(
        cls,
        provider_type: str,
        *,
        api_key: str,
        model_name: str,
        base_url: str = "",
        timeout: float = 60.0,
        http_client: httpx2.AsyncClient | None = None,
    ) -> AIProvider:
        """An adapter of one's own, to be closed; or one over lent connections (see `providers.pool`)."""
        return cls.adapter_class(provider_type)(
            vendor=provider_type,
            api_key=api_key,
            model_name=model_name,
            base_url=base_url or PROVIDER_TYPES[provider_type].base_url,
            timeout=timeout,
            http_client=http_client,
        )
