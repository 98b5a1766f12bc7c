"""Who sends too slowly is not waited for."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.types import Message

from cctv_vault.errors import InvalidInputError
from web.films import SentFilm
from web.pace import Pace, paced

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/requests/B-1/masked",
    "query_string": b"",
    "headers": [
        (b"content-type", b"multipart/form-data; boundary=x"),
        (b"content-length", b"4711"),
    ],
}
BEGUN = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="m.mp4"\r\n\r\n'
    b"\x00\x00\x00\x18ftypisom"
)


async def all_of(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def sent(*chunks: bytes, forever: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk
    if forever:
        await asyncio.Event().wait()


def test_what_keeps_the_pace_comes_whole() -> None:
    assert asyncio.run(all_of(paced(sent(b"one", b"two")))) == b"onetwo"


def test_a_sender_who_stands_still_is_not_waited_for() -> None:
    with pytest.raises(InvalidInputError, match="too slowly"):
        asyncio.run(all_of(paced(sent(b"one", forever=True), Pace(still_s=0.01))))


def test_drops_that_never_end_are_not_waited_for_either() -> None:
    drops = sent(*[b"."] * 100)
    with pytest.raises(InvalidInputError, match="too slowly"):
        asyncio.run(all_of(paced(drops, Pace(window_s=0, least=1024))))
    with pytest.raises(InvalidInputError, match="too slowly"):
        asyncio.run(all_of(paced(sent(*[b"."] * 100), Pace(whole_s=0))))


def test_a_film_whose_sender_stops_frees_the_thread_that_seals_it() -> None:
    messages: list[Message] = [{"type": "http.request", "body": BEGUN, "more_body": True}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def sealing() -> None:
        film = SentFilm(Request(dict(SCOPE), receive), Pace(still_s=0.01))
        await film.begin()
        assert (film.name, film.announced) == ("m.mp4", 4711)
        reader = film.reader()

        def seal() -> bytes:
            read = b""
            while chunk := reader.read(1 << 20):
                read += chunk
            return read

        with pytest.raises(InvalidInputError, match="too slowly"):
            await asyncio.to_thread(seal)
        # Nor is it waited for once more, to tell it why.
        await film.drain(1 << 20)

    asyncio.run(sealing())
