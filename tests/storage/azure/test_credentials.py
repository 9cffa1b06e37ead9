"""Signing in to Azure Blob: every way, what is refused, and secrets that change on the way."""

from datetime import timedelta

import pytest
from servers.azurite import ACCOUNT, KEY

from airflow_ml.exceptions import AuthenticationException, ServiceException, UserErrorException
from airflow_ml.storage.azure.addresses import StorageAddress, settings_in
from airflow_ml.storage.azure.signing import sign_container
from airflow_ml.storage.factory import StoreContext, open_store

HOUR = timedelta(hours=1)
EXPIRED = timedelta(hours=-1)


def token(store, permissions="rwdl", lifetime=HOUR):
    """Return a token for a store's container."""
    address = store.client.address
    return sign_container(ACCOUNT, KEY, address.container, permissions=permissions, lifetime=lifetime)


@pytest.fixture
def signed(azurite, blob_store):
    """Function that opens the container of `blob_store` with other secrets, one for each time it asks for them."""

    def signed(auth, *secrets, **more):
        left = list(secrets)
        settings = azurite.settings(blob_store.client.address.container, auth=auth, **more)
        return open_store(settings, StoreContext("blobs", credentials=lambda: left.pop(0)))

    return signed


@pytest.mark.azurite
@pytest.mark.parametrize("form", ["{}", "?{}", "https://a.blob.core.windows.net/c?{}"])
def test_a_token_opens_its_container(signed, blob_store, form):
    """As it is, as portals show it, and with the address that it was copied with."""
    store = signed("sas", {"sas_token": form.format(token(blob_store))})

    store.write("d/a b", b"x")

    assert [info.path for info in store.list()] == ["d/a b"]
    assert store.copy("d/a b", "c").size == 1


@pytest.mark.azurite
def test_a_connection_string_opens_an_account(azurite, signed, blob_store):
    """With the key that it holds, or with a token."""
    signed("connection_string", {"connection_string": azurite.connection_string}).write("a", b"x")
    with_token = f"BlobEndpoint={azurite.endpoint}/{ACCOUNT};SharedAccessSignature={token(blob_store)}"

    assert signed("connection_string", {"connection_string": with_token}).open_read("a").read() == b"x"


@pytest.mark.azurite
def test_a_connection_string_tells_where_the_account_lies(azurite, blob_store):
    """Without an endpoint of the datastore's own."""
    blob_store.write("a", b"x")
    settings = {"kind": "azure_blob", "account": ACCOUNT, "container": blob_store.client.address.container}
    secrets = {"connection_string": azurite.connection_string}

    store = open_store({**settings, "auth": "connection_string"}, StoreContext("blobs", credentials=lambda: secrets))

    assert store.identity == blob_store.identity
    assert store.open_read("a").read() == b"x"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("UseDevelopmentStorage=true", "http://127.0.0.1:10000/devstoreaccount1/con/f"),
        (
            "AccountName=acc;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn",
            "https://acc.blob.core.chinacloudapi.cn/con/f",
        ),
        ("AccountName=acc;AccountKey=a2V5", "https://acc.blob.core.windows.net/con/f"),
        ("AccountName=acc;BlobEndpoint=https://blobs.example/acc/;AccountKey=a2V5", "https://blobs.example/acc/con/f"),
    ],
)
def test_a_connection_string_names_an_address(text, url):
    """The emulator's, another cloud's, Azure's or any."""
    settings = {**settings_in(text), "container": "con"}

    assert StorageAddress.of(settings, container="container").url("f") == url


def test_a_text_that_is_no_connection_string_is_told():
    """Without repeating it."""
    with pytest.raises(UserErrorException, match="names neither AccountName nor BlobEndpoint") as caught:
        settings_in("secret")
    assert "'secret'" not in str(caught.value)


@pytest.mark.azurite
def test_a_public_container_needs_no_secret(signed, blob_store):
    """Reading is all that it allows."""
    blob_store.write("a", b"x")
    store = signed("anonymous")
    with pytest.raises(UserErrorException, match="the key or token is not the right one"):
        list(store.list())
    blob_store.blobs.allow_public()

    assert [info.path for info in store.list()] == ["a"]
    assert store.open_read("a").read() == b"x"
    with pytest.raises(UserErrorException):
        store.write("a", b"y")


@pytest.mark.azurite
def test_a_token_that_expires_on_the_way_is_asked_for_again(signed, blob_store):
    """The transfer goes on with the new one; it is asked for once."""
    old, new = token(blob_store, lifetime=EXPIRED), token(blob_store)
    store = signed("sas", {"sas_token": old}, {"sas_token": new})

    store.write("a", b"x")

    assert store.open_read("a").read() == b"x"


@pytest.mark.azurite
def test_a_token_that_has_expired_for_good_is_told(signed, blob_store):
    """The error says what has expired and what to do, and not what it was."""
    old = token(blob_store, lifetime=EXPIRED)
    store = signed("sas", {"sas_token": old}, {"sas_token": old})

    with pytest.raises(
        ServiceException, match=r"'blobs'.* 'a': refused \(403 .*the token \(SAS\) has expired"
    ) as caught:
        store.stat("a")
    assert "sig=" not in str(caught.value)


