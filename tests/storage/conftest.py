"""What the tests of storage share: stores, a key, a context, and a way to die at any instant."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest
from obstore import sign
from obstore.store import S3Store as Bucket

from storage.backend import BlobStore
from storage.directory import DirectoryStore
from storage.s3 import S3Store
from storage.secret import SecretKey
from storage.stream import StreamContext

# What the system is asked to change; Python announces each of these before it is done.
_CHANGES = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "fcntl.flock"}
_KILLED = 137


@pytest.fixture
def folder_store(tmp_path: Path) -> DirectoryStore:
    """A fresh store in a folder."""
    return DirectoryStore(tmp_path / "blobs")


@dataclass(frozen=True)
class Gateway:
    """A real S3 server on the loopback address with one bucket."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    # Another bucket, of an owner whose quota is 1 MiB.
    small: "Gateway | None" = None

    def store(self, prefix: str, *, must_exist: bool = False) -> S3Store:
        """A store in the bucket."""
        return S3Store(
            self.bucket,
            self.endpoint,
            "us-east-1",
            access_key=self.access_key,
            secret_key=self.secret_key,
            prefix=prefix,
            must_exist=must_exist,
        )

    def making_of_bucket(self) -> str:
        """An address at which the bucket makes itself when it is put."""
        bucket = Bucket(
            self.bucket,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            client_options={"allow_http": True},
        )
        return sign(bucket, "PUT", "", timedelta(hours=1))


@pytest.fixture(scope="session")
def gateway(program: Callable[[str, str], Path]) -> Iterator[Gateway]:
    """Debian's Ceph with its S3 gateway: one monitor, one store in memory, gone afterwards."""
    programs = {
        name: program(name, package)
        for name, package in (
            *(("monmaptool", "ceph-common"), ("ceph", "ceph-common")),
            *(("radosgw-admin", "ceph-common"), ("ceph-mon", "ceph-mon")),
            *(("ceph-osd", "ceph-osd"), ("radosgw", "radosgw")),
        )
    }
    folder = Path(tempfile.mkdtemp(prefix="cctv-vault-ceph-"))
    try:
        with ceph(programs, folder) as running:
            yield running
    finally:
        shutil.rmtree(folder)


