"""The vendors Aditus speaks to. Model choices, env fallback, admin and factory all derive from this table."""

from __future__ import annotations

import gc
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from providers.adapters.base import AIProvider

if TYPE_CHECKING:
    from providers.adapters.batching import BatchAPI
    from providers.adapters.transport import HttpClient


@dataclass(frozen=True, slots=True)
class ProviderType:
    """`adapter` is a dotted path, imported on first use so that a process loads only the SDKs it calls.

    `key_pattern` is what a key of this vendor looks like (a format check, not proof). `price_id` is the
    vendor's id in genai-prices; empty means that prices come from the admin's own rows only.
    `telemetry_name` is what OpenTelemetry calls the vendor, and `host` where its API is.
    `base_url` is the vendor's home where the adapter, which speaks for several, knows none;
    `base_url_required` is for servers that have no public home. `largest_request` in bytes, as the vendor
    documents it; None where nobody does. `environment` begins the names of the variables that hold a key and
    models while no provider is stored; empty where there are none. `models` are the fast and the better one
    that are used then unless the variables name others. `service_tiers` are those of our policies that the
    vendor can be asked for; at Anthropic, who has bought priority has it unasked. `batches` is the adapter
    that speaks the vendor's batch API as well; empty where it has none.
    """

    slug: str
    label: str
    adapter: str
    colour: str
    key_pattern: str
    key_hint: str
    price_id: str = ""
    telemetry_name: str = ""
    host: str = ""
    base_url: str = ""
    base_url_required: bool = False
    largest_request: int | None = None
    environment: str = ""
    models: tuple[str, str] = ("", "")
    service_tiers: frozenset[str] = frozenset()
    batches: str = ""

    @property
    def key_variable(self) -> str:
        """The environment variable of the key; empty for a type that has none."""
        return f"{self.environment}_API_KEY" if self.environment else ""

    def key_looks_right(self, key: str) -> bool:
        return re.fullmatch(self.key_pattern, key) is not None


_TIERS = frozenset({"flex", "priority"})

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
            telemetry_name="gcp.gemini",
            host="generativelanguage.googleapis.com",
            # https://ai.google.dev/gemini-api/docs/image-understanding
            largest_request=20_000_000,
            environment="GEMINI",
            models=("gemini-2.5-flash", "gemini-2.5-pro"),
            service_tiers=_TIERS,
            batches="providers.adapters.gemini_batches.GeminiBatches",
        ),
        ProviderType(
            "openai",
            "OpenAI",
            "providers.adapters.openai.OpenAIProvider",
            "#10a37f",
            r"sk-[\w\-]{10,}",
            "starts with sk-",
            price_id="openai",
            telemetry_name="openai",
            host="api.openai.com",
            # https://platform.openai.com/docs/guides/images-vision
            largest_request=50_000_000,
            environment="OPENAI",
            models=("gpt-5-mini", "gpt-5"),
            service_tiers=_TIERS,
            batches="providers.adapters.openai_batches.OpenAIBatches",
        ),
        ProviderType(
            "claude",
            "Anthropic Claude",
            "providers.adapters.claude.ClaudeProvider",
            "#7c3aed",
            r"sk-ant-[\w\-]{10,}",
            "starts with sk-ant-",
            price_id="anthropic",
            telemetry_name="anthropic",
            host="api.anthropic.com",
            # https://docs.anthropic.com/en/api/errors
            largest_request=32_000_000,
            environment="ANTHROPIC",
            models=("claude-haiku-4-5", "claude-sonnet-4-5"),
            batches="providers.adapters.claude_batches.ClaudeBatches",
        ),
        ProviderType(
            "local",
            "OpenAI-compatible server",
            "providers.adapters.chat_completions.ChatCompletionsProvider",
            "#6b7280",
            r"\S{1,200}",
            "any text; a server without keys takes any",
            telemetry_name="local",
            base_url_required=True,
            service_tiers=_TIERS,
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
        path = PROVIDER_TYPES[provider_type].adapter
        is_new = path.rpartition(".")[0] not in sys.modules
        adapter: type[AIProvider] = import_string(path)
        if is_new:
            # An SDK is a hundred thousand objects that stay. Going through them stops all calls for a quarter
            # of a second, and the collector does so the more often, the more calls are in flight.
            gc.collect()
            gc.freeze()
        return adapter

    @staticmethod
    def batch_class(provider_type: str) -> type[BatchAPI]:
        """The adapter of a type's batch API. ImportError for a type that has none."""
        adapter: type[BatchAPI] = import_string(PROVIDER_TYPES[provider_type].batches)
        return adapter

    @staticmethod
    def create_batches(
        provider_type: str, *, api_key: str, model_name: str, base_url: str = "", timeout: float = 60.0
    ) -> BatchAPI:
        """One of them, to be closed."""
        return ProviderFactory.batch_class(provider_type)(
            vendor=provider_type,
            api_key=api_key,
            model_name=model_name,
            base_url=base_url or PROVIDER_TYPES[provider_type].base_url,
            timeout=timeout,
        )

    @classmethod
    def create_provider(
        cls,
        provider_type: str,
        *,
        api_key: str,
        model_name: str,
        base_url: str = "",
        timeout: float = 60.0,
        http_client: HttpClient | None = None,
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
