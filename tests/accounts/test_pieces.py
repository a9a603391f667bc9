"""An answer that is made while it is sent, under ASGI as under WSGI."""

import warnings

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient

from accounts.pieces import FileInPieces, Pieces
from accounts.tokens import issue_pair

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def making():
    made = []

    def pieces():
        for number in range(3):
            made.append(number)
            yield f"{number}"

    return made, pieces()


async def test_a_piece_is_made_when_it_is_asked_for(making):
    made, pieces = making
    answer = aiter(Pieces(pieces))

    assert await anext(answer) == b"0"
    assert made == [0]
    assert [piece async for piece in answer] == [b"1", b"2"]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
async def test_djangos_own_makes_them_all_first(making):
    """The negative control."""
    made, pieces = making

    assert await anext(aiter(StreamingHttpResponse(pieces))) == b"0"
    assert made == [0, 1, 2]


def test_a_server_without_a_loop_takes_them_too(making):
    assert b"".join(Pieces(making[1])) == b"012"


async def test_a_file_goes_out_in_blocks(tmp_path):
    size = FileInPieces.block_size
    path = tmp_path / "large"
    path.write_bytes(b"x" * (2 * size + 1))

    answer = FileInPieces(path.open("rb"))
    pieces = [len(piece) async for piece in answer]
    answer.close()

    assert pieces == [size, size, 1]


def test_no_answer_that_comes_in_pieces_is_held_whole(user):
    """Django warns of those that are."""
    headers = {"Authorization": f"Bearer {issue_pair(user=user, verified_at=None)['access']}"}

    async def fetched():
        response = await AsyncClient().get("/api/v1/me/export", headers=headers)
        return response.status_code, b"".join([piece async for piece in response])

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="StreamingHttpResponse must consume")
        status, archive = async_to_sync(fetched)()

    assert (status, archive[:2]) == (200, b"PK")
