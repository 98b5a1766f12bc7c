"""Footage, readable exactly as long as a lawful purpose holds a key to it, and provably so."""

from typing import Final

__version__: Final = "0.1.0"
