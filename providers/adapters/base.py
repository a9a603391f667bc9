"""The contract between the orchestrator and a vendor: values in, values out, and the class to implement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel

from providers.adapters.conversation import ToolBox, ToolCall, Turn, bytes_of
from providers.adapters.manner import PLAIN, Manner
from providers.credentials.keys import flaw_of, lookalike
from providers.errors import ErrorKind, ProviderError

if TYPE_CHECKING:
    from providers.adapters.credential_check import CredentialCheck
    from providers.adapters.transport import HttpClient


# Ten times the largest window that any vendor sells: what is above it is no count of one call.
MOST_TOKENS = 100_000_000


@dataclass(frozen=True, slots=True)
class Image:
    """A picture to show the model. `mime_type` is what the bytes were verified to be."""

    data: bytes = field(repr=False)
    mime_type: str


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One question to a model. `max_output_tokens` includes reasoning tokens where a vendor counts them so.

    `history` is what was said before the prompt; after the outcome of a tool the prompt may be empty.
    `temperature` and `top_p` are wishes: they are left out for models that take none. The answer ends before
    the first of `stop`. `structured_by_prompt` is for models without structured output of their own: the
    schema of `response_model` goes into the prompt instead. `without` names what this model does not take
    (`providers.capabilities.parameters`). `stable`: so many letters of the prompt will come again.
    """

    prompt: str = field(repr=False)
    system_prompt: str = field(default="", repr=False)
    images: tuple[Image, ...] = field(default=(), repr=False)
    response_model: type[BaseModel] | None = None
    max_output_tokens: int = 2048
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    history: tuple[Turn, ...] = field(default=(), repr=False)
    toolbox: ToolBox | None = None
    structured_by_prompt: bool = False
    without: frozenset[str] = frozenset()
    manner: Manner = PLAIN
    stable: int = 0

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The whole conversation, the prompt as its last turn."""
        if self.history and not self.prompt and not self.images:
            return self.history
        return (*self.history, Turn("user", self.prompt, self.images))

    @property
    def pictures(self) -> tuple[Image, ...]:
        """All of the conversation."""
        return tuple(image for turn in self.turns for image in turn.images)

    @property
    def text_bytes(self) -> int:
        """UTF-8 bytes of all that the model reads beside pictures and a form."""
        return len(self.system_prompt.encode(errors="surrogatepass")) + bytes_of(self.turns, self.toolbox)

    @property
    def size(self) -> int:
        """Bytes that it takes at least on its way, pictures written as text."""
        return self.text_bytes + sum(len(image.data) * 4 // 3 for image in self.pictures)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call in one convention for all vendors (OpenTelemetry GenAI's: input includes cached).

    `input_tokens` is everything the model read, cache reads, cache writes and tool prompts included;
    `cached_tokens` (read) and `cache_write_tokens` are parts of it, `cache_write_1h_tokens` the part of the
    latter that is kept for an hour at a price of its own. `output_tokens` is everything it wrote, reasoning
    included; `reasoning_tokens` is the part of it that was thought. `extras` names what the vendor bills
    beside these tokens, or at another price than text (sound, pictures, searches). ValueError for counts
    that cannot be.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_1h_tokens: int = 0
    extras: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts: tuple[object, ...] = (
            self.input_tokens, self.output_tokens, self.cached_tokens,
            self.cache_write_tokens, self.reasoning_tokens, self.cache_write_1h_tokens,
        )  # fmt: skip
        for count in counts:
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise ValueError("token counts are whole numbers from 0 on")
        if self.cache_write_1h_tokens > self.cache_write_tokens:
            raise ValueError("what is cached for an hour is part of what is cached")
        if self.cached_tokens + self.cache_write_tokens > self.input_tokens:
            raise ValueError("cached tokens are part of the input and cannot exceed it")
        if self.reasoning_tokens > self.output_tokens:
            raise ValueError("reasoning tokens are part of the output and cannot exceed it")

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def is_plausible(self) -> bool:
        """Whether one call can have used so much."""
        return self.total_tokens <= MOST_TOKENS


@dataclass(frozen=True, slots=True)
class ProviderReply:
    """What a vendor answered. `usage` is None when the vendor reported none, or none that can be true;
    nobody here guesses.

    `parsed` is an instance of the request's `response_model` when one was asked for. `model_name` is the
    model the vendor says it used. `finish_reason` is "stop", "length" (cut off at `max_output_tokens`) or the
    vendor's own word. `service_tier` is the vendor's own word where the price may depend on it. `tool_calls`
    are what the model asks for in place of an answer, or beside one.
    """

    text: str = field(repr=False)
    usage: TokenUsage | None
    model_name: str
    parsed: BaseModel | None = field(default=None, repr=False)
    finish_reason: str = ""
    vendor_request_id: str = ""
    service_tier: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in a vendor's list, with what the list says of it; None is what it does not say. Sizes in
    tokens. `is_retired`: the vendor lists it, but answers no call to it any more."""

    name: str
    vision: bool | None = None
    structured_output: bool | None = None
    streaming: bool | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    is_retired: bool = False


