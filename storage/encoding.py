"""The one encoding of associated data: unambiguous, so that no two contexts share bytes."""

_LENGTH_BYTES = 2


def associated_data(label: str, *fields: str) -> bytes:
    r"""Return ``label || "\n"``, then each field as u16 big-endian length and UTF-8 bytes.

    The label names format and version; within one label the number of fields is fixed, so the
    encoding is injective (`FORMAT.md`, "Associated data").

    Raises:
        ValueError: A field is empty or longer than 65535 bytes.
    """
    encoded = [field.encode() for field in fields]
    if not all(0 < len(field) < 1 << 8 * _LENGTH_BYTES for field in encoded):
        raise ValueError("a field of associated data has 1 to 65535 bytes")
    return b"".join(
        [
            label.encode(),
            b"\n",
            *(len(field).to_bytes(_LENGTH_BYTES, "big") + field for field in encoded),
        ]
    )
