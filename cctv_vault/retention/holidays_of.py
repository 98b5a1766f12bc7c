"""Public holidays, computed: a thin wrapper, so that the rules get plain sets of closed days."""

from datetime import date
from functools import cache
from typing import Any

import holidays

from cctv_vault.errors import InvalidInputError


@cache
def closed_days(country: str, year: int) -> frozenset[date]:
    """The public holidays of a year, with the eves on which shops are closed by custom.

    Midsummer Eve, Christmas Eve and New Year's Eve are no public holidays in Sweden, but nobody
    looks at footage on them. Sundays are a matter of the site's opening hours.

    Raises:
        InvalidInputError: Nothing is known of that country's holidays.
    """
    try:
        supported = holidays.country_holidays(country).supported_categories
        wanted = tuple(each for each in ("public", "de_facto") if each in supported)
        # Sweden's list counts every Sunday as a holiday unless told not to.
        options: dict[str, Any] = {"include_sundays": False} if country == "SE" else {}
        return frozenset(
            holidays.country_holidays(country, years=year, categories=wanted, **options)
        )
    except NotImplementedError:
        raise InvalidInputError(f"no holidays are known for {country!r}") from None
