import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.observability.crash_reports import clean_event
from rubi.observability.scrub import GONE, scrub, scrub_text

CANARY = "c4n4ry-Secret_9"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://rubi:{CANARY}@localhost:5432/rubi",
        f"redis://:{CANARY}@127.0.0.1:6379/0",
        f"Authorization: Bearer {CANARY}",
        f'{{"password": "{CANARY}"}}',
        f"password={CANARY}&username=a",
        f"refresh_token: {CANARY}",
        f"POST /api/v1/hooks/17/{CANARY} 201",
    ],
)
def test_a_secret_in_a_text_is_taken_out(text):
    assert CANARY not in scrub_text(text)
    assert GONE in scrub_text(text)


def test_tokens_and_hashes_are_taken_out_wherever_they_stand():
    assert JWT not in scrub_text(f"refused {JWT} twice")
    assert "argon2" not in scrub_text("row ('a', '$argon2id$v=19$m=47104,t=1,p=1$c2FsdA$aGFzaA')")


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "jwt_secret", "Authorization", "access_token", "api_key", "DATABASE_URL", "cookie"],
)
def test_what_has_a_telling_name_is_taken_out(name):
    assert scrub({"a": [{name: CANARY}]}) == {"a": [{name: GONE}]}


@given(st.recursive(st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=8))
def test_harmless_values_stay(value):
    assert scrub({"count": value}) == {"count": value}


def test_a_crash_report_has_no_body_no_headers_and_no_secrets():
    event = {
        "request": {"method": "POST", "url": "http://x/", "data": {"password": CANARY}, "headers": {"x": CANARY}},
        "exception": {"values": [{"value": f"could not reach redis://:{CANARY}@h/0"}]},
        "extra": {"refresh_token": CANARY},
    }
    cleaned = clean_event(event)
    assert CANARY not in str(cleaned)
    assert cleaned["request"] == {"method": "POST", "url": "http://x/"}