@contextmanager
def ceph(programs: dict[str, Path], folder: Path) -> Iterator[Gateway]:
    """The three daemons of one folder; each is ended by its own process."""
    monitor, port = free_ports(2)
    endpoint = f"http://127.0.0.1:{port}"
    made = Gateway(endpoint, "vault", secrets.token_hex(8), secrets.token_hex(16))
    small = Gateway(endpoint, "small", secrets.token_hex(8), secrets.token_hex(16))
    fsid = str(uuid.uuid4())
    conf = folder / "ceph.conf"
    conf.write_text(CEPH_CONF.format(folder=folder, fsid=fsid, monitor=monitor, port=port))
    for name in ("mon", "osd", "rgw", "run", "log"):
        (folder / name).mkdir()
    daemons: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (folder / "log" / f"{name}.out").open("ab") as log:
            daemon = subprocess.Popen(
                [programs[name], "-c", conf, "-f", *arguments], stdout=log, stderr=log
            )
        daemons.append(daemon)
        return daemon

    def run(name: str, *arguments: str) -> bool:
        command = [str(programs[name]), "-c", str(conf), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, timeout=90)
        return not done.returncode

    try:
        address = f"[v1:127.0.0.1:{monitor}]"
        map_file = str(folder / "monmap")
        run("monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, map_file)
        run("ceph-mon", "--mkfs", "-i", "a", "--monmap", map_file)
        start("ceph-mon", "-i", "a")
        wait_for(lambda: run("ceph", "--connect-timeout", "5", "osd", "create"), "the monitor")
        run("ceph-osd", "-i", "0", "--mkfs")
        run("ceph", "osd", "crush", "add", "osd.0", "1", "root=default", "host=h")
        osd: list[subprocess.Popen[bytes]] = []

        def osd_up() -> bool:
            # It gives up when it asks the monitor too early; then it is asked again.
            if not osd or osd[-1].poll() is not None:
                osd.append(start("ceph-osd", "-i", "0"))
            state = subprocess.run(
                [programs["ceph"], "-c", conf, "osd", "stat", "--format", "json"],
                check=False,
                capture_output=True,
                timeout=90,
            )
            return b'"num_up_osds":1' in state.stdout

        wait_for(osd_up, "the object store")
        for user in (made, small):
            names = ("--uid", user.bucket, "--display-name", user.bucket)
            keys = ("--access-key", user.access_key, "--secret-key", user.secret_key)
            wait_for(partial(run, "radosgw-admin", "user", "create", *names, *keys), "the users")
        quota = ("--quota-scope", "user", "--uid", small.bucket)
        run("radosgw-admin", "quota", "set", *quota, "--max-size", "1M")
        run("radosgw-admin", "quota", "enable", *quota)
        start("radosgw", "-n", "client.rgw")
        for user in (made, small):
            wait_for(partial(bucket_made, user), "the gateway")
        yield replace(made, small=small)
    finally:
        for daemon in reversed(daemons):
            daemon.kill()
            daemon.wait()


CEPH_CONF = """[global]
fsid = {fsid}
mon_initial_members = a
mon_host = [v1:127.0.0.1:{monitor}]
public_network = 127.0.0.0/8
public_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_crush_chooseleaf_type = 0
osd_class_update_on_start = false
osd_crush_update_on_start = false
mon_allow_pool_size_one = true
osd_objectstore = memstore
memstore_device_bytes = 1073741824
run_dir = {folder}/run
admin_socket = {folder}/run/$cluster-$name.$pid.asok
log_file = {folder}/log/$name.log
pid_file = {folder}/run/$name.pid
mon_data = {folder}/mon
osd_data = {folder}/osd
osd_class_load_list = *
osd_class_default_list = *
mon_data_avail_crit = 1
mon_warn_on_pool_no_redundancy = false
ms_bind_msgr2 = false
[client.rgw]
rgw_data = {folder}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
"""


def free_ports(count: int) -> list[int]:
    """Ports nobody has now, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def wait_for(ready: Callable[[], bool], what: str) -> None:
    """Asks until it is ready; the machine may be busy."""
    for _ in range(120):
        if ready():
            return
        time.sleep(0.5)
    pytest.fail(f"Ceph did not start: {what} never answered")


def bucket_made(gateway: Gateway) -> bool:
    address = gateway.making_of_bucket()
    request = urllib.request.Request(address, method="PUT")  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the same
            return int(answer.status) == HTTPStatus.OK
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.service)])
def store(request: pytest.FixtureRequest) -> BlobStore:
    """A fresh store: each test that asks for one runs on a folder and on a real S3 server."""
    if request.param == "folder":
        made: DirectoryStore = request.getfixturevalue("folder_store")
        return made
    gateway: Gateway = request.getfixturevalue("gateway")
    return gateway.store(f"t{secrets.token_hex(8)}")


@pytest.fixture
def key() -> SecretKey:
    return SecretKey.generate()


@pytest.fixture
def context() -> StreamContext:
    return StreamContext("vault-1", "recording-1", "original")


@pytest.fixture
def put() -> Callable[[BlobStore, str, bytes], None]:
    """Puts bytes under a name, in place of what is there: what an attacker or a bad disk does."""

    def put(store: BlobStore, name: str, data: bytes) -> None:
        store.delete(name)
        writer = store.create(name)
        writer.write(data)
        writer.commit()

    return put


@pytest.fixture
def deaths() -> Callable[[Callable[[], object]], Iterator[int]]:
    """Runs an act in child processes that die at its first, second, … change to the disk.

    Yields the number of the change before which the child died, for each until the act is done.
    """

    def deaths(act: Callable[[], object]) -> Iterator[int]:
        for last in range(1, 1000):
            child = os.fork()
            if not child:
                _live_until(last, act)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != _KILLED:
                assert last > 1, "the act changed nothing, or failed at once"
                return
            yield last

    return deaths


def _live_until(last: int, act: Callable[[], object]) -> None:
    seen = 0

    def count(event: str, _: object) -> None:
        nonlocal seen
        seen += event in _CHANGES
        if seen == last:
            os._exit(_KILLED)

    status = 1
    try:
        sys.addaudithook(count)
        act()
        status = 0
    finally:
        os._exit(status)