class AIProvider(ABC):
    """One API, as `vendor` speaks it. Holds a key, a model and a timeout (seconds, for the whole call); knows
    nothing of settings, database, quotas or prices, never retries, never logs.

    Bound to the event loop it is first used on. `http_client` lends it the connections of that loop
    (`providers.pool` does so); without one it opens its own and closes them in `aclose`.
    """

    # What a request to this API can be made without (`providers.capabilities.parameters.Parameter`).
    optional: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        vendor: str,
        api_key: str,
        model_name: str,
        base_url: str = "",
        timeout: float = 60.0,
        http_client: HttpClient | None = None,
    ) -> None:
        # Late, so that describing a call does not load the HTTP stack.
        from providers.adapters.transport import UNREACHABLE, HttpClient, can_be_reached

        self.vendor = vendor
        self.model_name = model_name
        self.base_url = base_url if not base_url or can_be_reached(base_url) else UNREACHABLE
        self.timeout = timeout
        self._owns_connections = http_client is None
        self._http = http_client or HttpClient()
        self._api_key = api_key
        self._key_flaw = flaw_of(api_key)
        self._connect(api_key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.model_name}>"

    @property
    def takes_temperature(self) -> bool:
        """Whether the API has a word for it, as far as this model is concerned."""
        return True

    @property
    def thinks_unseen(self) -> bool:
        """Whether the model may have thought, at a price, before the first word of an answer whose vendor
        counts thoughts only at its end."""
        return False

    @abstractmethod
    def _connect(self, api_key: str) -> None:
        """Make the SDK's client over `self._http`: one attempt a call, the key in a header, nothing taken
        from the environment."""

    async def generate_content(self, request: GenerationRequest) -> ProviderReply:
        """Ask once, over exactly one HTTP request.

        Raises ProviderError for all that the vendor or the network did; anything else is a bug of ours.
        """
        self._refuse_flawed_key()
        from providers.adapters import by_prompt, replies

        if not request.structured_by_prompt:
            return replies.cut(await self._generate(request), request.stop)
        reply = await self._generate(by_prompt.asked(request))
        return by_prompt.understood(reply, request, vendor=self.vendor)

    def stream_content(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        """Ask once and yield text as it comes; the last item is the complete ProviderReply.

        Raises ProviderError like `generate_content`, also after text was yielded (a stream that was cut). The
        caller closes the iterator (`contextlib.aclosing`) when it stops early; that ends the HTTP request.
        """
        self._refuse_flawed_key()
        from providers.adapters import by_prompt, replies
        from providers.adapters.reading import cleaned_pieces

        if not request.structured_by_prompt:
            stream = cleaned_pieces(self._stream(request))
            return replies.cut_pieces(stream, request.stop) if request.stop else stream
        stream = cleaned_pieces(self._stream(by_prompt.asked(request)))
        return by_prompt.understood_at_the_end(stream, request, vendor=self.vendor)

    @abstractmethod
    async def _generate(self, request: GenerationRequest) -> ProviderReply:
        """`generate_content` in the vendor's own words; a `response_model` goes by its structured output."""

    @abstractmethod
    def _stream(self, request: GenerationRequest) -> AsyncGenerator[str | ProviderReply]:
        """`stream_content` in the vendor's own words."""

    async def list_models(self) -> tuple[ListedModel, ...]:
        """The models the key may use (first page) and what the vendor says of them, by a request that costs
        nothing. Raises ProviderError."""
        from providers.adapters.listings import presentable

        self._refuse_flawed_key()
        return presentable(await self._list_models())

    @abstractmethod
    async def _list_models(self) -> tuple[ListedModel, ...]:
        """`list_models` in the vendor's own words."""

    async def missing_api(self) -> str:
        """That the server at the base URL does not speak the adapter's API, as a sentence; empty when it does
        or when nobody need ask. Costs nothing. Raises ProviderError for any other refusal."""
        return ""

    async def validate_credentials(self) -> CredentialCheck:
        """Check the key by free requests, within `timeout`. Never raises for what the vendor did."""
        from providers.adapters import key_proof

        return await key_proof.checked(self)

    def with_wrong_key(self) -> Self | None:
        """The same address and connections with a key that looks like this one and cannot work; not to be
        closed. None when there is no key."""
        if not self._api_key:
            return None
        return type(self)(
            vendor=self.vendor,
            api_key=lookalike(self._api_key),
            model_name=self.model_name,
            base_url=self.base_url,
            timeout=self.timeout,
            http_client=self._http,
        )

    def _refuse_flawed_key(self) -> None:
        if self._key_flaw:
            raise ProviderError(ErrorKind.AUTH, self._key_flaw, vendor=self.vendor, may_have_cost=False)

    async def aclose(self) -> None:
        """Close the connections, unless they were lent."""
        if self._owns_connections:
            await self._http.aclose()
