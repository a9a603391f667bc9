"""Turns an uploaded file into a picture that is safe and cheap to show a model."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from extraction.errors import ImageTooLarge, NotAnImage
from providers.adapters.base import Image

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
# Vendors scale down to about this before reading, so more only costs transfer.
MAX_SIDE = 2048
# Beyond this a screenshot travels better as JPEG.
MAX_PNG_BYTES = 3 * 1024 * 1024
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def prepare(data: bytes) -> Image:
    """Verify by content (a name or a declared type proves nothing), decode, scale down, encode anew.

    The size is read from the header and refused before a pixel is decoded. Of an animation only the first
    frame is kept. Raises NotAnImage or ImageTooLarge.
    """
    if len(data) > MAX_BYTES:
        raise ImageTooLarge(details={"limit_bytes": MAX_BYTES})
    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise ImageTooLarge(details={"limit_pixels": MAX_PIXELS})
            return _encode(_normalise(opened))
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        # The warning arrives here only where a process turns warnings into errors; the size check covers it.
        raise ImageTooLarge(details={"limit_pixels": MAX_PIXELS}) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        # Pillow's decoders raise each of these for a damaged file.
        raise NotAnImage from error


def _normalise(opened: Pillow.Image) -> Pillow.Image:
    """Upright, without transparency (on white, as a page would show it), at most MAX_SIDE a side."""
    opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
    upright = ImageOps.exif_transpose(opened)
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        flat = Pillow.new("RGB", rgba.size, "white")
        flat.paste(rgba, mask=rgba.getchannel("A"))
    else:
        flat = upright.convert("RGB")
    flat.thumbnail((MAX_SIDE, MAX_SIDE), Pillow.Resampling.LANCZOS)
    return flat


def _encode(picture: Pillow.Image) -> Image:
    # A fresh image carries no EXIF, colour profile or text chunks.
    clean = Pillow.new("RGB", picture.size)
    clean.paste(picture)
    buffer = io.BytesIO()
    clean.save(buffer, "PNG", optimize=False)
    if buffer.tell() <= MAX_PNG_BYTES:
        return Image(data=buffer.getvalue(), mime_type="image/png")
    buffer = io.BytesIO()
    clean.save(buffer, "JPEG", quality=88)
    return Image(data=buffer.getvalue(), mime_type="image/jpeg")
