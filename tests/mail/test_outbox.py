"""Messages over real sockets: written down with the act, sent once, and never a code in one."""

import email
import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cctv_vault.errors import ConfigError, TransitionNotAllowedError
from cctv_vault.mail.carriers import SIGNATURE, Carriers
from cctv_vault.people.actors import PORTAL_ACTOR, Role
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault
from tests.disclosure.conftest import FROM, TO, Shop, furnish
from tests.disclosure.conftest import opened as open_furnished
from tests.shop import ENGINES, SYSTEM, Lay, person, settings_of

WINDOW = [{"from": FROM, "to": TO}]


@dataclass
class Post:
    """A mail server of the standard's smallest part, that may refuse or hang up."""

    mails: list[tuple[str, Message]] = field(default_factory=list)
    refusing: str = ""
    port: int = 0

    def texts(self) -> list[str]:
        """What was said, decoded."""
        return [str(mail.get_payload(decode=True), "utf-8") for _, mail in self.mails]  # type: ignore[arg-type]


def _smtp(post: Post) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 post")
            to = ""
            while line := self.rfile.readline().decode().strip():
                word = line.upper()
                if word.startswith("RCPT"):
                    to = line.partition("<")[2].partition(">")[0]
                    self._say(post.refusing or "250 ok")
                elif word.startswith("DATA"):
                    self._say("354 go on")
                    self._take(to)
                    self._say("250 kept")
                elif word.startswith("QUIT"):
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

        def _take(self, to: str) -> None:
            lines = []
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                lines.append(line)
            post.mails.append((to, email.message_from_bytes(b"".join(lines))))

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    return Handler


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    running = threading.Thread(target=server.serve_forever, args=(0.02,))
    running.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        running.join()
        server.server_close()


@pytest.fixture
def post() -> Iterator[Post]:
    found = Post()
    with _served(socketserver.TCPServer(("127.0.0.1", 0), _smtp(found))) as port:
        found.port = port
        yield found


Opened = Callable[..., Shop]


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest, lay: Lay, tmp_path: Path) -> Iterator[Opened]:
    """A furnished shop on each engine, opened with whatever settings are added."""
    vaults: list[Vault] = []
    with lay(furnish, request.param, tmp_path) as url:

        def with_settings(**added: Any) -> Shop:  # noqa: ANN401
            settings = settings_of(tmp_path, url).model_copy(update=added)
            vaults.append(Vault.open(settings))
            return Shop(vaults[-1], tmp_path)

        yield with_settings
        for vault in vaults:
            vault.close()


def by_mail(post: Post) -> dict[str, Any]:
    return {
        "smtp_host": "127.0.0.1",
        "smtp_port": post.port,
        "smtp_security": "none",
        "mail_from": "vault@example.org",
        "mail_to": "pia@example.org, anders@example.org",
        "staff_url": "https://vault.example.org/",
        "portal_url": "https://begaran.example.org",
    }


def test_the_way_of_a_request_is_told_once_with_reference_and_link_alone(
    opened: Opened, post: Post
) -> None:
    shop = opened(**by_mail(post))
    request = shop.requests.file(PORTAL_ACTOR, shop.body(footage=WINDOW)).id
    assert shop.vault.outbox.deliver(SYSTEM) == 2
    assert {to for to, _ in post.mails} == {"pia@example.org", "anders@example.org"}
    shop.requests.verify(shop.handler, request, "call-back", "växeln 114 14")
    shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.")
    shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    shop.requests.prepare(shop.handler, request)
    released = shop.requests.release(shop.handler, request, "link")
    while shop.vault.outbox.deliver(SYSTEM):
        pass
    assert shop.vault.outbox.deliver(SYSTEM) == 0

    to_officer = [mail for to, mail in post.mails if to == "eva@example.org"]
    assert [str(mail["Subject"]).partition(":")[0] for mail in to_officer] == [request] * 2
    texts = post.texts()
    assert any(f"https://vault.example.org/requests/{request}" in text for text in texts)
    assert any(f"https://begaran.example.org/hamta/{released.token}" in text for text in texts)
    whole = "".join(texts) + "".join(str(mail) for _, mail in post.mails)
    for secret in (released.code, "Eva Exempel", "stöld", "kassa", "K123456"):
        assert secret not in whole
    assert all(mail["Auto-Submitted"] == "auto-generated" for _, mail in post.mails)
    events = [each.event for each in shop.vault.log.entries(limit=1000)]
    assert events.count("message.sent") == len(post.mails)
    assert "example.org" not in str([each.facts for each in shop.vault.log.entries(limit=1000)])


