"""Free text about incidents: how long it may be, and the one thing it may not hold.

It refuses Swedish personal identity numbers; that people are told of by role or description is
otherwise a matter of the house.
"""

import re
from typing import Final

from cctv_vault.errors import InvalidInputError

LONGEST_TITLE: Final = 200
LONGEST_NOTE: Final = 20_000
LONGEST_NUMBER: Final = 100
_NUMBER: Final = re.compile(r"(?<!\d)(?:19|20)?(\d{6})[-+]?(\d{4})(?!\d)")


def checked_text(text: str, what: str, longest: int) -> str:
    """A text without the space around it; ``what`` names it in a refusal.

    Raises:
        InvalidInputError: It is empty, longer than ``longest`` characters, or holds a personal
            identity number.
    """
    text = text.strip()
    if not text:
        raise InvalidInputError(f"the {what} is empty")
    if len(text) > longest:
        raise InvalidInputError(f"the {what} is longer than {longest} characters")
    if any(_is_person_number("".join(each)) for each in _NUMBER.findall(text)):
        raise InvalidInputError(
            f"the {what} holds a personal identity number; tell of people by role or description"
        )
    return text


def _is_person_number(ten: str) -> bool:
    """Whether ten digits are a Swedish personal or coordination number, by date and check digit."""
    month, day = int(ten[2:4]), int(ten[4:6])
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(ten)]
    luhn = sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0  # noqa: PLR2004
    return luhn and 1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= 31  # noqa: PLR2004
