"""What the vendors are asked in this suite, and how their answers are collected."""

import io
from decimal import Decimal
from typing import Literal

import pytest
from PIL import Image as Pillow
from pydantic import BaseModel

from providers.adapters.base import GenerationRequest, Image
from providers.errors import ProviderError
from tests.waiting import until

PROMPT = "Title: Welder\nCompany: Brückner & Söhne\nLocation: Kassel\nSalary: 41,500 EUR per year"


class Posting(BaseModel):
    title: str | None = None
    company: str | None = None
    location: str | None = None
    salary: Decimal | None = None
    seniority: Literal["junior", "senior"] | None = None
    skills: list[str] = []


def ask(prompt=PROMPT, **fields):
    return GenerationRequest(prompt=prompt, **fields)


def png(width=64, height=48):
    buffer = io.BytesIO()
    Pillow.new("RGB", (width, height), "navy").save(buffer, "PNG")
    return Image(data=buffer.getvalue(), mime_type="image/png")


async def failure_of(awaitable):
    with pytest.raises(ProviderError) as caught:
        await awaitable
    return caught.value


async def collect(stream):
    items = [item async for item in stream]
    return items[:-1], items[-1]


async def broken(stream):
    """The items of a stream that must end in a ProviderError, and the error."""
    items = []
    try:
        async for item in stream:
            items.append(item)
    except ProviderError as error:
        return items, error
    pytest.fail("the stream did not break")


async def until_hits(sandbox, *, in_flight):
    """Wait until this many calls are at the vendor; fail the test if they never are."""
    await until(lambda: sandbox.hits()["in_flight"] == in_flight, else_say=f"never {in_flight} in flight")
