"""How many tokens to hold before a call. Only reservations and calls that died are ever charged by these."""

from __future__ import annotations

import json
from functools import lru_cache

from pydantic import BaseModel

from providers.adapters.base import GenerationRequest

# OpenAI and Google both document "about four characters of English a token", Anthropic about 3.5. Three UTF-8
# bytes are a third more cautious for English and, because other scripts take two to four bytes a character,
# come to a token a character in Chinese or Thai, where a rule by characters would hold a quarter of the need.
BYTES_PER_TOKEN = 3

# Role markers and separators around the messages of one request.
FRAME_TOKENS = 16

# A page-sized picture at the dearest of the three vendors' published rules: OpenAI 1,536 patches x 1.62
# (gpt-5-mini) = 2,489; Google 258 for each 768-pixel tile; Anthropic width x height / 750, some 1,600 in all.
IMAGE_TOKENS = 2_600


def estimate_input_tokens(request: GenerationRequest) -> int:
    """Tokens the model will read, estimated high; add the request's `max_output_tokens` for a reservation."""
    size = len(request.prompt.encode()) + len(request.system_prompt.encode())
    if request.response_model is not None:
        size += _schema_bytes(request.response_model)
    return -(-size // BYTES_PER_TOKEN) + FRAME_TOKENS + IMAGE_TOKENS * len(request.images)


@lru_cache(maxsize=64)
def _schema_bytes(response_model: type[BaseModel]) -> int:
    return len(json.dumps(response_model.model_json_schema()).encode())
