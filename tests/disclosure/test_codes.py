"""Codes that people read out: what is kept of one, and how it is compared."""

from cctv_vault.disclosure.codes import CodeHasher


def test_of_a_code_its_argon2id_hash_is_kept() -> None:
    encoded = CodeHasher().hash("ABCD-EFGH-JK")
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "ABCD" not in encoded


def test_a_code_opens_however_it_was_written_down_and_no_other_does() -> None:
    codes = CodeHasher()
    encoded = codes.hash("ABCD-EFGH-JK")
    assert codes.matches(" abcd efgh jk", encoded)
    assert not codes.matches("ABCD-EFGH-JL", encoded)
    assert not codes.matches("ABCD-EFGH-JK", None)
    assert not codes.matches("ABCD-EFGH-JK", "$argon2id$broken")
