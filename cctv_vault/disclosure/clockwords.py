"""What a camera's clock means for a picture, in words an officer understands. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from cctv_vault.disclosure.legal import Words


def clock_words(
    offset_s: float, uncertainty_s: float | None, measured_at: datetime | None, zone: str
) -> Words:
    """The clock statement of one camera.

    Args:
        offset_s: Shown time minus true time, seconds; negative where the clock is behind.
        uncertainty_s: Of that measurement, seconds; None where nobody measured.
        measured_at: When it was measured.
        zone: The zone the camera's times are told in.
    """
    if uncertainty_s is None or measured_at is None:
        return Words(
            "Kamerans klocka har inte kontrollmätts. Angivna tider bygger på kamerans egna "
            "uppgifter och kan avvika från rätt tid.",
            "The camera's clock has not been measured. Times given rest on the camera's own and "
            "may differ from true time.",
        )
    at = f"{measured_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
    span_sv, span_en = _span(abs(offset_s), "sv"), _span(abs(offset_s), "en")
    within_sv, within_en = _span(uncertainty_s, "sv"), _span(uncertainty_s, "en")
    if abs(offset_s) <= uncertainty_s:
        return Words(
            f"Kamerans klocka gick rätt inom {within_sv} (mätt {at}).",
            f"The camera's clock was right within {within_en} (measured {at}).",
        )
    slow = offset_s < 0
    return Words(
        f"Kamerans klocka gick {span_sv} {'efter' if slow else 'före'} rätt tid, ± {within_sv} "
        f"(mätt {at}). Tiderna i paketet är rättade: tiden i bild är {span_sv} "
        f"{'tidigare' if slow else 'senare'} än den verkliga.",
        f"The camera's clock was {span_en} {'slow' if slow else 'fast'}, ± {within_en} (measured "
        f"{at}). Times in this package are corrected: the time in the picture is {span_en} "
        f"{'earlier' if slow else 'later'} than the true one.",
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
