from __future__ import annotations

from fractions import Fraction

import pytest

from airflow_ml.compute.vm_sizes import find, names
from airflow_ml.exceptions import ComputeTargetException


@pytest.mark.parametrize("name", ["STANDARD_NC6s_v3", "Standard_NC6S_V3", "nc6s_v3", " NC6s_v3 "])
def test_any_spelling(name):
    """Case and prefix do not matter; the found name is Azure's."""
    assert find(name).name == "Standard_NC6s_v3"


@pytest.mark.parametrize(
    ("name", "cpus", "memory", "gpus", "model"),
    [
        ("STANDARD_D1_V2", 1, 3.5, 0, None),
        ("STANDARD_D2_V2", 2, 7, 0, None),
        ("STANDARD_DS3_V2", 4, 14, 0, None),
        ("STANDARD_DS12_V2", 4, 28, 0, None),
        ("STANDARD_D15_V2", 20, 140, 0, None),
        ("STANDARD_D4s_v3", 4, 16, 0, None),
        ("STANDARD_F72s_v2", 72, 144, 0, None),
        ("STANDARD_NC6", 6, 56, 1, "K80"),
        ("STANDARD_NC24rs_v3", 24, 448, 4, "V100"),
        ("STANDARD_ND96asr_v4", 96, 900, 8, "A100"),
        ("STANDARD_NV12ads_A10_v5", 12, 110, Fraction(1, 3), "A10"),
    ],
)
def test_figures(name, cpus, memory, gpus, model):
    """The figures are those that Microsoft publishes."""
    size = find(name)

    assert (size.cpus, size.memory_gib, size.gpus, size.gpu_model) == (cpus, memory, gpus, model)


@pytest.mark.parametrize(("name", "devices"), [("NV4as_v4", 1), ("NV72ads_A10_v5", 2), ("D2_v2", 0)])
def test_devices(name, devices):
    """A share of a device takes a whole one."""
    assert find(name).gpu_devices == devices


def test_unknown_names_close_ones():
    """A misspelt size names the sizes that were probably meant."""
    with pytest.raises(ComputeTargetException, match=r"'STANDARD_NC6_v3' .* did you mean .*Standard_NC6s_v3"):
        find("STANDARD_NC6_v3")


def test_unknown_without_close_ones():
    """A size like no other gets examples."""
    with pytest.raises(ComputeTargetException, match=r"'huge' is not a known VM size; .* are examples"):
        find("huge")


def test_names_can_be_found():
    """Every listed name is found under itself, with the prefix."""
    assert all(find(name).name == name for name in names())
    assert all(name.startswith("Standard_") for name in names())