def test_an_act_that_is_undone_tells_nobody(opened: Opened, post: Post) -> None:
    shop = opened(**by_mail(post))
    request = shop.filed()
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.decide(shop.approver, request, approve=True, reason="Nu.")
    assert shop.vault.outbox.list(SYSTEM) == ()


def test_who_dies_while_sending_leaves_the_message_and_it_keeps_its_id(
    opened: Opened, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "pia@example.org"})
    shop.requests.file(PORTAL_ACTOR, shop.body(footage=WINDOW))

    class DiedError(BaseException):
        """The process is gone after the server took the mail, before that was entered."""

    def die(*_words: object) -> None:
        raise DiedError

    monkeypatch.setattr(shop.vault.outbox, "_sent", die)
    with pytest.raises(DiedError):
        shop.vault.outbox.deliver(SYSTEM)
    again = opened(**by_mail(post) | {"mail_to": "pia@example.org"})
    assert again.vault.outbox.deliver(SYSTEM) == 0  # leased to whoever took it
    again.pass_time(minutes=3)
    assert again.vault.outbox.deliver(SYSTEM) == 1
    ids = [str(mail["Message-ID"]) for _, mail in post.mails]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert again.vault.outbox.deliver(SYSTEM) == 0


def test_what_fails_is_tried_later_and_later_and_given_up_in_the_end(
    opened: Opened, post: Post
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "pia@example.org", "smtp_port": 1})
    shop.requests.file(PORTAL_ACTOR, shop.body(footage=WINDOW))
    for _ in range(12):
        assert shop.vault.outbox.deliver(SYSTEM) == 0
        assert shop.vault.outbox.list(SYSTEM)[0].failure == "unreachable"
        shop.pass_time(hours=25)
    (message,) = shop.vault.outbox.list(SYSTEM)
    assert (message.attempts, message.next_at) == (9, None)
    assert post.mails == []
    # A server that refuses the address for good is asked once.
    post.refusing = "550 no such person"
    refused = opened(**by_mail(post) | {"mail_to": "nobody@example.org"})
    refused.requests.file(PORTAL_ACTOR, refused.body(footage=WINDOW))
    refused.vault.outbox.deliver(SYSTEM)
    newest = refused.vault.outbox.list(SYSTEM)[0]
    assert (newest.failure, newest.next_at) == ("recipient-refused", None)


@pytest.mark.parametrize(
    "typed",
    [
        *("eva@", "@", "eva@example..org", "=?utf-8?q?eva=0aBcc=3aerik?=@example.org"),
        *("eva@example.org\nBcc: erik@example.org", "eva@example.org, erik@example.org"),
    ],
)
def test_what_is_no_address_gets_no_mail_and_stops_nobody_elses(
    opened: Opened, post: Post, typed: str
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "", "staff_url": ""})
    for email_ in (typed, "eva@example.org"):
        body = shop.body(footage=WINDOW, requester__email=email_)
        request = shop.requests.file(PORTAL_ACTOR, body).id
        shop.requests.clarify(shop.handler, request, "Vilket ärende?")
    while shop.vault.outbox.deliver(SYSTEM):
        pass
    assert [(to, mail.get_all("To")) for to, mail in post.mails] == [
        ("eva@example.org", ["eva@example.org"])
    ]
    assert [each.next_at for each in shop.vault.outbox.list(SYSTEM)] == [None]


def test_an_address_in_a_domain_of_other_letters_is_written_as_mail_servers_read_it(
    opened: Opened, post: Post
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "", "staff_url": ""})
    request = shop.filed(requester__email="eva@räksmörgås.example")
    shop.requests.clarify(shop.handler, request, "Vilket ärende?")
    assert shop.vault.outbox.deliver(SYSTEM) == 1
    assert [to for to, _ in post.mails] == ["eva@xn--rksmrgs-5wao1o.example"]


