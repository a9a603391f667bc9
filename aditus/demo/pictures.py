"""A posting as somebody would photograph it from a notice board."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

_LINES = (
    (40, "Accountant"),
    (26, "Company: Tausi Traders"),
    (26, "Location: Kisumu, Kenya"),
    (26, "Employment type: Full-time"),
    (26, "Salary: KES 90,000 per month"),
    (22, "You keep the books of three shops, close the month within"),
    (22, "five working days and file VAT returns. CPA (K) required."),
)


def posting_picture() -> bytes:
    """The notice as PNG."""
    picture = Image.new("RGB", (900, 420), "white")
    draw = ImageDraw.Draw(picture)
    top = 30
    for size, line in _LINES:
        draw.text((40, top), line, fill="black", font=ImageFont.load_default(size))
        top += int(size * 1.7)
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
