import json

import asyncpg
import pytest

from rubi.api.errors import answer

DYING = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
"""What asyncpg says of a connection whose server is being killed, between the server's last word and the end."""


@pytest.mark.parametrize("error", [DYING, ConnectionResetError(), TimeoutError(), asyncpg.InterfaceError("closed")])
def test_a_connection_that_dies_under_a_request_is_answered_as_unavailable(error):
    answered = answer({"state": {}}, error)
    assert answered.status_code == 503
    assert answered.headers["Retry-After"]
    assert json.loads(answered.body)["code"] == "STORE_UNAVAILABLE"
