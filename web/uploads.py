"""Files that a form brings: one, small, and held in memory alone.

Owns the parsing of such a form. A file is never laid down in a temporary file, where it would lie
in the clear: the fence bounds the whole form, and this keeps all of it in memory.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, BinaryIO, Final

from fastapi import Depends
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from cctv_vault.errors import InvalidInputError
from web.desk import ForgedFormError, Visit, visit_of
from web.pace import Pace, paced
from web.security import MAX_BODY_BYTES, is_form_token

_MOST_FIELDS: Final = 20
_PACE: Final = Pace(least=256 * 1024, whole_s=600)
"""A scanned page over a slow telephone is waited for; one that never ends is not."""


class _InMemory(MultiPartParser):
    """A parser whose files never leave memory; no form is larger than the fence lets through."""

    spool_max_size = 2 * MAX_BODY_BYTES


async def form_with_file(request: Request) -> AsyncIterator[FormData]:
    """The fields and the one file of a form, closed once it was answered.

    Raises:
        HTTPException: It is no such form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(415)
    try:
        data = await _InMemory(
            request.headers, _sent(request), max_files=1, max_fields=_MOST_FIELDS
        ).parse()
    except MultiPartException:
        raise HTTPException(400) from None
    except InvalidInputError:
        raise HTTPException(408) from None
    try:
        yield data
    finally:
        await data.close()


async def _sent(request: Request) -> AsyncGenerator[bytes]:
    """The body, as long as it keeps the pace: it is held in memory until all of it is there."""
    async for chunk in paced(request.stream(), _PACE):
        yield chunk


SentFile = Annotated[FormData, Depends(form_with_file)]


async def _posted(data: SentFile, visit: Annotated[Visit, Depends(visit_of)]) -> FormData:
    token = data.get("token", "")
    if not isinstance(token, str) or not is_form_token(token, visit.token):
        raise ForgedFormError
    return data


PostedFile = Annotated[FormData, Depends(_posted)]


def file_of(data: FormData) -> tuple[str, BinaryIO]:
    """The name and the bytes of the file that was sent.

    Raises:
        InvalidInputError: None was.
    """
    sent = data.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise InvalidInputError("choose a file first")
    return sent.filename, sent.file
