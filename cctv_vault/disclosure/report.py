"""The custody report and the system's description: PDF/A that a court can read without us.

Owns the call of the typesetter; the pages themselves are ``report.typ`` and ``system.typ``. The
facts go in as JSON and never become source text, so nothing in a request or a file name can change
a page.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cctv_vault.disclosure.reportwords import (
    cause_words,
    particular_words,
    reason_words,
    time_source_words,
)
from cctv_vault.typesetting import typeset

_FOLDER: Final = Path(__file__).parent
_FORMAT: Final = ("container", "codec", "width", "height", "fps", "sound")


def make_report(record: Mapping[str, Any], acts: Sequence[Mapping[str, Any]]) -> bytes:
    """The report of a package as PDF/A-2b.

    Args:
        record: The package's record.
        acts: The custody entries in the package, in order, as rows of text.
    """
    zones = {camera["code"]: camera["zone"] for camera in record["cameras"]}
    data = dict(record) | {
        "acts": list(acts),
        "made_local": _local(record["made_at"], record["zone"]),
        "received_local": _local(record["request"]["received_at"], record["zone"]),
        "decided_local": _local(record["decision"]["at"], record["zone"]),
    }
    for name in ("asked", "approved", "gaps", "clips", "without_clip"):
        data[name] = [
            each
            | {
                key + "_local": _local(each[key], zones.get(each["camera"], record["zone"]))
                for key in ("from", "to", "delivered_from", "delivered_to")
                if key in each
            }
            for each in record[name]
        ]
    for name in ("frames", "without_frame"):
        data[name] = [
            each
            | {
                key + "_local": _local(each[key], zones[each["camera"]], "milliseconds")
                for key in ("at", "shown_from")
                if key in each
            }
            for each in record[name]
        ]
    data["recordings"] = [
        each
        | {
            "started_local": _local(each["started_at"], zones[each["camera"]]),
            "ended_local": _local(each["ended_at"], zones[each["camera"]]),
            "time_from": time_source_words(each["time_source"]),
            "corrections": [
                correction
                | {
                    "words": particular_words(correction["particular"]),
                    "at_local": _local(correction["at"], zones[each["camera"]]),
                }
                for correction in each["corrections"]
            ],
        }
        for each in record["recordings"]
    ]
    for name in ("without_clip", "without_frame", "withheld"):
        data[name] = [each | {"why": reason_words(each["reason"])} for each in data[name]]
    data["gaps"] = [each | {"why": cause_words(each["cause"])} for each in data["gaps"]]
    return _made("report.typ", data)


def make_system_description(record: Mapping[str, Any]) -> bytes:
    """What the footage was recorded by and with, on one page, as PDF/A-2b.

    Args:
        record: The package's record.
    """
    cameras = []
    for camera in record["cameras"]:
        mine = [each for each in record["recordings"] if each["camera"] == camera["code"]]
        formats = {tuple(each[name] for name in _FORMAT) for each in mine}
        cameras.append(
            camera
            | {
                "formats": [
                    dict(zip(_FORMAT, each, strict=True)) for each in sorted(formats, key=str)
                ]
            }
        )
    made = _local(record["made_at"], record["zone"])
    return _made("system.typ", dict(record) | {"cameras": cameras, "made_local": made})


def _made(template: str, data: Mapping[str, Any]) -> bytes:
    return typeset(_FOLDER / template, data, at=datetime.fromisoformat(data["made_at"]))


def _local(moment: str | None, zone: str, exactness: str = "seconds") -> str:
    if moment is None:
        return "–"
    at = datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
    return f"{at.replace(tzinfo=None).isoformat(' ', exactness)} {at:%Z}"
