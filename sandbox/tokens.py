"""How the sandbox counts: a plain deterministic tokeniser, and each vendor's published rule for images.

Text: every run of up to six letters or digits is a token, and so is every other visible character. English
prose comes out near four characters a token, as with the vendors' own tokenisers.
"""

import base64
import binascii
import hashlib
import io
import math
import re
from dataclasses import dataclass, field

from PIL import Image

_TOKEN = re.compile(r"\w{1,6}|[^\w\s]")


def count_tokens(text: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(text))


def first_tokens(text: str, limit: int) -> str:
    """The text up to and including its `limit`-th token; the whole text when it has no more than that."""
    for number, match in enumerate(_TOKEN.finditer(text), start=1):
        if number == limit:
            return text[: match.end()]
    return text


class UnreadableImage(Exception):
    """The bytes are not an image, or not base64."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the sandbox sees of an image: its size in pixels, a digest of its bytes, and the text it carries
    as metadata (PNG text chunks, EXIF ImageDescription). There is no eye behind this."""

    width: int
    height: int
    format: str
    digest: str
    caption: str = field(default="", repr=False)

    @classmethod
    def decode(cls, encoded: str) -> "Picture":
        """From standard or URL-safe base64. Raises UnreadableImage."""
        try:
            data = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
            with Image.open(io.BytesIO(data)) as image:
                texts = [value for value in image.info.values() if isinstance(value, str)]
                description = image.getexif().get(0x010E, "")
                texts.append(description if isinstance(description, str) else "")
                caption = "\n".join(filter(None, texts))
                digest = hashlib.sha256(data).hexdigest()[:8]
                return cls(image.width, image.height, image.format or "", digest, caption)
        except (binascii.Error, ValueError, OSError, Image.DecompressionBombError) as error:
            raise UnreadableImage from error


def openai_image_tokens(picture: Picture, *, low_detail: bool = False) -> int:
    """85, plus 170 for every 512-pixel tile after fitting into 2048 x 2048 and a short side of 768
    (https://platform.openai.com/docs/guides/images-vision, "Calculating costs", the tile-based models)."""
    if low_detail:
        return 85
    scale = min(1.0, 2048 / max(picture.width, picture.height))
    scale = min(scale, 768 / min(picture.width, picture.height))
    return 85 + 170 * math.ceil(picture.width * scale / 512) * math.ceil(picture.height * scale / 512)


def anthropic_image_tokens(picture: Picture) -> int:
    """Pixels / 750 after fitting the long side into 1568
    (https://docs.anthropic.com/en/docs/build-with-claude/vision, "Calculate image costs")."""
    scale = min(1.0, 1568 / max(picture.width, picture.height))
    return math.ceil(picture.width * scale * picture.height * scale / 750)


def gemini_image_tokens(picture: Picture) -> int:
    """258 when both sides are at most 384, else 258 for every 768-pixel tile
    (https://ai.google.dev/gemini-api/docs/tokens, "Multimodal tokens")."""
    if max(picture.width, picture.height) <= 384:
        return 258
    return 258 * math.ceil(picture.width / 768) * math.ceil(picture.height / 768)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, in parts that do not overlap; each wire adds them up as its vendor does."""

    fresh_input: int
    text_output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    tool_prompt: int = 0
    image_input: int = 0

    @property
    def input_total(self) -> int:
        return self.fresh_input + self.cache_read + self.cache_write

    @property
    def output_total(self) -> int:
        return self.text_output + self.reasoning
