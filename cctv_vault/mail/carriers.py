"""How a message leaves the machine: SMTP, or a signed POST to one address.

Owns the wire. It refuses to send mail in the clear unless that was chosen, to follow a redirect,
and to wait longer than a few seconds. What failed is told by a code that holds no address.
"""

import hashlib
import hmac
import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, NoReturn
from urllib.parse import urlsplit

from cctv_vault.errors import ConfigError
from cctv_vault.mail.messages import Message, address_of
from cctv_vault.settings import Settings
from cctv_vault.views import iso

_TIMEOUT_S: Final = 15.0
SIGNATURE: Final = "X-CCTV-Vault-Signature"


class UndeliveredError(Exception):
    """A message did not leave; ``final`` where another attempt cannot help."""

    def __init__(self, code: str, *, final: bool = False) -> None:
        """``code`` names the failure and nobody."""
        self.code = code
        self.final = final
        super().__init__(code)


@dataclass(frozen=True)
class Smtp:
    """A mail server, and in whose name is sent; ``security`` is starttls, tls or none."""

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def send(self, to: str, message: Message, message_id: str, at: datetime) -> None:
        """Hand a message to the server; the same id each time, so a repeat can be recognised.

        Raises:
            UndeliveredError: It was not taken.
        """
        address = address_of(to)
        if address is None:
            raise UndeliveredError("no-address", final=True)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, address, message.subject
        mail["Date"] = format_datetime(at.astimezone(UTC))
        mail["Message-ID"] = f"<{message_id}@cctv-vault>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        context = ssl.create_default_context()
        try:
            if self.security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    self.host, self.port, timeout=_TIMEOUT_S, context=context
                )
            else:
                server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
            with server:
                if self.security == "starttls":
                    server.starttls(context=context)
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused:
            raise UndeliveredError("recipient-refused", final=True) from None
        except smtplib.SMTPException as error:
            raise UndeliveredError(f"smtp-{type(error).__name__.lower()}") from None
        except OSError:
            raise UndeliveredError("unreachable") from None


@dataclass(frozen=True)
class Webhook:
    """An address that is told of each notice, and the secret its signature is made with."""

    url: str = field(repr=False)
    secret: str = field(repr=False)

    def send(self, message: Message, message_id: str, at: datetime) -> None:
        """Post a message; the signature is HMAC-SHA256 over the time, a dot and the body.

        Raises:
            UndeliveredError: It was not answered with success.
        """
        told = {
            "id": message_id,
            "notice": message.notice.value,
            "reference": message.reference,
            "link": message.link,
            "at": iso(at),
        }
        body = json.dumps(told, sort_keys=True).encode()
        stamp = str(int(at.timestamp()))
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked where it was set
            self.url,
            data=body,
            method="POST",
            headers={
                "Content-Type": "application/json",
                SIGNATURE: f"t={stamp},v1={sign(self.secret, stamp, body)}",
            },
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_S):
                return
        except urllib.error.HTTPError as error:
            error.close()
            raise UndeliveredError(f"http-{error.code}") from None
        except http.client.HTTPException:
            raise UndeliveredError("no-http") from None
        except OSError:
            raise UndeliveredError("unreachable") from None


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature of a webhook's body: HMAC-SHA256 over ``stamp``, a dot and the body, hex."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_words: object, **_named: object) -> None:
        """Go nowhere else."""


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True)
class Carriers:
    """What was set up: mail, a webhook, both or neither; and where links lead."""

    smtp: Smtp | None = None
    house: tuple[str, ...] = field(default=(), repr=False)
    webhook: Webhook | None = None
    staff_url: str = ""
    portal_url: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Carriers":
        """From the settings.

        Raises:
            ConfigError: They contradict each other.
        """
        smtp = None
        if settings.smtp_host is not None:
            if settings.mail_from is None:
                _contradict("CCTV_VAULT_MAIL_FROM must say in whose name mail is sent")
            password = settings.smtp_password
            smtp = Smtp(
                host=settings.smtp_host,
                port=settings.smtp_port,
                security=settings.smtp_security,
                sender=settings.mail_from,
                user=settings.smtp_user,
                password=None if password is None else password.get_secret_value(),
            )
        webhook = None
        if settings.webhook_url is not None:
            if settings.webhook_secret is None:
                _contradict("CCTV_VAULT_WEBHOOK_SECRET must be set: a webhook is always signed")
            where = urlsplit(settings.webhook_url)
            if where.scheme != "https" and (where.scheme, where.hostname) != ("http", "127.0.0.1"):
                _contradict("CCTV_VAULT_WEBHOOK_URL must begin with https://")
            webhook = Webhook(settings.webhook_url, settings.webhook_secret.get_secret_value())
        return cls(
            smtp=smtp,
            house=tuple(each.strip() for each in settings.mail_to.split(",") if each.strip()),
            webhook=webhook,
            staff_url=settings.staff_url.rstrip("/"),
            portal_url=settings.portal_url.rstrip("/"),
        )


def _contradict(message: str) -> NoReturn:
    raise ConfigError(message)
