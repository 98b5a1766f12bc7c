"""Which windows of which cameras an archive's files need a hold for. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cctv_vault.ingest.outcomes import Preview

_STILL: Final = timedelta(seconds=1)
# Clips of a moving thing come one after another; what lies between them is not another matter.
_TOGETHER: Final = timedelta(hours=1)


def late_windows(previews: Iterable[Preview]) -> tuple[tuple[str, datetime, datetime], ...]:
    """Camera, from and to (exclusive) of what is past its purposes; close ones become one."""
    spans = sorted(
        (each.camera, each.started_at, max(each.ended_at, each.started_at + _STILL))
        for each in previews
        if each.outcome == "late" and each.camera and each.started_at and each.ended_at
    )
    windows: list[tuple[str, datetime, datetime]] = []
    for camera, start, end in spans:
        if windows and windows[-1][0] == camera and start <= windows[-1][2] + _TOGETHER:
            windows[-1] = (camera, windows[-1][1], max(windows[-1][2], end))
        else:
            windows.append((camera, start, end))
    return tuple(windows)
