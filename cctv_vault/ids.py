"""Identifiers: random, so that they tell nothing of how many there are or when they were made."""

import re
import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_LETTERS = (_ALPHABET * 8).encode()  # of each byte, by its five last bits
_LONG = 20
_SHORT = 8
_ID = re.compile(f"[{_ALPHABET}]{{{_LONG}}}|[A-Za-z]-[{_ALPHABET.upper()}]{{{_SHORT}}}")


def long_id() -> str:
    """100 random bits in 20 characters, for recordings and other rows in their millions."""
    return _letters(_LONG)


def reference(prefix: str) -> str:
    """A short reference a person can read out, for example ``H-7K2M9Q4X`` (40 random bits)."""
    return f"{prefix}-{_letters(_SHORT).upper()}"


def is_id(text: str) -> bool:
    """Whether a text has the form of an identifier of this vault, whatever it may name."""
    return _ID.fullmatch(text) is not None


def _letters(count: int) -> str:
    # Five bits of a random byte are as even as all eight.
    return secrets.token_bytes(count).translate(_LETTERS).decode()
