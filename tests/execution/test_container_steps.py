"""Steps whose scripts run in containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from servers.docker_engine import DockerForTests

from airflow_ml.core import Environment
from airflow_ml.core.runconfig import DockerConfiguration, RunConfiguration

pytestmark = pytest.mark.docker


@pytest.fixture
def in_container(docker_engine: DockerForTests, services) -> Iterator[Callable[..., RunConfiguration]]:
    """Return a run configuration with a container; afterwards no container of this test's home may be left."""

    def make(**options: object) -> RunConfiguration:
        environment = Environment("e")
        environment.docker.base_image = docker_engine.image
        environment.python.user_managed_dependencies = True
        configuration = RunConfiguration()
        configuration.environment = environment
        configuration.docker = DockerConfiguration(use_docker=True, **options)
        return configuration

    yield make
    assert services.containers.engine.find_all({"home": home_label(services.home.root)}) == []


from airflow_ml.execution.launching import home_label  # noqa: E402


def test_a_script_runs_in_the_image_and_its_output_is_committed(one, in_container):
    """The image's Python runs the script, and what it wrote is an output like any other."""
    started = one(
        "import sys, platform; print('hello'); open(sys.argv[1], 'w').write(platform.python_version())",
        runconfig=in_container(),
    )

    started.run()

    assert started.output("out").read_text() == "3.11.2"
    assert "hello" in started.log
