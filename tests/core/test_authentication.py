"""Ways to log in, which are accepted and not needed."""

from __future__ import annotations

import pytest

from airflow_ml.core import authentication
from airflow_ml.exceptions import AuthenticationException, NotSupportedError

_LOGINS = [
    authentication.InteractiveLoginAuthentication(tenant_id="t"),
    authentication.AzureCliAuthentication(),
    authentication.MsiAuthentication(identity_config={"client_id": "c"}),
    authentication.ServicePrincipalAuthentication("t", "i", "hunter2"),
    authentication.ArmTokenAuthentication("hunter2"),
    authentication.TokenAuthentication(lambda audience: "hunter2"),
    authentication.AzureMLTokenAuthentication("hunter2"),
]


@pytest.mark.parametrize("login", _LOGINS, ids=lambda login: type(login).__name__)
def test_a_login_keeps_no_secret(login: authentication.AbstractAuthentication) -> None:
    """It is accepted wherever v1 takes one; passwords and tokens are dropped at once."""
    assert isinstance(login, authentication.AbstractAuthentication)
    assert "hunter2" not in str(vars(login))


@pytest.mark.parametrize("login", _LOGINS, ids=lambda login: type(login).__name__)
def test_a_login_gives_no_token(login: authentication.AbstractAuthentication) -> None:
    """What would call Azure says what to do instead."""
    for use in (login.get_token, login.signed_session):
        with pytest.raises(NotSupportedError, match=rf"{type(login).__name__}\.\w+ is not supported; "):
            use()


def test_no_login_is_an_authentication_error() -> None:
    """Templates ask for a token first, and try the next way to log in where there is none."""
    with pytest.raises(AuthenticationException, match="get_token is not supported"):
        authentication.AzureCliAuthentication().get_token("https://management.azure.com/.default")
