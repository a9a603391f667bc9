import io
import struct
import zlib

import pytest
from PIL import Image

from extraction.errors import ImageTooLarge, NotAnImage
from extraction.images import MAX_SIDE, prepare


def encoded(kind, size=(300, 200), mode="RGB", **options):
    buffer = io.BytesIO()
    Image.new(mode, size, "navy" if mode == "RGB" else 0).save(buffer, kind, **options)
    return buffer.getvalue()


def png_claiming(width, height):
    """A PNG of a few bytes whose header announces any size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_it_accepts_the_four_formats_and_hands_on_a_clean_one(kind):
    image = prepare(encoded(kind))

    assert image.mime_type == "image/png"
    assert Image.open(io.BytesIO(image.data)).size == (300, 200)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM"])
def test_it_refuses_other_formats(kind):
    with pytest.raises(NotAnImage):
        prepare(encoded(kind, size=(64, 64)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Job posting: cook wanted.",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\nnot really",
        encoded("JPEG")[:200],
        encoded("PNG")[:100],
        encoded("GIF")[:20],
        encoded("WEBP")[:40],
    ],
)
def test_it_refuses_what_is_not_a_whole_picture(data):
    with pytest.raises(NotAnImage):
        prepare(data)


@pytest.mark.parametrize(("width", "height"), [(8000, 5001), (60_000, 60_000), (2_000_000_000, 2)])
def test_it_refuses_too_many_pixels_by_the_header_alone(width, height):
    with pytest.raises(ImageTooLarge) as refused:
        prepare(png_claiming(width, height))

    assert refused.value.details == {"limit_pixels": 40_000_000}


def test_it_refuses_a_file_over_ten_megabytes():
    with pytest.raises(ImageTooLarge) as refused:
        prepare(encoded("PNG") + b"\0" * (10 * 1024 * 1024))

    assert refused.value.details == {"limit_bytes": 10 * 1024 * 1024}


@pytest.mark.slow
def test_a_bomb_in_a_text_chunk_is_refused():
    bomb = zlib.compress(b"a" * (100 * 1024 * 1024))
    data = b"comment\0\0" + bomb
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    png = encoded("PNG")

    with pytest.raises(NotAnImage):
        prepare(png[:33] + chunk + png[33:])


@pytest.mark.slow
def test_it_scales_down_and_keeps_the_proportions():
    image = prepare(encoded("JPEG", size=(6000, 3000)))

    assert Image.open(io.BytesIO(image.data)).size == (MAX_SIDE, MAX_SIDE // 2)


def test_it_drops_metadata_and_turns_the_picture_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "shot at home, 1.2921 S 36.8219 E"

    image = prepare(encoded("JPEG", size=(300, 200), exif=exif))

    reopened = Image.open(io.BytesIO(image.data))
    assert reopened.size == (200, 300)
    assert not reopened.getexif()
    assert b"shot at home" not in image.data


def test_transparency_becomes_white():
    buffer = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(buffer, "PNG")

    image = prepare(buffer.getvalue())

    assert Image.open(io.BytesIO(image.data)).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.slow
def test_a_picture_that_is_heavy_as_png_travels_as_jpeg():
    noise = Image.effect_noise((1800, 1800), 100).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=90)

    assert prepare(buffer.getvalue()).mime_type == "image/jpeg"