def test_an_address_of_the_house_that_is_none_is_given_up_and_the_others_are_told(
    opened: Opened, post: Post
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "pia@, anders@example.org"})
    shop.requests.file(PORTAL_ACTOR, shop.body(footage=WINDOW))
    while shop.vault.outbox.deliver(SYSTEM):
        pass
    assert [to for to, _ in post.mails] == ["anders@example.org"]
    assert {(each.failure, each.next_at) for each in shop.vault.outbox.list(SYSTEM)} == {
        ("", None),
        ("no-address", None),
    }


def test_what_is_due_is_told_once_and_what_is_overdue_again(opened: Opened, post: Post) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "pia@example.org"})
    request = shop.filed()

    def told() -> list[str]:
        shop.vault.notices.remind(SYSTEM)
        shop.vault.notices.remind(SYSTEM)
        return [each.notice for each in shop.vault.outbox.list(SYSTEM)]

    assert told() == []
    shop.pass_time(hours=48)
    assert told() == ["deadline-soon"]
    shop.pass_time(hours=24)
    assert sorted(told()) == ["deadline-over", "deadline-soon"]
    shop.requests.withdraw(shop.handler, request, "Behövs inte.")
    shop.pass_time(days=9)
    assert len(told()) == 2


def test_what_is_owed_after_a_release_on_the_spot_and_a_package_nobody_fetches_is_reminded_of(
    opened: Opened, post: Post, tmp_path: Path
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "pia@example.org", "portal_url": ""})
    sara = replace(shop.staff, on_the_spot=True)
    body = shop.body(matter__number=None)
    shop.requests.on_the_spot(sara, body, officer_seen="kort", out_dir=tmp_path / "usb")
    request = shop.approved()
    shop.requests.prepare(shop.handler, request)
    shop.requests.release(shop.handler, request, "link")
    shop.pass_time(days=8)
    shop.vault.notices.remind(SYSTEM)
    notices = {each.notice for each in shop.vault.outbox.list(SYSTEM)}
    assert notices >= {"approvers-called", "review-waits", "review-over", "number-over"}
    assert "not-collected" in notices


def test_a_gagged_order_is_told_to_nobody(opened: Opened, post: Post) -> None:
    shop = opened(**by_mail(post))
    cleared = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
    for ground in ("RB 27:16 a", "RB 27:16"):
        body = shop.body(requester__type="preservation-order", ground__code=ground)
        shop.requests.file(cleared, body)
        shop.pass_time(days=1)
        shop.vault.notices.remind(SYSTEM)
        notices = {each.notice for each in shop.vault.outbox.list(SYSTEM)}
        assert notices == (set() if ground.endswith("a") else {"order-kept", "deadline-over"})


def test_a_webhook_is_signed_and_tells_reference_and_link(opened: Opened) -> None:
    got: list[tuple[dict[str, Any], str, bytes]] = []
    answers = [500, 302, 0, 204]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((json.loads(body), self.headers[SIGNATURE], body))
            answer = answers.pop(0)
            if not answer:
                self.wfile.write(b"no HTTP at all\r\n\r\n")
                return
            self.send_response(answer)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with _served(HTTPServer(("127.0.0.1", 0), Handler)) as port:
        shop = opened(
            webhook_url=f"http://127.0.0.1:{port}/hook",
            webhook_secret=SecretStr("gemensam-hemlighet"),
            staff_url="https://vault.example.org",
        )
        request = shop.requests.file(PORTAL_ACTOR, shop.body(footage=WINDOW)).id
        for sent in (0, 0, 0, 1):
            assert shop.vault.outbox.deliver(SYSTEM) == sent
            shop.pass_time(minutes=20)
    told, signature, body = got[-1]
    assert set(told) == {"id", "notice", "reference", "link", "at"}
    assert (told["reference"], told["notice"]) == (request, "request-received")
    assert len({each[0]["id"] for each in got}) == 1
    stamp, _, mac = signature.removeprefix("t=").partition(",v1=")
    wanted = hmac.new(b"gemensam-hemlighet", stamp.encode() + b"." + body, hashlib.sha256)
    assert mac == wanted.hexdigest()
    failures = [e.facts["why"] for e in shop.vault.log.entries(event="message.failed")]
    assert failures == ["http-500", "http-302", "no-http"]


