"""The settings, which enter once, here, at the composition root, and are passed down."""

from pathlib import Path

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

    @property
    def key_folder(self) -> Path:
        """The key folder, beside the home and never inside it."""
        return self.keys or self.home.with_name(self.home.name + "-keys")
