"""The custody report: a PDF/A that an officer, a lawyer and a court can read without us.

Owns the call of the typesetter; the page itself is ``report.typ``. The facts go in as JSON and
never become source text, so nothing in a request or a file name can change the page.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import typst

_TEMPLATE: Final = Path(__file__).with_name("report.typ")


def make_report(record: Mapping[str, Any], acts: Sequence[Mapping[str, str]]) -> bytes:
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
    data["recordings"] = [
        each
        | {
            "started_local": _local(each["started_at"], zones[each["camera"]]),
            "ended_local": _local(each["ended_at"], zones[each["camera"]]),
        }
        for each in record["recordings"]
    ]
    pdf = typst.compile(
        _TEMPLATE.read_bytes(),
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=["a-2b"],
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=int(datetime.fromisoformat(record["made_at"]).timestamp()),
    )
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no single document")
    return pdf


def _local(moment: str | None, zone: str) -> str:
    if moment is None:
        return "–"
    return f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z}"
