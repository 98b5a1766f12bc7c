"""The type that holds a key in memory.

A `SecretKey` shows nothing of itself in logs, tracebacks, copies or pickles. It refuses to be
anything but 32 bytes. Python cannot promise to wipe memory; the process that holds keys is kept
from dumping core and from swap by its start-up, not by this class.
"""

import hmac
import secrets
from typing import Final, NoReturn, Self

KEY_BYTES: Final = 32


class SecretKey:
    """32 secret bytes.

    Equality takes constant time. The hash is that of the object's identity, so that no table
    reveals or depends on key material.
    """

    __slots__ = ("_material",)

    def __init__(self, material: bytes) -> None:
        """Hold `material`.

        Raises:
            ValueError: `material` is not exactly 32 bytes.
        """
        if len(material) != KEY_BYTES:
            msg = f"a key is {KEY_BYTES} bytes, not {len(material)}"
            raise ValueError(msg)
        self._material = bytes(material)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key from the operating system's random generator."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def reveal(self) -> bytes:
        """Return the 32 bytes. Whoever calls this answers for where they go."""
        return self._material

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        if not isinstance(other, SecretKey):
            return NotImplemented
        return hmac.compare_digest(self._material, other._material)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """Show nothing."""
        return "SecretKey(<redacted>)"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: Always.
        """
        msg = "a SecretKey is never pickled or copied"
        raise TypeError(msg)
