"""What a process gives up so that footage and keys cannot leak out of it; Linux calls by ctypes.

Owns the calls that make a process undumpable and those that confine a worker which reads hostile
files. It refuses nothing by itself: a call the kernel lacks is reported, not hidden, and the caller
decides. Every restriction here is one the process cannot take back.
"""

import ctypes
import os
import resource
import struct
import sys

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x1000_0000
_CLONE_NEWNET = 0x4000_0000
# The landlock system calls have the same numbers on every architecture (generic table, 5.13).
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
# How many filesystem rights each landlock ABI knows: landlock(7), "ABI versions".
_LANDLOCK_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_LANDLOCK_FS_RIGHTS_LATEST = 16
_LANDLOCK_NET_ABI = 4
_LANDLOCK_SCOPE_ABI = 6
_NOBODY = 65534


def harden_process() -> bool:
    """Forbids core dumps and reading this process's memory through ptrace or ``/proc``.

    Called once at the start of everything that holds keys or footage. Returns whether the kernel
    agreed; false only where there is no Linux.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return _prctl(_PR_SET_DUMPABLE, 0)


def confine_worker() -> dict[str, bool]:
    """Gives up network, new files, new privileges and root for good; best effort, told truly.

    To be called in a single-threaded process that has imported all it needs. Returns what holds:
    ``undumpable``, ``no_new_privileges``, ``no_network``, ``no_files``, ``not_root``.
    """
    libc = _libc()
    no_network = libc is not None and (
        libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    )
    if os.geteuid() == 0:
        _leave_root()
    held = {
        "no_new_privileges": _prctl(_PR_SET_NO_NEW_PRIVS, 1),
        "no_network": no_network,
        "not_root": os.geteuid() != 0,
    }
    held["no_files"] = _forbid_files()
    # Last: changing the user id makes a process dumpable again (prctl(2)).
    held["undumpable"] = harden_process()
    return held


def _leave_root() -> None:
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:  # a container without CAP_SETUID; the other fences stand
        return


def _forbid_files() -> bool:
    """A landlock domain without one rule: no path can be opened, made, renamed or removed."""
    libc = _libc()
    if libc is None:
        return False
    abi = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        return False
    rights = (1 << _LANDLOCK_FS_RIGHTS.get(abi, _LANDLOCK_FS_RIGHTS_LATEST)) - 1
    attributes = struct.pack("=Q", rights)
    if abi >= _LANDLOCK_NET_ABI:
        attributes += struct.pack("=Q", 0b11)  # bind and connect, TCP
    if abi >= _LANDLOCK_SCOPE_ABI:
        attributes += struct.pack("=Q", 0b11)  # abstract sockets and signals
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        return bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _prctl(option: int, value: int) -> bool:
    libc = _libc()
    return libc is not None and bool(libc.prctl(option, value, 0, 0, 0) == 0)


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None, use_errno=True)
