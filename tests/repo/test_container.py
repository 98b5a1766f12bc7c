"""The compose file keeps what it promises, as Debian's docker-compose reads it."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="module")
def composed(repository: Path, program: Callable[[str, str], Path]) -> dict[str, Any]:
    """The whole configuration, every short form written out."""
    done = subprocess.run(
        [program("docker-compose", "docker-compose"), "--file", "docker-compose.yml", "config"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    )
    composed: dict[str, Any] = yaml.safe_load(done.stdout)
    return composed


def test_footage_waits_for_the_vault_in_memory(composed: dict[str, Any]) -> None:
    options = composed["volumes"]["drop"]["driver_opts"]

    assert options["type"] == "tmpfs"
    assert "drop:/srv/drop:rw" in composed["services"]["vault"]["volumes"]


def test_the_container_has_neither_swap_nor_core_dumps(composed: dict[str, Any]) -> None:
    vault = composed["services"]["vault"]

    assert vault["memswap_limit"] == vault["mem_limit"]
    assert vault["ulimits"]["core"] == 0


def test_home_and_keys_never_share_a_volume(composed: dict[str, Any]) -> None:
    places = dict(
        reversed(volume.split(":")[:2]) for volume in composed["services"]["vault"]["volumes"]
    )

    assert places["/var/lib/cctv-vault"] != places["/var/lib/cctv-vault-keys"]


def test_the_container_can_change_nothing_but_its_volumes(composed: dict[str, Any]) -> None:
    vault = composed["services"]["vault"]

    assert vault["read_only"] is True
    assert vault["cap_drop"] == ["ALL"]
    assert "cap_add" not in vault
    assert "privileged" not in vault
    assert vault["security_opt"] == ["no-new-privileges:true"]


def test_no_port_is_open_beyond_the_machine(composed: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in composed["services"]["vault"]["ports"])


def test_the_image_is_built_from_files_that_exist_and_may_be_sent(repository: Path) -> None:
    instructions = (repository / "Dockerfile").read_text().splitlines()
    copied = {line.split()[1] for line in instructions if line.startswith("COPY ")}
    sent = {
        line[1:]
        for line in (repository / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert {name.removeprefix("./") for name in copied} == sent
    assert all((repository / name).exists() for name in sent)
