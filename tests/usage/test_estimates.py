import pytest
from pydantic import BaseModel

from providers.adapters.base import GenerationRequest, Image
from usage.quotas import estimate_input_tokens


class Posting(BaseModel):
    title: str
    company: str | None


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("", 16, id="only the frame"),
        pytest.param("a" * 300, 116, id="English: a token for three letters"),
        pytest.param("求" * 100, 116, id="Chinese: a token for each character"),
        pytest.param("ж" * 150, 116, id="Cyrillic"),
        pytest.param("a", 17, id="rounds up"),
    ],
)
def test_text_is_estimated_by_its_bytes(text, tokens):
    assert estimate_input_tokens(GenerationRequest(prompt=text)) == tokens


def test_the_system_prompt_the_images_and_the_schema_count_too():
    bare = estimate_input_tokens(GenerationRequest(prompt="a" * 300))
    picture = Image(data=b"", mime_type="image/png")

    assert estimate_input_tokens(GenerationRequest(prompt="a" * 300, system_prompt="b" * 300)) == bare + 100
    assert (
        estimate_input_tokens(GenerationRequest(prompt="a" * 300, images=(picture, picture))) == bare + 5_200
    )
    assert estimate_input_tokens(GenerationRequest(prompt="a" * 300, response_model=Posting)) > bare + 30
