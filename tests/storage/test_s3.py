"""Blobs in a bucket: what only a server can do wrong, on a real one."""

import hashlib
import hmac
import io
import os
import re
import socket
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from storage.backend import BlobStore
from storage.errors import (
    BlobExistsError,
    BlobMissingError,
    StorageFullError,
    StorageUnavailableError,
    UnknownFormatError,
)
from storage.s3 import S3Store
from storage.secret import SecretKey
from storage.stream import SealWriter, StreamContext, open_sealed, seal, verify_blob

pytestmark = pytest.mark.service
Put = Callable[[BlobStore, str, bytes], None]
# The class lives in conftest, which no test can import.
Gateway = Any
LARGE = 37 << 20


def unfinished(gateway: Gateway) -> list[str]:
    """The keys of uploads begun and neither completed nor given up, asked of the server itself."""
    url = f"{gateway.endpoint}/{gateway.bucket}"
    host, query = urlsplit(url).netloc, "uploads="
    empty = hashlib.sha256(b"").hexdigest()
    with urllib.request.urlopen(url.rsplit("/", 1)[0], timeout=30) as answer:  # noqa: S310
        date = answer.headers["Date"]
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    _, number, month, year, clock, _ = date.replace(",", "").split()
    day = f"{year}{months.index(month) + 1:02}{number}"
    stamp = f"{day}T{clock.replace(':', '')}Z"
    headers = f"host:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n"
    names = "host;x-amz-content-sha256;x-amz-date"
    request = f"GET\n/{gateway.bucket}\n{query}\n{headers}\n{names}\n{empty}"
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{gateway.secret_key}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    sent = urllib.request.Request(  # noqa: S310 - our own server
        f"{url}?{query}",
        headers={
            "x-amz-content-sha256": empty,
            "x-amz-date": stamp,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={gateway.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={key.hex()}",
        },
    )
    with urllib.request.urlopen(sent, timeout=30) as answer:  # noqa: S310 - the same
        return re.findall(r"<Upload><Key>([^<]+)</Key>", answer.read().decode())


@pytest.fixture
def bucket(gateway: Gateway) -> S3Store:
    made: S3Store = gateway.store(f"s{os.urandom(8).hex()}")
    return made


def test_a_large_stream_goes_up_in_parts_and_comes_back(
    bucket: S3Store, key: SecretKey, context: StreamContext
) -> None:
    data = os.urandom(LARGE)

    done = seal(io.BytesIO(data), bucket, "ab/x/original", key, context)

    assert verify_blob(bucket, "ab/x/original", done.segment_root) == done.ciphertext_size
    with open_sealed(
        bucket, "ab/x/original", key, context, segment_root=done.segment_root
    ) as reader:
        reader.seek(20 << 20)
        assert reader.read(3 << 20) == data[20 << 20 : 23 << 20]


def test_a_large_upload_given_up_leaves_no_object_and_no_parts(
    gateway: Gateway,
    bucket: S3Store,
    key: SecretKey,
    context: StreamContext,
) -> None:
    with SealWriter(bucket, "ab/x/original", key, context) as writer:
        writer.write(bytes(LARGE))
        assert [name.rpartition("/")[2] for name in unfinished(gateway)] == ["original"]

    assert list(bucket.names()) == []
    assert unfinished(gateway) == []


def test_a_large_blob_is_not_put_over_one_that_came_meanwhile(
    gateway: Gateway,
    bucket: S3Store,
    put: Put,
) -> None:
    writer = bucket.create("x")
    writer.write(bytes(LARGE))
    put(bucket, "x", b"first")

    with pytest.raises(BlobExistsError):
        writer.commit()
    writer.abort()

    assert bucket.read("x", 0, 10) == b"first"
    assert unfinished(gateway) == []


def test_no_room_under_the_quota_is_a_full_disk_and_leaves_nothing(
    gateway: Gateway,
    key: SecretKey,
    context: StreamContext,
) -> None:
    store = gateway.small.store("q")

    for size in (2 << 20, LARGE):
        with pytest.raises(StorageFullError, match="QuotaExceeded"):
            seal(io.BytesIO(bytes(size)), store, "ab/x/original", key, context)
        assert list(store.names()) == []
        assert unfinished(gateway.small) == []
    assert seal(io.BytesIO(b"fits"), store, "ab/x/original", key, context).size == 4


def test_a_server_that_is_down_or_refuses_is_unavailable_and_no_secret_is_told(
    gateway: Gateway,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = f"http://user:hunter2@127.0.0.1:{probe.getsockname()[1]}"
    wrong = (
        (replace(gateway, endpoint=nobody), "error sending request"),
        (replace(gateway, secret_key="0" * 32), "SignatureDoesNotMatch"),
        (replace(gateway, access_key="nobody"), "InvalidAccessKeyId"),
        (replace(gateway, bucket="nowhere"), "there is no bucket"),
    )
    for other, says in wrong:
        with pytest.raises(StorageUnavailableError, match=says) as caught:
            other.store("p")
        for secret in (gateway.secret_key, gateway.access_key, "hunter2"):
            assert secret not in f"{caught.value}{caught.value.__cause__}"
    assert gateway.secret_key not in gateway.store("p").description


def test_a_store_is_there_or_not_and_is_not_made_by_mistake(
    gateway: Gateway,
    bucket: S3Store,
    put: Put,
) -> None:
    with pytest.raises(StorageUnavailableError, match="no blobs"):
        gateway.store("never-made", must_exist=True)
    prefix = bucket.description.split("/")[1].split(" ")[0]
    put(bucket, "x", b"1")
    assert list(gateway.store(prefix, must_exist=True).names()) == ["x"]

    bucket._bucket.put(".cctv-vault-blobs", b"cctv-vault blobs 2\n")
    with pytest.raises(UnknownFormatError):
        gateway.store(prefix)
    bucket._bucket.delete(".cctv-vault-blobs")
    for act in (lambda: bucket.read("y", 0, 1), lambda: bucket.exists("y")):
        with pytest.raises(StorageUnavailableError, match="is gone"):
            act()


def test_stores_under_two_prefixes_do_not_see_each_other(
    gateway: Gateway,
    put: Put,
) -> None:
    one, two = gateway.store("pre"), gateway.store("prefix")
    put(two, "x", b"2")

    assert list(one.names()) == []
    with pytest.raises(BlobMissingError):
        one.read("x", 0, 1)
    with pytest.raises(ValueError, match="a blob name"):
        gateway.store("../other")
