"""A paragraph to paste into a police report, in the words the police ask for. Pure.

It names cameras, times with their zone and doubt, gaps, the reference and until when the footage is
kept. It names no person, and nothing of what the house wrote about the incident.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Filmed:
    """One camera of an incident: its name, and how far off its clock may be in seconds, if known.

    ``gaps`` are the stretches of the window it has no footage of.
    """

    name: str
    place: str
    uncertainty_s: float | None
    gaps: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class Case:
    """What a report says of an incident; ``kind`` is its category in Swedish."""

    reference: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    until: datetime | None
    report_number: str | None
    recordings: int


_MINUTE: Final = 60


def paragraph(case: Case, cameras: Sequence[Filmed], *, controller: str, zone: str) -> str:
    """The paragraph, in Swedish: it goes to a Swedish authority."""
    where = "; ".join(
        each.name + (f" ({each.place})" if each.place else "") + f", {_clock(each)}"
        for each in cameras
    )
    many = "inspelning" if case.recordings == 1 else "inspelningar"
    span = _span(case.starts_at, case.ends_at, zone)
    words = [
        f"{controller} har kameraövervakning.",
        f"Händelsen ({case.kind}) har beteckningen {case.reference} i vårt arkiv.",
        f"Material finns från {span}, {case.recordings} {many}. Kameror: {where}.",
        *_missing(cameras, zone),
    ]
    if case.report_number is not None:
        words.append(f"Tidigare anmälan: {case.report_number}.")
    if case.until is not None:
        words += [
            f"Materialet sparas till {_moment(case.until, zone)} och gallras sedan automatiskt.",
            "Det lämnas ut på begäran (2 kap. 5 § lagen 2018:218) eller efter beslut;",
            "ange beteckningen. Behöver det finnas kvar längre, hör av er före dess.",
        ]
    return " ".join(words)


def _clock(camera: Filmed) -> str:
    if camera.uncertainty_s is None:
        return "klockan har aldrig kontrollerats och kan gå upp till 75 minuter fel"
    if camera.uncertainty_s < _MINUTE:
        return f"klockan är kontrollerad, ± {camera.uncertainty_s:g} s"
    return f"klockan är kontrollerad, ± {camera.uncertainty_s / _MINUTE:.0f} min"


def _missing(cameras: Sequence[Filmed], zone: str) -> Iterable[str]:
    gaps = [
        f"{each.name} {_span(start, end, zone)}" for each in cameras for start, end in each.gaps
    ]
    if gaps:
        yield f"Material saknas: {'; '.join(gaps)}."


def _span(start: datetime, end: datetime, zone: str) -> str:
    first, last = (each.astimezone(ZoneInfo(zone)) for each in (start, end))
    if first.date() == last.date() and first.utcoffset() == last.utcoffset():
        return f"{first:%Y-%m-%d %H:%M:%S}–{last:%H:%M:%S} ({_zone(last)})"
    return f"{_moment(start, zone)}–{_moment(end, zone)}"


def _moment(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S} ({_zone(local)})"


def _zone(local: datetime) -> str:
    offset = local.isoformat()[-6:]
    return {"+01:00": "svensk normaltid", "+02:00": "svensk sommartid"}.get(offset, f"UTC{offset}")