def test_without_anything_set_up_nothing_is_written_down(quick_plain: Shop) -> None:
    quick_plain.requests.file(PORTAL_ACTOR, quick_plain.body(footage=WINDOW))
    assert quick_plain.vault.outbox.list(SYSTEM) == ()


@pytest.fixture
def quick_plain(lay: Lay, tmp_path: Path) -> Iterator[Shop]:
    with open_furnished(lay, "sqlite", tmp_path) as shop:
        yield shop


@pytest.mark.parametrize(
    "settings",
    [
        {"smtp_host": "localhost"},
        {"webhook_url": "https://example.org"},
        {"webhook_url": "http://example.org", "webhook_secret": "x"},
        {"webhook_url": "file:///etc/passwd", "webhook_secret": "x"},
        {"webhook_url": "http://127.0.0.1:80@example.org", "webhook_secret": "x"},
    ],
)
def test_settings_that_contradict_each_other_are_refused_at_the_start(
    settings: dict[str, Any],
) -> None:
    with pytest.raises(ConfigError):
        Carriers.of(Settings(**settings))


def test_a_copy_is_reminded_of_before_its_end_and_after_it_until_it_is_destroyed(
    opened: Opened, post: Post
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "pia@example.org"})
    recording = next(shop.vault.catalogue.list(SYSTEM, cameras=("kassa",))).id
    copies = [
        shop.vault.access.export(
            shop.handler,
            recording,
            shop.folder / f"{number}.mp4",
            reason="Anna Andersson syns",
            purpose="technical-fault",
        ).copy_id
        for number in range(2)
    ]

    def told() -> list[tuple[str, str | None]]:
        for _ in range(2):
            shop.vault.remind(SYSTEM)
        return sorted((each.notice, each.about) for each in shop.vault.outbox.list(SYSTEM))

    shop.pass_time(days=4)
    assert told() == []
    shop.pass_time(days=1)
    assert told() == sorted(("copy-soon", each) for each in copies)
    shop.vault.access.copies.confirm_destroyed(shop.handler, copies[0])
    shop.pass_time(days=2, seconds=1)
    assert ("copy-over", copies[1]) in told()
    assert len(told()) == 3
    while shop.vault.outbox.deliver(SYSTEM):
        pass
    texts = post.texts()
    assert len(texts) == 3
    assert any(f"/registers/copies#copy-{copies[1]}" in text for text in texts)
    assert not any("Andersson" in text or recording in text for text in texts)


def test_a_copy_of_what_only_a_suspicion_keeps_is_told_to_nobody_by_mail(
    opened: Opened, post: Post
) -> None:
    shop = opened(**by_mail(post) | {"mail_to": "pia@example.org"})
    suspected = shop.vault.incidents.flag(
        shop.officer,
        cameras=["kassa"],
        starts_at=datetime.fromisoformat(FROM),
        ends_at=datetime.fromisoformat(TO),
        title="kassadifferens",
        category="employee-crime",
    )
    shop.vault.incidents.confirm(shop.approver, suspected.id, "två har sett samma sak")
    shop.pass_time(days=6)
    shop.vault.sweeper.run(SYSTEM)
    kept = next(shop.vault.catalogue.list(shop.officer, cameras=("kassa",))).id
    copy = shop.vault.access.export(
        shop.officer,
        kept,
        shop.folder / "secret.mp4",
        reason="utredning",
        purpose="technical-fault",
    )
    shop.pass_time(days=8)
    shop.vault.remind(SYSTEM)
    assert shop.vault.outbox.list(SYSTEM) == ()
    (held,) = shop.vault.access.copies.list(shop.officer, open_only=True)
    assert (held.id, held.overdue, held.reason) == (copy.copy_id, True, "utredning")
    assert "utredning" not in repr(held)
    assert shop.vault.access.copies.list(shop.handler) == ()
