"""What runs in the other process: PDF bytes on standard input, one JSON object on standard output.

Imports nothing of this project, so that it starts quickly and can be held to little memory.
"""

import base64
import io
import json
import resource
import sys

import pypdfium2

# FPDF_ERR_PASSWORD of its C interface.
PASSWORD_NEEDED = 4
MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 15
MAX_CHARACTERS = 200_000
# Fewer characters a page than this are a page number or a scanner's stamp.
LEAST_TEXT = 60
MAX_SIDE = 2000
MAX_PIXELS = 4_000_000


def main(max_pages: int, max_pictures: int) -> dict[str, object]:
    content = sys.stdin.buffer.read()
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        return {"refused": "encrypted" if getattr(error, "err_code", 0) == PASSWORD_NEEDED else "damaged"}
    if len(document) > max_pages:
        return {"refused": "pages"}
    texts = [_text(document[number]) for number in range(len(document))]
    text = "\n\n".join(texts)[:MAX_CHARACTERS]
    if len(text.strip()) >= LEAST_TEXT:
        return {"text": text}
    shown = range(min(len(document), max_pictures))
    return {"pictures": [_picture(document[number]) for number in shown], "pages": len(document)}


def _text(page: pypdfium2.PdfPage) -> str:
    # PDFium gives a hyphen that ends a line, together with the line's end, as U+0002 or U+FFFE.
    return (
        str(page.get_textpage().get_text_range())
        .replace("\r\n", "\n")
        .replace("\x02", "-\n")
        .replace("\ufffe", "-\n")
    )


def _picture(page: pypdfium2.PdfPage) -> str:
    width, height = page.get_size()
    scale = min(MAX_SIDE / max(width, height, 1), 3.0)
    if width * height * scale * scale > MAX_PIXELS:
        scale = (MAX_PIXELS / (width * height)) ** 0.5
    picture = page.render(scale=scale).to_pil().convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    json.dump(main(int(sys.argv[1]), int(sys.argv[2])), sys.stdout)
