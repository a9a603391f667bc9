"""The photo of a profile, when the profile itself holds it."""

from __future__ import annotations

import base64
import binascii
import io
import re
from typing import Any

from PIL import Image

from extraction.errors import ImageTooLarge, NotAnImage
from extraction.images import prepare

_DATA_URL = re.compile(r"^data:image/(?:png|jpeg|webp|gif);base64,(?P<bytes>[A-Za-z0-9+/=\s]+)$")
_SIDE = 480


def photo_in(resume: dict[str, Any]) -> bytes | None:
    """`basics.image` as a small JPEG without what the camera wrote into it.

    None when it is no `data:` URL with a readable picture: an address is never fetched, since making a file
    for an employer must not call home."""
    match = _DATA_URL.match(str(resume.get("basics", {}).get("image") or "").strip())
    if match is None:
        return None
    try:
        clean = prepare(base64.b64decode(match["bytes"]))
    except (NotAnImage, ImageTooLarge, binascii.Error):
        return None
    out = io.BytesIO()
    with Image.open(io.BytesIO(clean.data)) as picture:
        small = picture.convert("RGB")
        small.thumbnail((_SIDE, _SIDE))
        small.save(out, "JPEG", quality=85)
    return out.getvalue()
