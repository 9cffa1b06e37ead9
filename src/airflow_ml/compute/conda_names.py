"""
From conda package specifications to pip requirements.

Environments are built by pip's means, so a conda package is taken from the Python package index under the name it
has there: the same in most cases, another in a few, and none for compilers, drivers, R and other non-Python things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_ml.exceptions import RunEnvironmentException

__all__ = ["TranslatedPackages", "translate"]

#: conda name -> pip name, where they differ.
_PIP_NAMES = {
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python-headless",
    "psycopg2": "psycopg2-binary",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ruamel_yaml": "ruamel.yaml",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
}
#: Parts of a conda installation that a virtual environment has of its own, or that only steer conda's solver.
_IGNORED = frozenset({"pip", "nomkl", "cpuonly", "python_abi", "pytorch-mutex", "_libgcc_mutex", "_openmp_mutex"})
_NOT_ON_PIP_NAMES = """
    blas boost bzip2 c-compiler ca-certificates clang compilers cuda cudatoolkit cudnn curl cxx-compiler ffmpeg fftw
    fortran-compiler freetype gcc gdal geos gfortran git git-lfs go graphviz gxx hdf5 icu java jpeg libblas libcurl
    libffi libgcc libgomp liblapack libpng libtiff libuv libxml2 llvm llvmdev maven mkl mpich nccl ncurses nodejs
    numactl openblas openjdk openmp openmpi openssl perl poppler proj pytorch-cuda r readline rust sqlite swig
    tesseract tk unixodbc wget xz zlib zstd
"""
_NOT_ON_PIP = frozenset(_NOT_ON_PIP_NAMES.split())
_NOT_ON_PIP_PATTERN = re.compile(
    r"r-.+|cuda-.+|lib.+-(ng|dev|devel)|(gcc|gxx|gfortran|sysroot|ld_impl|binutils|kernel-headers)_.+|_r-mutex|libcu.+"
)
_SPECIFICATION = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?P<rest>.*)", re.DOTALL)
_VERSION = r"[0-9A-Za-z][0-9A-Za-z.*+!_-]*"
_EXACT = re.compile(rf"(?:==?\s*|\s*)({_VERSION})(?:(?:=|\s+)[^=\s]+)?")
_BOUND = rf"(?:[<>]=?|[=!~]=)\s*{_VERSION}"
_RANGE = re.compile(rf"{_BOUND}(?:\s*,\s*{_BOUND})*")


@dataclass(frozen=True)
class TranslatedPackages:
    """
    What a list of conda packages means to pip.

    Attributes:
        requirements: pip requirements, in the order given.
        python: version specification of the interpreter in pip's form (`==3.8.13`, `>=3.8`), or None.
        warnings: one line, if anything was taken from pip at all.
    """

    requirements: tuple[str, ...] = ()
    python: str | None = None
    warnings: tuple[str, ...] = ()


def translate(specifications: Iterable[str], *, where: str) -> TranslatedPackages:
    """
    Translate conda package specifications.

    `name=1.2` and `name=1.2=build` become `name==1.2`, ranges are kept, channels (`conda-forge::name`) and `pip`
    are dropped, `python` sets the interpreter's version.

    Args:
        specifications: as in the `dependencies` of a conda file, without the pip part.
        where: names the environment in errors.

    Raises:
        RunEnvironmentException: packages that pip does not have, all of them named, or an unreadable one.
    """
    requirements: dict[str, None] = {}
    missing: list[str] = []
    python = None
    for specification in specifications:
        name, version = _parse(specification, where)
        if name == "python":
            python = version or None
        elif name in _NOT_ON_PIP or _NOT_ON_PIP_PATTERN.fullmatch(name):
            missing.append(name)
        elif name not in _IGNORED:
            requirements[_PIP_NAMES.get(name, name) + version] = None
    if missing:
        raise RunEnvironmentException(
            f"{where}: conda packages {', '.join(missing)} are not on the Python package index, from which process"
            " environments are built; remove them, or run the step in a container image that has them"
            " (Environment.docker.base_image or a Dockerfile)"
        )
    warnings = (f"{where}: conda packages are taken from pip as {', '.join(requirements)}",) if requirements else ()
    return TranslatedPackages(tuple(requirements), python, warnings)


def _parse(specification: str, where: str) -> tuple[str, str]:
    """Return name in lower case and version in pip's form, which is empty for any version."""
    text = specification.strip().rpartition("::")[2]
    match = _SPECIFICATION.fullmatch(text.rpartition("/")[2] if "/" in text else text)
    if match is None:
        raise RunEnvironmentException(f"{where}: conda package {specification!r} cannot be read; expected 'name=1.2'")
    name, rest = match["name"].lower(), match["rest"].strip()
    if rest in ("", "*", "=*", "==*"):
        return name, ""
    if exact := _EXACT.fullmatch(rest):
        return name, f"=={exact[1]}"
    if _RANGE.fullmatch(rest):
        return name, re.sub(r"\s+", "", rest)
    raise RunEnvironmentException(
        f"{where}: conda package {specification!r}: version {rest!r} cannot be put in pip's words; write 'name=1.2',"
        " 'name>=1.2,<2' or name it in the pip section"
    )
