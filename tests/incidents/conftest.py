"""The vault with cameras of the retention room."""

from tests.retention.conftest import make_world, sqlite_world, world

__all__ = ["make_world", "sqlite_world", "world"]
