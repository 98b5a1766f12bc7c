"""A request's log entries as sentences, Swedish and English. Pure.

Owns the wording alone: what happened, by whom, with the figures the entry holds and, where their
key still lives, the words of its sealed details. An event it does not know is told by its name.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.fees import BECAUSE
from cctv_vault.disclosure.legal import METHODS, REQUESTERS, Words

_Facts = Mapping[str, Any]


def sentence(event: str, who: str, facts: _Facts, details: Mapping[str, Any] | None) -> Words:
    """One entry as a sentence.

    Args:
        event: The entry's event.
        who: The name of who acted, or what stands for one (system, portal).
        facts: The entry's facts.
        details: Its details, or None where there are none or their key is gone.
    """
    words = act_words(event, facts)
    quoted = _quote(details)
    actor = _ACTORS.get(who, Words(who, who))
    stop = "" if quoted.endswith((".”", "?”", "!”")) else "."
    return Words(f"{actor.sv}: {words.sv}{quoted}{stop}", f"{actor.en}: {words.en}{quoted}{stop}")


def act_words(event: str, facts: Mapping[str, Any]) -> Words:
    """What was done, without by whom: ``beviljade begäran``."""
    told = _TOLD.get(event) or _TOLD_OF_FOOTAGE.get(event)
    return told(facts) if told else Words(event, event)


_ACTORS: Final = {
    "system": Words("Systemet", "The system"),
    "portal": Words("Portalen", "The portal"),
}


def _quote(details: Mapping[str, Any] | None) -> str:
    for key in ("reason", "detail", "text", "by", "message"):
        text = (details or {}).get(key)
        if isinstance(text, str) and text:
            return f" – ”{text}”"
    return ""


def _received(facts: _Facts) -> Words:
    if facts.get("type") == "emergency":
        return Words("tog emot begäran i ett nödläge", "received the request in an emergency")
    rule = REQUESTERS.get(str(facts.get("type")))
    name = rule.name if rule else Words("okänd", "unknown")
    return Words(
        f"tog emot begäran från {name.sv.lower()}", f"received the request of {name.en.lower()}"
    )


def _verified(facts: _Facts) -> Words:
    method = METHODS.get(str(facts.get("method")), Words("okänt sätt", "an unknown way"))
    return Words(
        f"kontrollerade den begärande parten genom {method.sv}",
        f"verified the requester by {method.en}",
    )


def _assessed(facts: _Facts) -> Words:
    needed = _length(int(facts.get("camera_seconds", 0)))
    return Words(
        f"bedömde begäran: {needed} kameratid behövs",
        f"assessed the request: {needed} of camera time needed",
    )


def _length(seconds: int) -> str:
    """``30 s``, ``2 min 30 s``, ``1 h 5 min``: written alike in both languages."""
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _refused(facts: _Facts) -> Words:
    if facts.get("automatic"):
        return Words(
            f"avslog begäran: ingen rättslig grund finns ({facts.get('citation')})",
            f"refused the request: there is no legal ground ({facts.get('citation')})",
        )
    code = facts.get("exception")
    cited = f" ({code})" if code else ""
    return Words(f"avslog begäran{cited}", f"refused the request{cited}")


def _erased(facts: _Facts) -> Words:
    count, held = facts.get("recordings"), facts.get("held")
    rest = (
        Words(
            f"; {held} behålls ({facts.get('exception')})",
            f"; {held} kept ({facts.get('exception')})",
        )
        if held
        else Words("", "")
    )
    return Words(
        f"beslutade om radering: {count} inspelning{'' if count == 1 else 'ar'} raderas{rest.sv}",
        f"decided on erasure: {count} recording{'' if count == 1 else 's'} erased{rest.en}",
    )


def _prepared(facts: _Facts) -> Words:
    originals, clips = facts.get("originals"), facts.get("clips")
    return Words(
        f"iordningställde ett paket med {originals} original och {clips} "
        f"{'film' if clips == 1 else 'filmer'}",
        f"prepared a package of {originals} {'original' if originals == 1 else 'originals'} and "
        f"{clips} {'clip' if clips == 1 else 'clips'}",
    )


def _released(facts: _Facts) -> Words:
    channel = str(facts.get("channel"))
    ways = {
        "link": Words("lämnade ut paketet genom länk och kod", "released by link and code"),
        "usb": Words("lämnade ut paketet på USB-minne", "released on a USB stick"),
        "in-person": Words("lämnade ut paketet på plats", "released in person"),
        "on-the-spot": Words("lämnade ut på plats före beslut", "handed over on the spot"),
        "compelled": Words("lämnade ut under tvång", "handed over under compulsion"),
        "vital": Words("lämnade ut i ett nödläge", "handed over in an emergency"),
    }
    return ways.get(channel, Words("lämnade ut paketet", "released the package"))


def _revoked(facts: _Facts) -> Words:
    if facts.get("link_only"):
        return Words(
            "avslutade länken till paketet, som redan hade börjat hämtas",
            "ended the link to the package, which somebody had begun to collect",
        )
    if facts.get("file"):
        return Words(
            "beslutet fattas på nytt: en maskad film kom efter det",
            "the decision is made anew: a masked film came after it",
        )
    return Words("återtog beslutet", "revoked the decision")


def _copied(facts: _Facts) -> Words:
    if facts.get("interrupted"):
        return Words(
            "skrivningen av paketets kopia avbröts; kopian räknas som lämnad",
            "the writing of the package's copy broke off; it counts as handed over",
        )
    return _written(facts)


def _written(facts: _Facts) -> Words:
    if facts.get("encrypted"):
        return Words(
            "skrev en krypterad kopia av paketet", "wrote an encrypted copy of the package"
        )
    return Words("skrev en kopia av paketet", "wrote a copy of the package")


def _not_copied(facts: _Facts) -> Words:
    if facts.get("why") == "interrupted":
        return Words(
            "skrivningen av paketets kopia avbröts; inget av den finns kvar",
            "the writing of the package's copy broke off; nothing of it is left",
        )
    return Words("kunde inte skriva kopian av paketet", "could not write the copy of the package")


def _reviewed(facts: _Facts) -> Words:
    if facts.get("approved"):
        return Words(
            "granskade utlämnandet i efterhand och godkände det",
            "reviewed the release afterwards and approved it",
        )
    return Words(
        "granskade utlämnandet i efterhand och underkände det",
        "reviewed the release afterwards and disapproved it",
    )


def _charged(facts: _Facts) -> Words:
    if not facts.get("kronor"):
        return Words("tog bort avgiften", "lifted the fee")
    because = BECAUSE.get(str(facts.get("because")), Words("", ""))
    return Words(
        f"införde en avgift om {facts['kronor']} kronor: begäran är {because.sv} (GDPR 12.5)",
        f"entered a fee of {facts['kronor']} kronor: the request is {because.en} (GDPR 12.5)",
    )


def _file_added(facts: _Facts) -> Words:
    if facts.get("kind") == "masked":
        return Words("lämnade in en maskad film", "supplied a masked film")
    return Words("fogade en handling till begäran", "added a document to the request")


def _frame(sv: str, en: str) -> Callable[[_Facts], Words]:
    def told(facts: _Facts) -> Words:
        camera = facts.get("camera")
        return Words(sv.format(camera=camera), en.format(camera=camera))

    return told


def _letter(facts: _Facts) -> Words:
    kinds = {
        "receipt": Words("skrev ett mottagningsbevis", "wrote a receipt of the request"),
        "clarification": Words("skrev en begäran om komplettering", "wrote for clarification"),
        "refusal": Words("skrev ett avslag", "wrote a refusal"),
        "approval": Words("skrev ett besked om utlämnande", "wrote of the release"),
        "prolonging": Words("skrev om förlängd tid", "wrote of the prolonged answer"),
        "erasure": Words("skrev ett besked om radering", "wrote of the erasure"),
        "handover": Words("skrev ett kvitto att underteckna", "wrote a receipt to be signed"),
    }
    return kinds.get(str(facts.get("kind")), Words("skrev ett brev", "wrote a letter"))


def _not_allowed(facts: _Facts) -> Words:
    act = facts.get("act")
    return Words(f"nekades ({act})", f"was refused ({act})")


def _fixed(sv: str, en: str) -> Callable[[_Facts], Words]:
    return lambda _facts: Words(sv, en)


_TOLD: Final[Mapping[str, Callable[[_Facts], Words]]] = {
    Event.REQUEST_RECEIVED: _received,
    Event.REQUEST_CONFIRMED: _fixed("bekräftade begäran", "confirmed the request"),
    Event.REQUEST_CLARIFYING: _fixed("bad om komplettering", "asked for clarification"),
    Event.REQUEST_CLARIFIED: _fixed("tog emot en komplettering", "received a clarification"),
    Event.REQUEST_VERIFIED: _verified,
    Event.REQUEST_ASSESSED: _assessed,
    Event.REQUEST_APPROVED: _fixed("beviljade begäran", "approved the request"),
    Event.REQUEST_PARTLY_APPROVED: _fixed("beviljade begäran delvis", "approved part of it"),
    Event.REQUEST_REFUSED: _refused,
    Event.REQUEST_ERASED: _erased,
    Event.REQUEST_PREPARED: _prepared,
    Event.REQUEST_RELEASE_INTENDED: _fixed("påbörjade utlämnandet", "began the release"),
    Event.REQUEST_RELEASED: _released,
    Event.REQUEST_COLLECTED: _fixed("paketet hämtades", "the package was collected"),
    Event.REQUEST_ACKNOWLEDGED: _fixed("mottagandet kvitterades", "receipt was acknowledged"),
    Event.REQUEST_WITHDRAWN: _fixed("begäran återkallades", "the request was withdrawn"),
    Event.REQUEST_REVOKED: _revoked,
    Event.REQUEST_REOPENED: _fixed("öppnade ärendet igen", "reopened the case"),
    Event.REQUEST_EXPIRED: _fixed("begäran förföll", "the request lapsed"),
    Event.REQUEST_REVIEWED: _reviewed,
    Event.REQUEST_CLOSED: _fixed("avslutade ärendet", "closed the case"),
    Event.REQUEST_READ: _fixed("läste ärendet", "read the case"),
    Event.REQUEST_PROLONGED: _fixed(
        "förlängde tiden för svaret med två månader", "put the answer off by two months"
    ),
    Event.REQUEST_CHARGED: _charged,
    Event.REQUEST_APPROVERS_CALLED: _fixed(
        "kallade dem som får besluta", "called those who may approve"
    ),
    Event.REQUEST_NUMBER_ENTERED: _fixed("förde in diarienumret", "entered the case number"),
    Event.REQUEST_MEASURE_NOTED: _fixed(
        "förde in uppgifter om åtgärden", "entered what is known of the measure"
    ),
    Event.REQUEST_FILE_ADDED: _file_added,
    Event.REQUEST_FILE_READ: _fixed("läste en bifogad handling", "read an attached document"),
    Event.REQUEST_FRAME_CHOSEN: _frame(
        "valde en bild av {camera} till paketet", "chose a frame of {camera} for the package"
    ),
    Event.REQUEST_FRAME_DROPPED: _frame(
        "tog bort en vald bild av {camera}", "took out a chosen frame of {camera}"
    ),
    Event.REQUEST_LETTER_WRITTEN: _letter,
    Event.FOOTAGE_EXPORT_INTENDED: _fixed(
        "påbörjade en kopia av paketet", "began a copy of the package"
    ),
    Event.FOOTAGE_EXPORTED: _copied,
    Event.FOOTAGE_EXPORT_FAILED: _not_copied,
    Event.HOLD_PLACED: _fixed("frös bildmaterialet", "froze the footage"),
    Event.HOLD_CHANGED: _fixed("ändrade frysningen", "changed the freeze"),
    Event.HOLD_RELEASED: _fixed("hävde frysningen", "released the freeze"),
    Event.REFUSED: _not_allowed,
}
_TOLD_OF_FOOTAGE: Final[Mapping[str, Callable[[_Facts], Words]]] = {
    Event.CAMERA_ADDED: _fixed("förde in kameran", "entered the camera"),
    Event.CAMERA_CLOCK_MEASURED: _fixed("mätte kamerans klocka", "measured the camera's clock"),
    Event.RECORDING_SEALED: _fixed("förseglade inspelningen", "sealed the recording"),
    Event.RECORDING_CORRECTED: _fixed(
        "rättade en uppgift om inspelningen genom ett tillägg",
        "corrected a particular of the recording by an addition",
    ),
    Event.RECORDING_DERIVED: _fixed(
        "härledde den ur en inspelning som bara bevaras i ett fönster",
        "derived it from a recording of which only a window is kept",
    ),
    Event.RECORDING_NARROWED: _fixed(
        "lämnade allt utom fönstret åt gallringen", "left all but the window to expire"
    ),
    Event.RECORDING_KEPT_WHOLE: _fixed("behöll inspelningen hel", "kept the recording whole"),
    Event.RECORDING_JOINED: _fixed(
        "fick en fil som hör till inspelningen och kom senare",
        "received a file that belongs to the recording and came later",
    ),
    Event.RECORDING_OFFERED_AGAIN: _fixed(
        "fick samma inspelning en gång till", "was offered the same recording again"
    ),
    Event.SOURCE_REMOVAL_INTENDED: _fixed(
        "skulle ta bort källfilen", "was about to remove the source file"
    ),
    Event.SOURCE_REMOVED: _fixed("tog bort källfilen", "removed the source file"),
    Event.SOURCE_KEPT: _fixed("lät källfilen ligga kvar", "left the source file where it was"),
    Event.FILE_QUARANTINED: _fixed(
        "lade filen åt sidan: den gick inte att läsa", "set the file aside: it could not be read"
    ),
    Event.QUARANTINE_RETRIED: _fixed("försökte läsa filen igen", "tried again to read the file"),
    Event.FOOTAGE_VIEWED: _fixed("tittade på inspelningen", "viewed the recording"),
    Event.COPY_DESTROYED: _fixed(
        "bekräftade att en kopia är förstörd", "confirmed that a copy is destroyed"
    ),
    Event.INCIDENT_FLAGGED: _fixed("flaggade en händelse", "flagged an incident"),
    Event.INCIDENT_NOTED: _fixed("skrev en anteckning om händelsen", "noted on the incident"),
    Event.INCIDENT_EXTENDED: _fixed("förlängde händelsens bevarande", "kept the incident longer"),
    Event.INCIDENT_CHANGED: _fixed(
        "ändrade händelsens tider eller kameror", "changed the incident's times or cameras"
    ),
    Event.INCIDENT_CONFIRMED: _fixed("bekräftade händelsen", "confirmed the incident"),
    Event.INCIDENT_EXPLAINED: _fixed(
        "förklarade det som hade sparats", "explained what had been saved"
    ),
    Event.INCIDENT_CLOSED: _fixed("avslutade händelsen", "closed the incident"),
    Event.HOLD_EXTENDED: _fixed("förlängde frysningen", "extended the freeze"),
    Event.HOLD_LAPSED: _fixed("frysningen löpte ut", "the freeze lapsed"),
    Event.REVIEW_REMINDED: _fixed("påminde om omprövning", "reminded of a review"),
    Event.REVIEW_WARNED: _fixed("varnade för utebliven omprövning", "warned of a missed review"),
    Event.REVIEW_ESCALATED: _fixed(
        "lyfte omprövningen till dataskyddsansvarig", "raised the review to the privacy officer"
    ),
    Event.REVIEW_MADE: _fixed("såg över bevarandet", "reviewed the keeping"),
    Event.KEY_EMPTIED: _fixed(
        "antecknade vad en förstörd nyckel hade bevarat", "noted what a destroyed key had kept"
    ),
    Event.CERTIFICATE_ISSUED: _fixed(
        "utfärdade ett gallringsintyg", "issued a certificate of deletion"
    ),
}
"""Acts on recordings, which stand in a package's report but in no request's history."""
