"""How much memory this process may still take before something ends it: the machine, or a limit around the process.

JupyterHub, SLURM and Kubernetes hold a kernel in a cgroup, and what the machine has free says nothing there.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def available_bytes(root: Path = _ROOT) -> int:
    """Bytes that can still be had: the least of what the system has and what every limit leaves; 0 where none is told.

    ``root`` is where `/proc` and `/sys` are, for tests.
    """
    system = _system_available(root)
    figures = [*([] if system is None else [system]), *_cgroup_room(root), *_address_space(root)]
    return max(0, min(figures, default=0))


def _system_available(root: Path) -> int | None:
    """What can be had without swapping, caches that would be given up counted in."""
    if sys.platform == "win32":
        return _windows_available()
    if sys.platform == "darwin":
        return _macos_available()
    return _linux_available(root)


def _linux_available(root: Path) -> int | None:
    for line in _lines(root / "proc/meminfo"):
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _macos_available() -> int | None:
    """As `memory_pressure` tells it: the share of all memory that is free or can be freed."""
    libc = ctypes.CDLL(None)

    def sysctl(name: bytes, kind: type[ctypes.c_int | ctypes.c_uint64]) -> int | None:
        value = kind()
        size = ctypes.c_size_t(ctypes.sizeof(value))
        failed = libc.sysctlbyname(name, ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0))
        return None if failed else int(value.value)

    total, percent = sysctl(b"hw.memsize", ctypes.c_uint64), sysctl(b"kern.memorystatus_level", ctypes.c_int)
    return None if total is None or percent is None else total * percent // 100


class _MemoryStatus(ctypes.Structure):
    """`MEMORYSTATUSEX` of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load_percent", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("total_commit", ctypes.c_uint64),
        ("available_commit", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended", ctypes.c_uint64),
    )


def _windows_available() -> int | None:
    status = _MemoryStatus()
    status.length = ctypes.sizeof(status)
    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]  # only there on Windows
    if not kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    # Past what may be committed an allocation fails, however much memory is free.
    return min(int(status.available), int(status.available_commit))


def _address_space(root: Path) -> Iterator[int]:
    """What `ulimit -v` leaves, as some clusters set it."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = _words(root / "proc/self/statm")
    if limit != resource.RLIM_INFINITY and pages:
        yield limit - int(pages[0]) * os.sysconf("SC_PAGE_SIZE")


def _cgroup_room(root: Path) -> Iterator[int]:
    """What each limit leaves, of the process's own groups and of those around them that can be seen."""
    mounts = list(_memory_mounts(root))
    for line in _lines(root / "proc/self/cgroup"):
        parts = line.rstrip("\n").split(":", 2)
        if len(parts) != 3:
            continue
        is_v2 = parts[1] == ""
        if not is_v2 and "memory" not in parts[1].split(","):
            continue
        for mount_is_v2, mounted, place in mounts:
            if mount_is_v2 == is_v2:
                yield from _room_upward(place, _inside(PurePosixPath(parts[2]), mounted), is_v2=is_v2)


def _memory_mounts(root: Path) -> Iterator[tuple[bool, PurePosixPath, Path]]:
    """Whether it is of version 2, which group is mounted, and where: from `/proc/self/mountinfo`."""
    for line in _lines(root / "proc/self/mountinfo"):
        words, _, rest = line.partition(" - ")
        fields, kind = words.split(), rest.split()
        if len(fields) < 5 or len(kind) < 3:
            continue
        is_v2 = kind[0] == "cgroup2"
        if is_v2 or (kind[0] == "cgroup" and "memory" in kind[2].split(",")):
            yield is_v2, PurePosixPath(_unescaped(fields[3])), root / _unescaped(fields[4]).lstrip("/")


def _unescaped(path: str) -> str:
    """A path of mountinfo: spaces and backslashes are octal there."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _inside(group: PurePosixPath, mounted: PurePosixPath) -> PurePosixPath:
    """Where a group is below the one that is mounted: a container sees its own as the root, or its host's path."""
    return group.relative_to(mounted) if group.is_relative_to(mounted) else PurePosixPath()


def _room_upward(mount: Path, inside: PurePosixPath, *, is_v2: bool) -> Iterator[int]:
    for group in (inside, *inside.parents):
        folder = mount / group
        room = _room_v2(folder) if is_v2 else _room_v1(folder)
        if room is not None:
            yield room


def _room_v1(folder: Path) -> int | None:
    stat = _stat(folder)
    # The second is the lowest of all groups around it, also of those that a container does not see.
    limits = [_number(folder / "memory.limit_in_bytes"), stat.get("hierarchical_memory_limit")]
    return _room(limits, _number(folder / "memory.usage_in_bytes"), stat.get("total_inactive_file", 0))


def _room_v2(folder: Path) -> int | None:
    # Past `high` the system slows a process down until it waits more than it works.
    limits = [_number(folder / "memory.max"), _number(folder / "memory.high")]
    return _room(limits, _number(folder / "memory.current"), _stat(folder).get("inactive_file", 0))


def _room(limits: list[int | None], used: int | None, reclaimable: int) -> int | None:
    """What is left below the lowest limit; pages of files that nobody needs now are given up before it is met."""
    known = [limit for limit in limits if limit is not None]
    if not known or used is None:
        return None
    return min(known) - (used - min(reclaimable, used))


def _stat(folder: Path) -> dict[str, int]:
    pairs = (line.split() for line in _lines(folder / "memory.stat"))
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _number(path: Path) -> int | None:
    """The number in a file; none where there is no such file, or it says `max`: no limit."""
    words = _words(path)
    return int(words[0]) if words and words[0].isdigit() else None


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
