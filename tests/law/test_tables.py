"""Tables A and B of the requirements, copied from them by hand, against the code."""

from datetime import timedelta

from cctv_vault.disclosure.legal import CALL_BACK, IN_PERSON, REQUESTERS, SIGNED_ORDER, Masking
from cctv_vault.people.actors import Role
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.retention.policy import Policy

WRITTEN = {CALL_BACK, SIGNED_ORDER}
SEEN = {CALL_BACK, IN_PERSON}
ANY = WRITTEN | SEEN
OFFICER = {Role.PRIVACY_OFFICER}
SECOND = {Role.APPROVER, Role.PRIVACY_OFFICER}
COURT = {"RB 23:14", "RB 38:2", "RB 38:3", "RB 38:4", "RB 38:5", "RB 39:5"}
POLICE = {"DSL 2:5", "RB 23:14", "RB 27:1", "RB 27:4", "RB 28:1"}
SEIZURE = {"RB 27:1", "RB 27:4", "RB 27:17 a", "RB 28:1"}

# type: evidence by, grounds, approvers, masking, due, number, document, freezes under, path
TABLE_B = {
    "police": (
        *(ANY, POLICE, SECOND, "none", ("working-days", 2)),
        *(False, False, "request", ("on-the-spot", timedelta(hours=1), True)),
    ),
    "police-not-crime": (
        *(SEEN, {"GDPR 6.1 d", "GDPR 6.1 f"}, OFFICER, "where-time-allows", ("hours", 4)),
        *(False, False, "request", ("vital", None, True)),
    ),
    "preservation-order": (
        *(WRITTEN, {"RB 27:16", "RB 27:16 a"}, set(), "none", ("minutes", 0)),
        *(False, False, "preservation-order", None),
    ),
    "seizure": (
        *({IN_PERSON, SIGNED_ORDER}, SEIZURE, set(), "none", ("minutes", 0)),
        *(False, False, "request", ("compelled", None, False)),
    ),
    "court": (
        *(WRITTEN, COURT, OFFICER, "as-ordered", ("stated", 0)),
        *(True, True, "request", None),
    ),
    "supervisor": (
        *(WRITTEN, {"GDPR 58", "KBL 24", "AML 7:3"}, OFFICER, "minimise", ("stated", 0)),
        *(False, True, "request", None),
    ),
    "agency": (
        *(WRITTEN, {"SFB 110:31", "GDPR 6.1 c"}, OFFICER, "all-others", ("stated", 0)),
        *(False, True, "request", None),
    ),
    "insurer": (
        *(WRITTEN, {"GDPR 6.1 f"}, OFFICER, "uninvolved", ("days", 10)),
        *(True, True, "request", None),
    ),
    "lawyer": (
        *(ANY, {"GDPR 6.1 f", "RB 38:2", "RB 38:4"}, OFFICER, "uninvolved", ("days", 30)),
        *(False, True, "request", None),
    ),
    "data-subject": (
        *(ANY, {"GDPR 15"}, OFFICER, "all-others", ("months", 1)),
        *(False, False, "access-request", None),
    ),
    "employee": (
        *(ANY, {"GDPR 15", "GDPR 6.1 c", "GDPR 6.1 f"}, OFFICER, "all-others", ("months", 1)),
        *(False, False, "access-request", None),
    ),
    "media": (set(), set(), set(), "none", ("days", 0), False, False, None, None),
    "foreign-police": (
        *(WRITTEN, {"EIO 2017:1000"}, OFFICER, "none", ("working-days", 1)),
        *(False, True, "request", None),
    ),
    "emergency": (
        *(SEEN, {"GDPR 6.1 d"}, SECOND, "none", ("minutes", 30)),
        *(False, False, "request", ("vital", None, True)),
    ),
}


def test_every_requester_is_its_row_of_table_b() -> None:
    found = {
        row.type: (
            *(set(row.methods), set(row.bases), set(row.approvers), row.masking.value),
            (row.deadline.unit, row.deadline.amount),
            *(row.needs_number, row.needs_document, row.hold_purpose),
            row.immediate and (row.immediate.kind, row.immediate.limit, row.immediate.marked),
        )
        for row in REQUESTERS.values()
    }
    assert found == TABLE_B
    assert {each.type for each in REQUESTERS.values() if not each.hands_over} == {
        "preservation-order",
        "media",
    }
    assert {each.type for each in REQUESTERS.values() if each.auto_refused} == {"media"}
    assert Masking.ALL_OTHERS.demanded


def test_reviews_are_those_of_table_a() -> None:
    """The last column: when, whether again, whether before the end, and what missing it does."""
    policy = Policy.parse(default_policy_text())
    found = {
        each.code: (each.review.text, each.review_every, each.review_before_end, each.missed_review)
        for each in policy.purposes.values()
        if each.review is not None
    }
    assert found == {
        "incident": ("25d", False, False, "ends"),
        "request-unconfirmed": ("5d", False, False, "nothing"),
        "request": ("10d", False, False, "escalates"),
        "save-now": ("20h", False, False, "ends"),
        "restriction": ("90d", True, False, "escalates"),
        "more-coming": ("10d", False, False, "nothing"),
        "preservation-order": ("7d", False, True, "escalates"),
        "claim": ("90d", True, False, "escalates"),
        "access-request": ("20d", False, False, "escalates"),
        "trespass-ban": ("30d", False, True, "escalates"),
    }
