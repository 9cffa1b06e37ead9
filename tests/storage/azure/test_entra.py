"""Service principals and managed identities: `azure-identity` gets the tokens, Azurite checks them."""

import pytest
from servers.entra import CLIENT, SECRET, TENANT

from airflow_ml.exceptions import AuthenticationException
from airflow_ml.storage.factory import StoreContext, open_store

pytestmark = pytest.mark.azurite


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
