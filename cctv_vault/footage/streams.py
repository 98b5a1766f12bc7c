"""Where the sealed streams of recordings lie, and what they are called."""

import re
from typing import Final

from storage.stream import StreamContext

ORIGINAL: Final = "original"
THUMBNAIL: Final = "thumbnail"
RENDITION: Final = "rendition"
MOTION: Final = "motion"
STRIP: Final = "strip"
VIEW: Final = "view"
"""The outline of the empty room (`health.views`)."""
QUARANTINE: Final = "quarantine"
"""The one stream of a quarantined file."""


BESIDE: Final = "beside"
"""What the streams of files begin with that lay beside a film, such as ``beside.jpg``."""


def beside_stream(suffix: str) -> str:
    """The stream of a file beside a film, by what follows the film's stem, such as ``.jpg``."""
    return BESIDE + re.sub(r"[^A-Za-z0-9.]", "_", suffix)[:40]


def blob_name(object_id: str, stream: str) -> str:
    """The name of a stream in the store; with an empty stream, what all of them begin with."""
    return f"{object_id[:2]}/{object_id}/{stream}"


def stream_context(vault_id: str, object_id: str, stream: str) -> StreamContext:
    """What a stream of a recording is bound to."""
    return StreamContext(vault_id, object_id, stream)
