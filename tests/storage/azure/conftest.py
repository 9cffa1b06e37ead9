"""An Azurite that takes tokens of a stand-in for Entra ID."""

import pytest
from servers.azurite import running_azurite
from servers.entra import make_certificate, running_entra


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine, and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def secure_azurite(certificate):
    """An Azurite that takes tokens."""
    options = [
        part for name, place in zip(("--cert", "--key"), certificate, strict=True) for part in (name, str(place))
    ]
    with running_azurite("--oauth", "basic", *options) as server:
        yield server


@pytest.fixture
def entra(certificate, monkeypatch):
    """A stand-in for Entra ID, which this process trusts."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate[0]))
    with running_entra(*certificate) as server:
        yield server
