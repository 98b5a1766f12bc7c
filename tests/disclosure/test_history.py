"""Log entries as sentences: every event of a request has words in both languages."""

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.history import sentence


def test_every_event_of_a_request_is_told_in_both_languages() -> None:
    for event in Event:
        if event.startswith("request."):
            words = sentence(event, "Maja", {}, None)
            assert words.sv.startswith("Maja: ")
            assert event not in words.sv
            assert words.sv != words.en


def test_what_people_wrote_is_quoted_while_its_key_lives() -> None:
    told = sentence(Event.REQUEST_APPROVED, "Anders", {}, {"reason": "Behövs."})
    assert told.sv == "Anders: beviljade begäran – ”Behövs.”"
    unended = sentence(Event.REQUEST_APPROVED, "Anders", {}, {"reason": "Behövs"})
    assert unended.sv == "Anders: beviljade begäran – ”Behövs”."
    erased = sentence(Event.REQUEST_APPROVED, "Anders", {}, None)
    assert erased.sv == "Anders: beviljade begäran."


def test_the_product_and_the_portal_are_named_in_the_readers_language() -> None:
    told = sentence(Event.REQUEST_RECEIVED, "portal", {"type": "police"}, None)
    assert told.sv.startswith("Portalen: tog emot begäran från polis")
    assert told.en.startswith("The portal: received")


def test_an_event_nobody_thought_of_is_told_by_its_name() -> None:
    assert sentence("request.unheard-of", "Maja", {}, None).en == "Maja: request.unheard-of."
