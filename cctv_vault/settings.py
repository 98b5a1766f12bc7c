"""The settings, which enter once, here, at the composition root, and are passed down."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables of the same names with the prefix ``CCTV_VAULT_``."""

    model_config = SettingsConfigDict(env_prefix="CCTV_VAULT_", extra="ignore", frozen=True)

    home: Path = Field(default=Path("/var/lib/cctv-vault"), description="the vault's home folder")
    keys: Path | None = Field(default=None, description="the key folder; HOME-keys where unset")
    user: str | None = Field(default=None, description="who acts, as with --as")
    token: SecretStr | None = Field(default=None, description="that person's credential")
    database_url: str | None = Field(
        default=None, description="PostgreSQL URL; SQLite in the home where unset"
    )
    settle_s: float = Field(
        default=3.0,
        ge=0,
        description="seconds a file must have been unchanged before it is taken in",
    )
    scan_s: float = Field(
        default=15.0, gt=0, description="seconds between scans of the drop folders"
    )
    sweep_s: float = Field(default=300.0, gt=0, description="seconds between sweeps")
    reserve_bytes: int = Field(
        default=256 * 1024 * 1024, ge=0, description="free space below which intake stops"
    )
    s3_bucket: str | None = Field(
        default=None, description="bucket for blobs; the home where unset"
    )
    s3_endpoint: str | None = Field(default=None, description="URL of the S3 service")
    s3_region: str = Field(default="us-east-1", description="region of the S3 service")
    s3_access_key: SecretStr | None = Field(default=None, description="access key id")
    s3_secret_key: SecretStr | None = Field(default=None, description="secret access key")
    staff_url: str = Field(
        default="", description="address of the staff's pages, for links in messages"
    )
    portal_url: str = Field(default="", description="address of the portal, for links in messages")
    smtp_host: str | None = Field(default=None, description="mail server; no mail where unset")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="starttls, tls or none"
    )
    smtp_user: str | None = Field(default=None, description="who signs in at the mail server")
    smtp_password: SecretStr | None = Field(default=None, description="their password")
    mail_from: str | None = Field(default=None, description="in whose name mail is sent")
    mail_to: str = Field(default="", description="who of the house is told, separated by commas")
    webhook_url: str | None = Field(default=None, description="https address told of each notice")
    webhook_secret: SecretStr | None = Field(
        default=None, description="secret that a webhook is signed with"
    )

    @property
    def key_folder(self) -> Path:
        """The key folder, beside the home and never inside it."""
        return self.keys or self.home.with_name(self.home.name + "-keys")
