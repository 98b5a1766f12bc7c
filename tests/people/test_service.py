"""Accounts, proof of identity, sessions."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.custody.log import LoggedEntry
from cctv_vault.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    PersonNeededError,
    VaultError,
)
from cctv_vault.people.actors import Right, Role
from cctv_vault.people.attempts import TooManyAttemptsError, network_of
from cctv_vault.people.credentials import Credentials
from tests.people.conftest import House
from tests.shop import SYSTEM, person

CREDENTIAL = "hästar äter gärna havre"


def entries(house: House, event: Event) -> list[LoggedEntry]:
    return house.vault.log.entries(event=event.value)


def test_an_account_gets_a_credential_that_opens_it(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["manager", "approver"])
    actor = house.people.authenticate("Maria", added.credential)
    assert (actor.id, actor.name, actor.means) == (added.id, "Maria", "password")
    assert actor.roles == {Role.MANAGER, Role.APPROVER}
    assert actor.is_person
    assert actor.may(Right.FOOTAGE_VIEW)


def test_a_credential_is_in_no_repr_and_no_log(quick_house: House) -> None:
    added = quick_house.people.add(SYSTEM, "Maria", ["staff"], credential=CREDENTIAL)
    assert CREDENTIAL not in repr(added)
    for entry in quick_house.vault.log.entries(limit=1000):
        assert CREDENTIAL not in f"{entry.body!r}{entry.details}"


def test_the_log_names_an_account_by_its_pseudonym_alone(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["staff"])
    house.people.sign_in("Maria", added.credential)
    for entry in house.vault.log.entries(limit=1000):
        assert b"Maria" not in entry.body
    [made] = entries(house, Event.ACCOUNT_ADDED)
    assert made.subject == added.id
    assert made.details == {"name": "Maria"}
    assert [entry.actor for entry in entries(house, Event.SIGN_IN)] == [added.id]


def test_the_same_words_typed_on_another_keyboard_open(quick_house: House) -> None:
    quick_house.people.add(SYSTEM, "Maria", ["staff"], credential=CREDENTIAL)
    decomposed = CREDENTIAL.replace("ä", "a\N{COMBINING DIAERESIS}")
    assert quick_house.people.authenticate("Maria", decomposed).name == "Maria"


@pytest.mark.parametrize("credential", ["short", "x" * 257])
def test_a_credential_of_an_unfit_length_is_refused(quick_house: House, credential: str) -> None:
    with pytest.raises(InvalidInputError, match="12 to 256"):
        quick_house.people.add(SYSTEM, "Maria", ["staff"], credential=credential)
    assert quick_house.people.list(SYSTEM) == ()


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b", "a\u202eb"])
def test_a_name_that_nobody_can_read_out_is_refused(quick_house: House, name: str) -> None:
    with pytest.raises(InvalidInputError, match="printable"):
        quick_house.people.add(SYSTEM, name, ["staff"])


@pytest.mark.parametrize("roles", [[], ["chef"]])
def test_an_account_needs_roles_that_exist(quick_house: House, roles: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="the roles are staff, manager"):
        quick_house.people.add(SYSTEM, "Maria", roles)


def test_a_name_is_taken_once(house: House) -> None:
    house.people.add(SYSTEM, "Maria", ["staff"])
    with pytest.raises(AlreadyExistsError):
        house.people.add(SYSTEM, " Maria ", ["manager"])
    assert len(house.people.list(SYSTEM)) == 1


def test_the_operating_system_user_adds_accounts_until_somebody_manages_them(house: House) -> None:
    house.people.add(SYSTEM, "Maria", ["manager"])
    adam = house.people.add(SYSTEM, "Adam", ["administrator"])
    with pytest.raises(PersonNeededError, match="--as"):
        house.people.add(SYSTEM, "Eve", ["manager"])
    with pytest.raises(PersonNeededError):
        house.people.disable(SYSTEM, "Adam")
    administrator = house.people.authenticate("Adam", adam.credential)
    house.people.add(administrator, "Bo", ["approver"])
    house.people.disable(administrator, "Adam")
    # Nobody is left who manages: the house is not locked out of itself.
    house.people.add(SYSTEM, "Eva", ["administrator"])


def test_a_simulated_vault_takes_accounts_and_bare_names_without_proof(quick_house: House) -> None:
    people = quick_house.vault.people
    people.add(SYSTEM, "Adam", ["administrator"])
    people.add(SYSTEM, "Maria", ["manager"])
    assert people.asserted("Maria").means == "asserted"
    with pytest.raises(NotFoundError):
        people.asserted("Eve")


def test_a_real_vault_believes_no_bare_name(quick_house: House) -> None:
    quick_house.people.add(SYSTEM, "Maria", ["manager"])
    with pytest.raises(PersonNeededError, match="CCTV_VAULT_TOKEN"):
        quick_house.people.asserted("Maria")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_who_manages_accounts_touches_them(quick_house: House, role: Role) -> None:
    quick_house.people.add(SYSTEM, "Maria", ["manager"])
    somebody = person(role)
    for act in (
        lambda: quick_house.people.add(somebody, "Eve", ["administrator"]),
        lambda: quick_house.people.disable(somebody, "Maria"),
        lambda: quick_house.people.list(somebody),
    ):
        with pytest.raises(AccessDeniedError):
            act()
    assert [account.name for account in quick_house.people.list(SYSTEM)] == ["Maria"]
    refused = entries(quick_house, Event.REFUSED)
    assert {entry.facts["act"] for entry in refused} >= {"account.added", "account.disabled"}


def test_a_wrong_name_and_a_wrong_credential_are_refused_in_the_same_words(house: House) -> None:
    house.people.add(SYSTEM, "Maria", ["staff"], credential=CREDENTIAL)
    house.people.add(SYSTEM, "Bo", ["staff"], credential=CREDENTIAL)
    house.people.disable(SYSTEM, "Bo")
    told = set()
    for name, credential in (("Maria", "wrong"), ("Eve", CREDENTIAL), ("Bo", CREDENTIAL), ("", "")):
        with pytest.raises(AccessDeniedError) as refused:
            house.people.authenticate(name, credential)
        told.add(str(refused.value))
    assert len(told) == 1
    assert entries(house, Event.REFUSED)[0].facts["act"] == "account.signed-in"


def test_ten_failures_close_a_name_for_a_quarter_of_an_hour(quick_house: House) -> None:
    quick_house.people.add(SYSTEM, "Maria", ["staff"], credential=CREDENTIAL)
    for _ in range(10):
        with pytest.raises(AccessDeniedError, match="wrong"):
            quick_house.people.authenticate("Maria", "wrong")
    with pytest.raises(TooManyAttemptsError) as closed:
        quick_house.people.authenticate("Maria", CREDENTIAL)
    assert closed.value.wait_s == 900
    quick_house.seconds += 900
    assert quick_house.people.authenticate("Maria", CREDENTIAL).name == "Maria"


def test_guesses_made_side_by_side_are_counted_before_they_are_checked(
    quick_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else as many guesses are looked at as fit into the time of one."""
    quick_house.people.add(SYSTEM, "Maria", ["staff"], credential=CREDENTIAL)
    looked_at: list[str] = []
    all_there = threading.Barrier(10)

    def slowly(_self: Credentials, credential: str, _hash: str | None) -> bool:
        looked_at.append(credential)
        all_there.wait(timeout=60)  # none is answered before ten are under way
        return False

    monkeypatch.setattr(Credentials, "matches", slowly)

    def guess(number: int) -> str:
        try:
            quick_house.people.authenticate("Maria", f"guess {number}", address="192.0.2.1")
        except AccessDeniedError as error:
            return error.code
        return "in"

    with ThreadPoolExecutor(40) as guessing:
        answers = list(guessing.map(guess, range(40)))
    assert len(looked_at) == 10
    assert answers.count("too-many-attempts") == 30


