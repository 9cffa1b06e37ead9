"""Service principals and managed identities: `azure-identity` gets the tokens, Azurite checks them."""

import pytest
from servers.azurite import running_azurite
from servers.entra import CLIENT, SECRET, TENANT, make_certificate, running_entra

from airflow_ml.exceptions import AuthenticationException
from airflow_ml.storage.factory import StoreContext, open_store

pytestmark = pytest.mark.azurite


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


@pytest.fixture
def open_with(secure_azurite, entra):
    """Function that opens the same new container with other settings."""
    with secure_azurite.new_store() as store:

        def open_with(secret=SECRET, **settings):
            settings = secure_azurite.settings(store.client.address.container, **settings)
            return open_store(settings, StoreContext("blobs", credentials=lambda: {"client_secret": secret}))

        yield open_with


def principal(entra, **more):
    """Return the settings of a service principal."""
    who = {"tenant_id": TENANT, "client_id": CLIENT, "authority_url": entra.authority}
    return {"auth": "service_principal", **who, **more}


def test_a_service_principal_signs_in(open_with, entra):
    """One token does for all requests, also for those of obstore."""
    store = open_with(**principal(entra))

    store.write("plain", b"x")
    store.write("with + sign", b"y")

    assert [info.path for info in store.list()] == ["plain", "with + sign"]
    assert store.copy("plain", "copy").size == 1
    assert (entra.given, entra.resources) == (1, {"https://storage.azure.com"})


def test_a_managed_identity_signs_in(open_with, entra, monkeypatch):
    """Where the machine has an identity, nothing secret is kept."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{entra.authority}/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "header")

    open_with(auth="managed_identity").write("a", b"x")

    assert entra.given == 1


def test_tokens_are_renewed_before_they_end(open_with, entra):
    """A transfer outlives the token that it began with."""
    entra.lifetime = 1
    store = open_with(**principal(entra))
    store.write("with + sign", b"x")
    entra.lifetime = 3600

    assert store.open_read("with + sign").read() == b"x"
    assert entra.given >= 2


def test_a_wrong_secret_is_told(open_with, entra):
    """The reason that the other side gives, what to check, and not the secret."""
    store = open_with(secret="wrong and secret", **principal(entra))

    with pytest.raises(
        AuthenticationException, match=r"'blobs': signing in to Azure failed: .*AADSTS7000215"
    ) as caught:
        store.stat("a")
    assert "wrong and secret" not in str(caught.value)