@pytest.mark.azurite
def test_a_token_of_too_little_is_told(signed, blob_store):
    """A lack of permission is not an expired token, and the caller's to correct."""
    readable = token(blob_store, "rl")
    store = signed("sas", *[{"sas_token": readable}] * 2)

    with pytest.raises(UserErrorException, match=r"write of 'a': refused \(403 .*lacks the permission"):
        store.write("a", b"x")


@pytest.mark.azurite
def test_a_wrong_key_is_told(signed, blob_store):
    """Another account's key, a changed one, or something that is no key."""
    wrong = {"account_key": KEY[:20] + KEY[20:].swapcase()}
    with pytest.raises(UserErrorException, match=r"refused \(403 .*is not the right one"):
        signed("account_key", wrong, wrong).stat("a")
    with pytest.raises(UserErrorException, match="its key is not base64; copy it whole"):
        signed("account_key", {"account_key": "not a key!"}).stat("a")


@pytest.mark.azurite
def test_a_renewed_key_is_used(signed, blob_store):
    """Who rotates the account's keys need not restart anything."""
    store = signed("account_key", {"account_key": KEY[:20] + KEY[20:].swapcase()}, {"account_key": KEY})

    assert list(store.list()) == []


@pytest.mark.parametrize(
    ("auth", "name"), [("account_key", "account_key"), ("sas", "sas_token"), ("connection_string", "connection_string")]
)
def test_a_missing_secret_is_told_before_anything_is_sent(auth, name):
    """The datastore and the secret are named."""
    store = open_store({"kind": "azure_blob", "account": "a", "container": "c", "auth": auth}, StoreContext("blobs"))

    with pytest.raises(AuthenticationException, match=rf"datastore 'blobs': has no {name}; register it again"):
        store.stat("f")


def test_an_unknown_way_to_sign_in_is_told():
    """The ones that there are are listed."""
    store = open_store(
        {"kind": "azure_blob", "account": "a", "container": "c", "auth": "password"}, StoreContext("blobs")
    )

    with pytest.raises(UserErrorException, match="auth is 'password', expected account_key, sas, "):
        store.stat("f")


@pytest.mark.azurite
def test_a_missing_container_is_told(azurite):
    """Reading, listing and writing all say that it is the container that is not there."""
    store = azurite.open("no-such-container")

    for use in (lambda: store.exists("a"), lambda: list(store.list()), lambda: store.write("a", b"")):
        with pytest.raises(UserErrorException, match=r"container 'no-such-container': .*is not there; create it"):
            use()


@pytest.mark.azurite
@pytest.mark.parametrize("name", ["x", "Upper", "under_score"])
def test_a_name_that_no_container_has_is_told(azurite, name):
    """The service's rule is in the error."""
    with pytest.raises(UserErrorException, match="names of containers have 3 to 63"):
        azurite.open(name, create=True)


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({}, "https://acc.blob.core.windows.net/con/f"),
        ({"endpoint": "core.chinacloudapi.cn"}, "https://acc.blob.core.chinacloudapi.cn/con/f"),
        ({"protocol": "http", "endpoint": "127.0.0.1:10000"}, "http://127.0.0.1:10000/acc/con/f"),
        ({"protocol": "http", "endpoint": "10.0.0.7"}, "http://10.0.0.7/acc/con/f"),
        ({"protocol": "http", "endpoint": "azurite"}, "http://azurite/acc/con/f"),
        ({"endpoint": "http://azurite:10000"}, "http://azurite:10000/acc/con/f"),
        ({"endpoint": "http://azurite:10000/acc/"}, "http://azurite:10000/acc/con/f"),
        ({"endpoint": "https://acc.privatelink.example"}, "https://acc.privatelink.example/con/f"),
    ],
)
def test_an_endpoint_is_a_cloud_or_a_server(more, url):
    """Clouds have the account in the host's name; emulators and stand-ins have it in the path."""
    settings = {"account": "acc", "container": "con", **more}

    assert StorageAddress.of(settings, container="container").url("f") == url


@pytest.mark.parametrize("endpoint", ["ftp://host", "https://", "https://user:secret@host", "https://host?sig=secret"])
def test_an_address_that_is_no_servers_is_told(endpoint):
    """What it holds beside the server may be secret, and is not repeated."""
    with pytest.raises(UserErrorException, match="is no address of a server; write https://host") as caught:
        StorageAddress.of({"account": "acc", "container": "con", "endpoint": endpoint}, container="container")
    assert "secret" not in str(caught.value)


@pytest.mark.azurite
def test_a_file_system_is_opened_by_its_blobs(azurite, blob_store):
    """Data Lake Gen2 has file systems where Blob has containers, under one name on one account."""
    blob_store.write("d/a", b"x")
    settings = {**azurite.settings("unused"), "kind": "azure_data_lake_gen2"}
    settings["filesystem"] = blob_store.client.address.container
    del settings["container"]

    store = open_store(settings, StoreContext("lake", credentials=lambda: {"account_key": KEY}))

    assert [info.path for info in store.list("d")] == ["d/a"]