def test_who_signs_in_leaves_no_attempts_behind_for_others_of_the_address(
    quick_house: House,
) -> None:
    quick_house.people.add(SYSTEM, "Maria", ["staff"], credential=CREDENTIAL)
    for _ in range(12):
        quick_house.people.authenticate("Maria", CREDENTIAL, address="192.0.2.1")
    for number in range(10):
        with pytest.raises(AccessDeniedError, match="wrong"):
            quick_house.people.authenticate(f"Eve {number}", "wrong", address="192.0.2.1")


def test_an_address_that_tries_many_names_is_closed_and_others_are_not(quick_house: House) -> None:
    quick_house.people.add(SYSTEM, "Maria", ["staff"], credential=CREDENTIAL)
    for number in range(10):
        with pytest.raises(AccessDeniedError, match="wrong"):
            quick_house.people.authenticate(f"Eve {number}", "wrong", address="192.0.2.1")
    with pytest.raises(TooManyAttemptsError):
        quick_house.people.authenticate("Maria", CREDENTIAL, address="192.0.2.1")
    assert quick_house.people.authenticate("Maria", CREDENTIAL, address="192.0.2.2").is_person


def test_a_session_is_known_by_a_token_that_the_index_does_not_hold(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["staff"])
    token, actor = house.people.sign_in("Maria", added.credential)
    again = house.people.session(token)
    assert again is not None
    assert (again.id, again.means) == (actor.id, "session")
    assert house.people.session(token + "x") is None
    assert house.people.session("") is None


