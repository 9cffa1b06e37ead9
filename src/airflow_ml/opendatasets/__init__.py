"""
Public data sets that Microsoft keeps on the web (`azureml.opendatasets`): the names of v1; using one says what to do.

The package that fetched them is not part of airflow-ml, but the data can be read: each set is a folder of files with
public addresses.
"""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import NoReturn

__all__ = [
    "MNIST",
    "BingCOVID19Data",
    "BostonSafety",
    "COVID19OpenResearch",
    "COVIDTracking",
    "ChicagoSafety",
    "Diabetes",
    "EcdcCOVIDCases",
    "NoaaGfsWeather",
    "NoaaIsdWeather",
    "NycSafety",
    "NycTlcFhv",
    "NycTlcGreen",
    "NycTlcYellow",
    "OjSalesSimulated",
    "PublicHolidays",
    "PublicHolidaysOffline",
    "SanFranciscoSafety",
    "SeattleSafety",
    "UsLaborCPI",
    "UsLaborEHENational",
    "UsLaborEHEState",
    "UsLaborLAUS",
    "UsLaborLF",
    "UsLaborPPICommodity",
    "UsLaborPPIIndustry",
    "UsPopulationCounty",
    "UsPopulationZip",
]


class _OpenDataset:
    """What all of them have in common."""

    def __init__(
        self,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        cols: Sequence[str] | None = None,
        limit: int = -1,
        enable_telemetry: bool = True,
    ) -> None:
        raise self._refusal("")

    @classmethod
    def get_tabular_dataset(cls, *args: object, **kwargs: object) -> NoReturn:
        """Not supported; the error says what to do."""
        raise cls._refusal(".get_tabular_dataset")

    @classmethod
    def get_file_dataset(cls, *args: object, **kwargs: object) -> NoReturn:
        """Not supported; the error says what to do."""
        raise cls._refusal(".get_file_dataset")

    @classmethod
    def _refusal(cls, call: str) -> NotSupportedError:
        return NotSupportedError(
            f"opendatasets.{cls.__name__}{call}: airflow-ml does not fetch open data sets; look up the addresses of "
            "its files at https://learn.microsoft.com/azure/open-datasets/ and give them to Dataset.File.from_files or "
            "Dataset.Tabular.from_parquet_files"
        )


class BingCOVID19Data(_OpenDataset):
    """Cases of COVID-19 as Bing counts them."""


class BostonSafety(_OpenDataset):
    """Calls to the city of Boston."""


class COVID19OpenResearch(_OpenDataset):
    """Papers about COVID-19."""


class COVIDTracking(_OpenDataset):
    """Cases of COVID-19 in the United States."""


class ChicagoSafety(_OpenDataset):
    """Calls to the city of Chicago."""


class Diabetes(_OpenDataset):
    """A small table of diabetes patients."""


class EcdcCOVIDCases(_OpenDataset):
    """Cases of COVID-19 in Europe."""


class MNIST(_OpenDataset):
    """Handwritten digits."""


class NoaaGfsWeather(_OpenDataset):
    """Weather forecasts."""


class NoaaIsdWeather(_OpenDataset):
    """Weather records."""


class NycSafety(_OpenDataset):
    """Calls to the city of New York."""


class NycTlcFhv(_OpenDataset):
    """Rides of hired cars in New York."""


class NycTlcGreen(_OpenDataset):
    """Rides of green taxis in New York."""


class NycTlcYellow(_OpenDataset):
    """Rides of yellow taxis in New York."""


class OjSalesSimulated(_OpenDataset):
    """Simulated sales of orange juice."""


class PublicHolidays(_OpenDataset):
    """Public holidays of many countries."""


class PublicHolidaysOffline(_OpenDataset):
    """Public holidays of many countries, up to 2018."""


class SanFranciscoSafety(_OpenDataset):
    """Calls to the city of San Francisco."""


class SeattleSafety(_OpenDataset):
    """Calls to the city of Seattle."""


class UsLaborCPI(_OpenDataset):
    """Consumer prices of the United States."""


class UsLaborEHENational(_OpenDataset):
    """Employment in the United States."""


class UsLaborEHEState(_OpenDataset):
    """Employment in the states of the United States."""


class UsLaborLAUS(_OpenDataset):
    """Unemployment in the United States."""


class UsLaborLF(_OpenDataset):
    """Labour force of the United States."""


class UsLaborPPICommodity(_OpenDataset):
    """Producer prices of goods."""


class UsLaborPPIIndustry(_OpenDataset):
    """Producer prices of industries."""


class UsPopulationCounty(_OpenDataset):
    """Population of the United States by county."""


class UsPopulationZip(_OpenDataset):
    """Population of the United States by postal code."""
