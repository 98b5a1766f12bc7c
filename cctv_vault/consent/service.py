"""Consent for course material: who is in an item, who allows what, and where it was published.

Owns the composition of the room: what people answer is entered by `answers`, where it is published
by `publishing`, and both are shown by `reading`. Names, contacts and places are sealed like every
other name: they end five years after they were last needed, and the log holds none of them.
"""

from cctv_vault.consent.answers import Answers
from cctv_vault.consent.publishing import Publishing


class Consents(Answers, Publishing):
    """The registers of consent of one vault."""