def test_a_session_ends_after_half_an_hour_without_use(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["staff"])
    token, _ = house.people.sign_in("Maria", added.credential)
    for _ in range(3):
        house.later(minutes=29)
        assert house.people.session(token) is not None
    house.later(minutes=30)
    assert house.people.session(token) is None


def test_a_session_ends_after_twelve_hours_of_use(quick_house: House) -> None:
    added = quick_house.people.add(SYSTEM, "Maria", ["staff"])
    token, _ = quick_house.people.sign_in("Maria", added.credential)
    for _ in range(24):
        assert quick_house.people.session(token) is not None
        quick_house.later(minutes=29)
    quick_house.later(minutes=25)
    assert quick_house.people.session(token) is None


def test_signing_out_ends_the_session_and_is_entered(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["staff"])
    token, _ = house.people.sign_in("Maria", added.credential)
    house.people.sign_out(token)
    house.people.sign_out(token)
    assert house.people.session(token) is None
    assert [entry.actor for entry in entries(house, Event.SIGN_OUT)] == [added.id]


def test_disabling_an_account_ends_its_sessions_at_once(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["staff"])
    token, _ = house.people.sign_in("Maria", added.credential)
    assert house.people.disable(SYSTEM, "Maria").disabled_at == house.vault.clock.now()
    assert house.people.session(token) is None
    house.people.disable(SYSTEM, "Maria")
    assert len(entries(house, Event.ACCOUNT_DISABLED)) == 1
    with pytest.raises(NotFoundError):
        house.people.disable(SYSTEM, "Eve")


def test_the_reason_for_viewing_belongs_to_the_session(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["manager"])
    token, _ = house.people.sign_in("Maria", added.credential)
    other, _ = house.people.sign_in("Maria", added.credential)
    house.people.view_for(token, "  stöld\n vid kassan ")
    viewing, elsewhere = house.people.signed_in(token), house.people.signed_in(other)
    assert viewing is not None
    assert elsewhere is not None
    assert (viewing.viewing_reason, elsewhere.viewing_reason) == ("stöld vid kassan", "")
    refusals: list[tuple[str, str]] = [(token, " "), (token, "x" * 301), ("nobody's", "stöld")]
    for who, reason in refusals:
        with pytest.raises(VaultError):
            house.people.view_for(who, reason)


def test_pseudonyms_are_turned_into_names_for_pages(house: House) -> None:
    added = house.people.add(SYSTEM, "Maria", ["staff"])
    assert house.people.names([added.id, "system", "portal"]) == {added.id: "Maria"}
    assert house.people.by_id(added.id) == "Maria"
    assert house.people.by_id("system") == "system"
    assert house.people.names([]) == {}


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::8", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_change_of_address_within_ones_own_network_gives_no_new_attempts(
    address: str, counted: str
) -> None:
    assert network_of(address) == counted
