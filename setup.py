"""Package metadata of airflow-ml; the tools' settings are in pyproject.toml."""

from pathlib import Path
from typing import Any, ClassVar

from setuptools import Command, find_packages, setup
from setuptools.command.build import build

ROOT = Path(__file__).parent
SOURCE = ROOT / "src" / "airflow_ml"
START_UP_FILE = SOURCE / "compat" / "airflow_ml_compat.pth"

# Exactly {"": "src"} makes an editable install a plain path that type checkers can read. A zip archive that was
# opened without link support has no links in src/airflow_ml: there the two folders are named one by one.
package_dir = {"": "src"}
packages = find_packages("src")
for name in ("operators", "plugins"):
    if not (SOURCE / name / "__init__.py").exists():
        package_dir[f"airflow_ml.{name}"] = name
        packages.append(f"airflow_ml.{name}")

version: dict[str, str] = {}
exec((SOURCE / "_version.py").read_text(encoding="utf-8"), version)  # noqa: S102 - our own file, one assignment


class BuildStartUpFile(Command):
    """
    Put the start-up file beside the package, where Python reads it at its start (see `airflow_ml.compat`).

    A part of `build`, because that is what wheels and editable installs have in common.
    """

    editable_mode = False
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []

    def initialize_options(self) -> None:
        """Nothing to set."""

    def finalize_options(self) -> None:
        """Nothing to set."""

    def run(self) -> None:
        """Copy the file."""
        self.mkpath(self._folder())
        self.copy_file(str(START_UP_FILE), self._folder())

    def get_source_files(self) -> list[str]:
        """Return what the source distribution must have."""
        return [str(START_UP_FILE.relative_to(ROOT))]

    def get_outputs(self) -> list[str]:
        """Return what is made."""
        return [str(Path(self._folder(), START_UP_FILE.name))]

    def get_output_mapping(self) -> dict[str, str]:
        """Return nothing: the file is a copy in editable installs too."""
        return {}

    def _folder(self) -> str:
        # An editable install leaves out what is built, and takes what is put where it installs.
        if self.editable_mode:
            return str(self.get_finalized_command("install").install_lib)
        return str(self.get_finalized_command("build").build_lib)


class Build(build):
    """Everything of `build`, and the start-up file."""

    sub_commands: ClassVar[list[tuple[str, Any]]] = [*build.sub_commands, ("build_start_up_file", None)]


setup(
    name="airflow-ml",
    version=version["__version__"],
    description="Azure ML SDK v1 pipelines on your own Apache Airflow",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10,<3.14",
    package_dir=package_dir,
    packages=packages,
    cmdclass={"build": Build, "build_start_up_file": BuildStartUpFile},
    package_data={
        "airflow_ml": ["py.typed"],
        "airflow_ml.check": ["compatibility.md"],
        "airflow_ml.cli": ["demo/*.txt", "demo/*/*.txt"],
        "airflow_ml.compat": ["airflow_ml_compat.pth"],
        "airflow_ml.plugins": ["preview_code/*.py", "static/*", "static/uplot/*", "templates/*.html"],
        "airflow_ml.registry": ["migrations/*.mako", "migrations/versions/*.py"],
    },
    install_requires=[
        "apache-airflow>=3.3",
        "alembic>=1.13",
        "argcomplete>=3",
        "azure-identity>=1.16",
        "azure-storage-file-share>=12.17",
        "blake3>=1",
        "cryptography>=42",
        "docker>=7",
        "obstore>=0.8",
        "packaging>=23",
        "pandas>=2.1",
        "pluggy>=1.3",
        "pyarrow>=14",
        "pyyaml>=6",
        "sqlalchemy>=2.0.30",
        "uv>=0.5",
    ],
    extras_require={
        # Celery 5.7 has taken away a name that the newest provider still imports.
        "celery": ["apache-airflow-providers-celery>=3.14", "celery[redis]>=5.5,<5.7"],
        "kubernetes": ["apache-airflow-providers-cncf-kubernetes>=10"],
        "mssql": ["pymssql>=2.3", "pyodbc>=5"],
        "mysql": ["pymysql>=1.2"],
        "postgres": ["asyncpg>=0.29", "psycopg2-binary>=2.9"],
        "widgets": ["ipywidgets>=8"],
        "dev": [
            "apache-airflow-providers-celery>=3.14",
            "azure-storage-blob>=12.19",
            "celery[redis]>=5.5,<5.7",
            "furo>=2024.8",
            "hypothesis>=6.100",
            "import-linter>=2.1",
            "ipywidgets>=8",
            "mypy>=1.11",
            "myst-parser>=4",
            "pandas-stubs",
            "playwright>=1.45",
            "psycopg2-binary>=2.9",
            "pymssql>=2.3",
            "pymysql>=1.2",
            "pytest>=8.2",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "sphinx>=8",
            "sphinx-copybutton>=0.5",
        ],
    },
    entry_points={
        "console_scripts": ["airflow-ml = airflow_ml.cli.main:main"],
        "airflow.policy": ["airflow_ml_worker_start = airflow_ml.plugins.worker_start"],
        "airflow.plugins": ["airflow_ml = airflow_ml.plugins.airflow_ml_plugin:AirflowMLPlugin"],
    },
)
