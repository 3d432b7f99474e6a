"""How much memory the embedded Postgres takes: by what this machine has, or what a container was given."""

import psutil
import pytest

from llmobs import servers
from llmobs.lib import memory

GIGABYTE = 2**30


@pytest.fixture
def root(tmp_path):
    """A folder with the control groups of both versions in it."""
    for name, text in {
        "sys/fs/cgroup/system.slice/memory.max": "3000000000\n",
        "sys/fs/cgroup/system.slice/llmobs.service/memory.max": "max\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/docker/llmobs/memory.limit_in_bytes": "536870912\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("", []),
        ("0::/\n", []),
        ("0::/system.slice/llmobs.service\n", [3_000_000_000]),
        ("0::/system.slice/another.service\n", [3_000_000_000]),
        ("0::/user.slice\n", []),
        ("4:memory:/docker/llmobs\n1:cpu:/docker/llmobs\n0::/\n", [536_870_912, 9_223_372_036_854_771_712]),
        ("12:cpu,cpuacct:/docker/llmobs\n", []),
        ("0::/../../elsewhere:with/colons\n", []),
    ],
)
def test_the_limit_of_every_control_group_above_counts(root, groups, expected):
    assert memory.limits(groups, root) == expected


def test_what_may_be_used_is_no_more_than_the_machine_has():
    assert 0 < memory.usable() <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("gigabytes", "megabytes"),
    [(0.25, 128), (0.5, 128), (1, 128), (2, 256), (4, 512), (8, 1024), (16, 2048), (64, 2048)],
)
def test_postgres_keeps_an_eighth_of_the_memory_within_bounds(gigabytes, megabytes):
    assert servers.shared_buffers(int(gigabytes * GIGABYTE)) == f"{megabytes}MB"
