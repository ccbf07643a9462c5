"""Cores that a container may use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from objectcut.worker import cores

MACHINE = len(os.sched_getaffinity(0))


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "199999 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "20000 100000\n"}, 1),
        # The pod's limit is above that of the container.
        (
            {
                "proc/self/cgroup": "0::/pod/container\n",
                "sys/fs/cgroup/pod/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/pod/container/cpu.max": "max 100000\n",
            },
            3,
        ),
        # The path is the host's, the mount is the container's.
        ({"proc/self/cgroup": "0::/docker/1f2e\n", "sys/fs/cgroup/cpu.max": "150000 50000\n"}, 3),
        (
            {
                "proc/self/cgroup": "12:memory:/a\n4:cpu,cpuacct:/a\n",
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "nonsense\n"}, None),
    ],
)
@pytest.mark.parametrize("machine", [1, 2, 64])
def test_a_limit_counts_as_much_as_the_cores_there_are(files, limit, machine, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(machine)))
    assert cores.available(tree(tmp_path, files)) == min(machine, limit or machine)


def test_this_process_may_use_what_it_may_run_on():
    assert 1 <= cores.available() <= MACHINE


def test_workers_of_one_server_are_counted(tmp_path):
    """Three processes of one parent, two of them workers; this one, which is no worker, is alone."""
    (tmp_path / "model_service_worker.py").write_text(
        "from objectcut.worker.cores import workers; input(); print(workers())"
    )
    (tmp_path / "other.py").write_text("input()")
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys\n"
        "names = ('model_service_worker.py', 'model_service_worker.py', 'other.py')\n"
        "pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\n"
        "started = [subprocess.Popen([sys.executable, name], **pipes) for name in names]\n"
        "print(started[0].communicate('\\n')[0].strip())\n"
        "for process in started[1:]: process.communicate('\\n')\n"
    )
    done = subprocess.run([sys.executable, "parent.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "2", done.stderr
    assert cores.workers() == 1
