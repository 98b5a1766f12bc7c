"""What a camera's clock means for a picture, in words an officer understands. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cctv_vault.disclosure.legal import Words


@dataclass(frozen=True)
class FirstMeasurement:
    """A camera's first measurement: shown minus true time in seconds, when, and when entered."""

    offset_s: float
    measured_at: datetime
    recorded_at: datetime


def clock_words(  # noqa: PLR0917 - one argument for each thing that is told
    offset_s: float,
    uncertainty_s: float | None,
    measured_at: datetime | None,
    zone: str,
    taken_off: Collection[float] = (),
    first: FirstMeasurement | None = None,
) -> Words:
    """The clock statement of one camera.

    Args:
        offset_s: Shown time minus true time, seconds; negative where the clock is behind.
        uncertainty_s: Of that measurement, seconds; None where nobody measured.
        measured_at: When it was measured.
        zone: The zone the camera's times are told in.
        taken_off: What was taken off the times of its recordings as they were sealed, seconds: a
            time that was sealed before the measurement is not corrected by it.
        first: The first measurement, where recordings were sealed before it, with the camera's own
            times; ``taken_off`` is then of the others.
    """
    if uncertainty_s is None or measured_at is None:
        return Words(
            "Kamerans klocka har inte kontrollmätts. Angivna tider bygger på kamerans egna "
            "uppgifter och kan avvika från rätt tid.",
            "The camera's clock has not been measured. Times given rest on the camera's own and "
            "may differ from true time.",
        )
    at = f"{measured_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
    within_sv, within_en = _span(uncertainty_s, "sv"), _span(uncertainty_s, "en")
    before = sorted(each for each in taken_off if abs(each - offset_s) > uncertainty_s)
    if abs(offset_s) <= uncertainty_s:
        told = [
            Words(
                f"Kamerans klocka gick rätt inom {within_sv} (mätt {at}).",
                f"The camera's clock was right within {within_en} (measured {at}).",
            )
        ]
    else:
        wrong = _wrong(offset_s)
        told = [
            Words(
                f"Kamerans klocka gick {wrong.sv} rätt tid, ± {within_sv} (mätt {at}).",
                f"The camera's clock was {wrong.en}, ± {within_en} (measured {at}).",
            )
        ]
        if len(before) < len(taken_off) or not (taken_off or first):
            told.append(_corrected(offset_s, only_since=bool(before or first)))
    told += [_sealed_before(each, offset_s) for each in before]
    if first is not None:
        only = (first.measured_at, first.offset_s) == (measured_at, offset_s)
        day = f"{first.measured_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
        told.append(_sealed_before(0.0, first.offset_s, None if only else day))
    return Words(" ".join(each.sv for each in told), " ".join(each.en for each in told))


def _wrong(offset_s: float) -> Words:
    span, slow = abs(offset_s), offset_s < 0
    return Words(
        f"{_span(span, 'sv')} {'efter' if slow else 'före'}",
        f"{_span(span, 'en')} {'slow' if slow else 'fast'}",
    )


def _corrected(offset_s: float, *, only_since: bool) -> Words:
    span, slow = abs(offset_s), offset_s < 0
    sv = "Tider som togs emot därefter" if only_since else "Tiderna i paketet"
    en = "Times of what was taken in after that" if only_since else "Times in this package"
    return Words(
        f"{sv} är rättade: tiden i bild är {_span(span, 'sv')} "
        f"{'tidigare' if slow else 'senare'} än den verkliga.",
        f"{en} are corrected: the time in the picture is {_span(span, 'en')} "
        f"{'earlier' if slow else 'later'} than the true one.",
    )


def _sealed_before(taken_off: float, offset_s: float, first: str | None = None) -> Words:
    """What a time is worth that was sealed under another measurement, or under none.

    ``first`` is when the clock was measured first, where that was not the measurement told of.
    """
    then = "den" if first else "mätningen"
    that = Words(
        f"den första mätningen ({first})" if first else "mätningen",
        f"the first measurement ({first})" if first else "the measurement",
    )
    wrong, late = _wrong(taken_off), taken_off > offset_s
    span = abs(taken_off - offset_s)
    how = (
        Words(
            f"rättade efter en tidigare mätning, {wrong.sv} rätt tid",
            f"were corrected by an earlier one, {wrong.en}",
        )
        if taken_off
        else Words("inte rättade: de är kamerans egna", "are not corrected: they are the camera's")
    )
    return Words(
        f"Tider för bilder som togs emot före {that.sv} är {how.sv}. Gick klockan redan då som vid "
        f"{then} visar de vad som hände {_span(span, 'sv')} {'senare' if late else 'tidigare'} "
        "än tiden anger.",
        f"Times of pictures taken in before {that.en} {how.en}. If the clock ran then as it "
        f"was measured, they show what happened {_span(span, 'en')} "
        f"{'later' if late else 'earlier'} than the time says.",
    )


def _span(seconds: float, language: str) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    hour = "tim" if language == "sv" else "h"
    parts = [
        text for count, text in ((hours, f"{hours} {hour}"), (minutes, f"{minutes} min")) if count
    ]
    if secs or not parts:
        parts.append(f"{secs} s" if whole or seconds == 0 else "1 s")
    return " ".join(parts)
