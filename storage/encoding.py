"""The one encoding of associated data: unambiguous, so that no two contexts share bytes."""

_LENGTH_BYTES = 2


def associated_data(label: str, *fields: str) -> bytes:
    r"""Return ``label || "\n"``, then each field as u16 big-endian length and UTF-8 bytes.

    The label names format and version; within one label the number of fields is fixed, so the
    encoding is injective (`FORMAT.md`, "Associated data").

    Raises:
        ValueError: A field is empty or longer than 65535 bytes.
    """
    return b"".join([label.encode(), b"\n", *map(encoded_field, fields)])


def encoded_field(field: str) -> bytes:
    """Return one field of associated data: its length and its bytes.

    Raises:
        ValueError: It is empty or longer than 65535 bytes.
    """
    encoded = field.encode()
    if not 0 < len(encoded) < 1 << 8 * _LENGTH_BYTES:
        raise ValueError("a field of associated data has 1 to 65535 bytes")
    return len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded
