"""What may still be taken: the least of what the system has and what every limit around the process leaves."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest
from cellucid_notebook._arrays.memory import _MemoryStatus, available_bytes

MB = 1 << 20
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the files are those of Linux")

V1_MOUNT = "35 31 0:32 {root} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
V2_MOUNT = "41 31 0:38 {root} /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A machine of 100 GB of which 80 can be had, without a limit."""
    write(tmp_path / "proc/meminfo", f"MemTotal: {100 << 20} kB\nMemFree: 5 kB\nMemAvailable: {80 << 20} kB\n")
    write(tmp_path / "proc/self/cgroup", "0::/\n")
    write(tmp_path / "proc/self/mountinfo", "23 28 0:22 / /proc rw,nosuid - proc proc rw\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def v1(folder: Path, limit: int, used: int, **stat: int) -> None:
    write(folder / "memory.limit_in_bytes", f"{limit}\n")
    write(folder / "memory.usage_in_bytes", f"{used}\n")
    write(folder / "memory.stat", "".join(f"{name} {value}\n" for name, value in stat.items()))


def v2(folder: Path, limit: int | str, used: int, *, high: int | str = "max", **stat: int) -> None:
    write(folder / "memory.max", f"{limit}\n")
    write(folder / "memory.high", f"{high}\n")
    write(folder / "memory.current", f"{used}\n")
    write(folder / "memory.stat", "".join(f"{name} {value}\n" for name, value in stat.items()))


def test_without_a_limit_it_is_what_the_system_has_available_not_what_is_free(system: Path) -> None:
    assert available_bytes(system) == 80 << 30


def test_a_limit_of_version_1_counts_less_what_is_used_but_for_files_that_can_be_let_go(system: Path) -> None:
    write(system / "proc/self/cgroup", "5:cpu:/job\n4:cpuset,memory:/slurm/job_7\n0::/\n")
    write(system / "proc/self/mountinfo", V1_MOUNT.format(root="/"))
    groups = system / "sys/fs/cgroup/memory"
    v1(groups, 9223372036854771712, 50 << 30)
    v1(groups / "slurm/job_7", 1600 * MB, 1200 * MB, total_inactive_file=300 * MB, total_active_file=100 * MB)
    assert available_bytes(system) == 700 * MB


def test_a_limit_of_version_2_counts_and_max_is_none(system: Path) -> None:
    write(system / "proc/self/cgroup", "0::/kubepods/pod1/box\n")
    write(system / "proc/self/mountinfo", V2_MOUNT.format(root="/"))
    box = system / "sys/fs/cgroup/kubepods/pod1/box"
    v2(box, "max", 900 * MB)
    assert available_bytes(system) == 80 << 30
    v2(box, 2000 * MB, 900 * MB, inactive_file=100 * MB)
    assert available_bytes(system) == 1200 * MB
    v2(box, 2000 * MB, 900 * MB, high=1500 * MB, inactive_file=100 * MB)
    assert available_bytes(system) == 700 * MB, "past high it would hardly go on"


@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_of_the_groups_around_the_process_counts(system: Path, version: int) -> None:
    write(system / "proc/self/cgroup", "4:memory:/a/b/c\n" if version == 1 else "0::/a/b/c\n")
    mount, groups = (V1_MOUNT, "sys/fs/cgroup/memory") if version == 1 else (V2_MOUNT, "sys/fs/cgroup")
    write(system / "proc/self/mountinfo", mount.format(root="/"))
    make = v1 if version == 1 else v2
    make(system / groups / "a/b/c", 4000 * MB, 1000 * MB)
    make(system / groups / "a/b", 3500 * MB, 3100 * MB)  # its other children use the rest
    make(system / groups / "a", 8000 * MB, 5000 * MB)
    assert available_bytes(system) == 400 * MB


def test_in_a_container_the_own_group_is_what_is_mounted(system: Path) -> None:
    groups = system / "sys/fs/cgroup/memory"
    v1(groups, 1000 * MB, 100 * MB)
    for path, root in [("/docker/abc", "/docker/abc"), ("/", "/"), ("/", "/docker/abc"), ("/../x", "/")]:
        write(system / "proc/self/cgroup", f"4:memory:{path}\n")
        write(system / "proc/self/mountinfo", V1_MOUNT.format(root=root))
        assert available_bytes(system) == 900 * MB, (path, root)


def test_limits_further_out_that_a_container_does_not_see_are_told_by_version_1(system: Path) -> None:
    write(system / "proc/self/cgroup", "4:memory:/x\n")
    write(system / "proc/self/mountinfo", V1_MOUNT.format(root="/"))
    v1(
        system / "sys/fs/cgroup/memory/x",
        9223372036854771712,
        300 * MB,
        hierarchical_memory_limit=1000 * MB,
        total_inactive_file=0,
    )
    assert available_bytes(system) == 700 * MB


def test_both_versions_side_by_side_and_several_mounts_are_looked_at(system: Path) -> None:
    write(system / "proc/self/cgroup", "4:memory:/job\n0::/job\n")
    write(
        system / "proc/self/mountinfo",
        V1_MOUNT.format(root="/")
        + "50 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        + "51 31 0:38 / /a\\040place rw shared:9 - cgroup2 cgroup2 rw\n",
    )
    v1(system / "sys/fs/cgroup/memory/job", 5000 * MB, 100 * MB)
    v2(system / "a place/job", 3000 * MB, 100 * MB)
    assert available_bytes(system) == 2900 * MB


def test_more_used_than_allowed_is_nothing_and_never_less(system: Path) -> None:
    write(system / "proc/self/cgroup", "0::/job\n")
    write(system / "proc/self/mountinfo", V2_MOUNT.format(root="/"))
    v2(system / "sys/fs/cgroup/job", 100 * MB, 150 * MB)
    assert available_bytes(system) == 0


@pytest.mark.parametrize("missing", ["memory.current", "memory.max", "memory.stat", "all"])
def test_what_is_missing_or_no_number_is_no_limit(system: Path, missing: str) -> None:
    write(system / "proc/self/cgroup", "what is this\n0::/job\n")
    write(system / "proc/self/mountinfo", "garbage\n" + V2_MOUNT.format(root="/"))
    job = system / "sys/fs/cgroup/job"
    if missing != "all":
        v2(job, 1000 * MB, 100 * MB, inactive_file=100 * MB)
        write(job / missing, "nonsense\n")
    expected = 900 * MB if missing == "memory.stat" else 80 << 30
    assert available_bytes(system) == expected


def test_this_machine_says_something_plausible() -> None:
    pages = int(Path("/proc/meminfo").read_text(encoding="utf-8").split("MemTotal:")[1].split()[0]) * 1024
    assert 0 < available_bytes() <= pages


def test_an_address_space_that_is_limited_leaves_what_it_leaves() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)); "
        "from cellucid_notebook._arrays.memory import available_bytes; print(available_bytes())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(ended.stdout) < 2 << 30


def test_windows_is_asked_with_the_structure_that_it_knows() -> None:
    assert ctypes.sizeof(_MemoryStatus) == 64
