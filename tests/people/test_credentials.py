"""Credentials by themselves."""

import re

from cctv_vault.people.credentials import Credentials, new_credential


def test_a_hash_is_argon2id_as_rfc_9106_advises_for_limited_memory() -> None:
    encoded = Credentials().hash("hästar äter gärna havre")
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_made_credential_can_be_read_out_and_is_never_made_twice() -> None:
    made = {new_credential() for _ in range(100)}
    assert len(made) == 100
    assert all(
        re.fullmatch(r"(?:[0-9a-hjkmnp-tv-z]{4}-){4}[0-9a-hjkmnp-tv-z]{4}", each) for each in made
    )


def test_nothing_matches_where_there_is_no_hash_or_a_broken_one() -> None:
    credentials = Credentials(memory_kib=64)
    assert not credentials.matches("anything at all", None)
    assert not credentials.matches("anything at all", "$argon2id$broken")
