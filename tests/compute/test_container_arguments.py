"""What the arguments of a step's container may say."""

from __future__ import annotations

import pytest

from airflow_ml.compute.container import Limits
from airflow_ml.compute.container_arguments import read_arguments, read_size
from airflow_ml.exceptions import NotSupportedError, UserErrorException


@pytest.mark.parametrize(
    "arguments", [["--memory=2g"], ["--memory", "2g"], ["--memory 2g"], ["-m", "2g"], ["--rm", "--memory=2g"]]
)
def test_options_are_read_as_docker_run_takes_them(arguments):
    """Name and value may be one text or two, and short names are known."""
    assert read_arguments(arguments).memory == 2 << 30


def test_what_a_step_may_have():
    """Limits, its network, its name, its own variables, places in memory."""
    read = read_arguments(
        ["--cpus=0.5", "--network=none", "-e", "A=b=c", "--tmpfs=/scratch:size=1g", "--ulimit=memlock=-1:-1", "-h=x"]
    )

    assert (read.cpus, read.network, read.hostname) == (0.5, "none", "x")
    assert read.variables == {"A": "b=c"}
    assert read.tmpfs == {"/scratch": "size=1g"}
    assert read.ulimits == {"memlock": (-1, -1)}


@pytest.mark.parametrize(
    "argument",
    [
        "--privileged",
        "-v=/:/x",
        "--pid=host",
        "--device=/dev/sda",
        "--security-opt=seccomp=unconfined",
        "--userns=host",
    ],
)
def test_what_harms_others_is_refused_by_name(argument):
    """An option that is not known to be harmless is refused, and the text says what is allowed."""
    with pytest.raises(NotSupportedError, match=r"allowed are --cpus"):
        read_arguments([argument])


@pytest.mark.parametrize(
    "argument", ["--network=host", "--memory=lots", "--cpus=-1", "--env=TOKEN=x", "--env=HOME", "x"]
)
def test_a_value_that_is_none_is_refused(argument):
    """The error names the option and what it expected."""
    with pytest.raises(UserErrorException, match="docker argument"):
        read_arguments([argument])


def test_limits_only_get_smaller():
    """A step never gets more than its node has, whatever it asks for."""
    node = Limits(cpus=2.0, memory=1 << 30)

    less = read_arguments(["--cpus=1", "--memory=512m", "--pids-limit=9"]).within(node)
    more = read_arguments(["--cpus=64", "--memory=1t", "--pids-limit=99999"]).within(node)

    assert (less.cpus, less.memory, less.processes) == (1, 512 << 20, 9)
    assert (more.cpus, more.memory, more.processes) == (2, 1 << 30, node.processes)


def test_sizes_have_dockers_units():
    """Units are powers of 1024, in any case, with or without a B."""
    assert [read_size(text) for text in ("1", "1k", "1.5M", "2GB", "1GiB")] == [1, 1024, 1572864, 2 << 30, 1 << 30]
