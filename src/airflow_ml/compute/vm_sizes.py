"""
The VM sizes of Azure that compute targets name: processors, memory and GPUs of one node.

A size says how much of a machine a step may use; no machine is rented by it. Figures as published by Microsoft.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fractions import Fraction

from airflow_ml.exceptions import ComputeTargetException

__all__ = ["VmSize", "find", "names"]

_PREFIX = "STANDARD_"


@dataclass(frozen=True)
class VmSize:
    """
    One node of a compute target.

    Attributes:
        name: with the prefix, as Azure writes it, for instance `Standard_NC6s_v3`.
        memory_gib: GiB of main memory.
        gpus: number of devices; sizes that share a device have a fraction of one.
        gpu_model: for instance `V100`; None without GPUs.
    """

    name: str
    cpus: int
    memory_gib: float
    gpus: Fraction = Fraction(0)
    gpu_model: str | None = None

    @property
    def gpu_devices(self) -> int:
        """Whole devices that a step on this node takes: a share of a device takes one."""
        return -(-self.gpus.numerator // self.gpus.denominator)


def find(size: str) -> VmSize:
    """
    Return the size of that name, in any case, with or without `STANDARD_`.

    Raises:
        ComputeTargetException: there is none; the text names those that are spelt nearly so.
    """
    key = size.strip().upper().removeprefix(_PREFIX)
    found = _SIZES.get(key)
    if found is not None:
        return found
    close = [_SIZES[match].name for match in difflib.get_close_matches(key, _SIZES, n=3, cutoff=0.6)]
    hint = f"; did you mean {' or '.join(close)}?" if close else "; STANDARD_DS3_V2 and STANDARD_NC6s_v3 are examples"
    raise ComputeTargetException(f"vm_size {size!r} is not a known VM size{hint}")


def names() -> tuple[str, ...]:
    """Return the names of all known sizes, with the prefix, sorted."""
    return tuple(sorted(size.name for size in _SIZES.values()))


# Sizes that differ in more than a number: names, CPUs, GiB, GPUs, model.
_GPU_SIZES = """
    NC6                     6   56   1    K80
    NC12                   12  112   2    K80
    NC24 NC24r             24  224   4    K80
    NC6s_v2                 6  112   1    P100
    NC12s_v2               12  224   2    P100
    NC24s_v2 NC24rs_v2     24  448   4    P100
    NC6s_v3                 6  112   1    V100
    NC12s_v3               12  224   2    V100
    NC24s_v3 NC24rs_v3     24  448   4    V100
    NC4as_T4_v3             4   28   1    T4
    NC8as_T4_v3             8   56   1    T4
    NC16as_T4_v3           16  110   1    T4
    NC64as_T4_v3           64  440   4    T4
    NC24ads_A100_v4        24  220   1    A100
    NC48ads_A100_v4        48  440   2    A100
    NC96ads_A100_v4        96  880   4    A100
    NC40ads_H100_v5        40  320   1    H100
    NC80adis_H100_v5       80  640   2    H100
    ND6s                    6  112   1    P40
    ND12s                  12  224   2    P40
    ND24s ND24rs           24  448   4    P40
    ND40rs_v2              40  672   8    V100
    ND96asr_v4             96  900   8    A100
    ND96amsr_A100_v4       96 1900   8    A100
    ND96isr_H100_v5        96 1900   8    H100
    NV6                     6   56   1    M60
    NV12                   12  112   2    M60
    NV24                   24  224   4    M60
    NV12s_v3               12  112   1    M60
    NV24s_v3               24  224   2    M60
    NV48s_v3               48  448   4    M60
    NV4as_v4                4   14   1/8  MI25
    NV8as_v4                8   28   1/4  MI25
    NV16as_v4              16   56   1/2  MI25
    NV32as_v4              32  112   1    MI25
    NV6ads_A10_v5           6   55   1/6  A10
    NV12ads_A10_v5         12  110   1/3  A10
    NV18ads_A10_v5         18  220   1/2  A10
    NV36ads_A10_v5         36  440   1    A10
    NV36adms_A10_v5        36  880   1    A10
    NV72ads_A10_v5         72  880   2    A10
"""

# Families: name patterns, then CPUs/GiB of each member. {n} is the CPU count, {i} the member's number in the family.
_CPU_FAMILIES = (
    (("A{n}_v2",), "1/2 2/4 4/8 8/16"),
    (("A{n}m_v2",), "2/16 4/32 8/64"),
    (("D{i}", "D{i}_v2", "DS{i}", "DS{i}_v2"), "1/3.5 2/7 4/14 8/28"),
    (("D{n}_v3", "D{n}s_v3"), "2/8 4/16 8/32 16/64 32/128 48/192 64/256"),
    (("D{n}_v4", "D{n}s_v4", "D{n}a_v4", "D{n}as_v4"), "2/8 4/16 8/32 16/64 32/128 48/192 64/256"),
    (("D{n}_v5", "D{n}s_v5", "D{n}as_v5", "D{n}ds_v5"), "2/8 4/16 8/32 16/64 32/128 48/192 64/256 96/384"),
    (("E{n}_v3", "E{n}s_v3"), "2/16 4/32 8/64 16/128 20/160 32/256 64/432"),
    (("E{n}_v4", "E{n}s_v4"), "2/16 4/32 8/64 16/128 20/160 32/256 48/384 64/504"),
    (("F{n}s_v2",), "2/4 4/8 8/16 16/32 32/64 48/96 64/128 72/144"),
)
_D_V2_REST = {"5": "16/56", "11": "2/14", "12": "4/28", "13": "8/56", "14": "16/112", "15": "20/140"}


def _read_sizes() -> dict[str, VmSize]:
    sizes = []
    for line in _GPU_SIZES.strip().splitlines():
        *aliases, cpus, memory, gpus, model = line.split()
        sizes += [VmSize(f"Standard_{name}", int(cpus), float(memory), Fraction(gpus), model) for name in aliases]
    for patterns, members in _CPU_FAMILIES:
        for number, member in enumerate(members.split(), start=1):
            sizes += [_make_cpu_size(pattern.format(n=member.split("/")[0], i=number), member) for pattern in patterns]
    for suffix, member in _D_V2_REST.items():
        sizes += [_make_cpu_size(f"{family}{suffix}_v2", member) for family in ("D", "DS")]
    return {size.name.upper().removeprefix(_PREFIX): size for size in sizes}


def _make_cpu_size(name: str, cpus_and_memory: str) -> VmSize:
    cpus, memory = cpus_and_memory.split("/")
    return VmSize(f"Standard_{name}", int(cpus), float(memory))


_SIZES = _read_sizes()
