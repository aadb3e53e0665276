import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving import SECRET, settings_for

from rubi.domain.auth import Scope, TokenKind
from rubi.domain.errors import UnauthenticatedError
from rubi.flows.sign_token import REFRESH_LIFETIME, Claims, TokenKeys

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OTHER_SECRET = "Zk3-Pm8q.TxN5wLc9Vb2Rj7Hd4Gs6Fy1Qa"
KEYS = TokenKeys(settings_for("postgresql://x", "redis://x"))


def claims(**more):
    said = {
        "user_id": 7,
        "kind": TokenKind.ACCESS,
        "scope": Scope.PERSON,
        "jti": uuid4(),
        "family": uuid4(),
        "issued_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return Claims(**{**said, **more})


def refused(token, now=NOW):
    with pytest.raises(UnauthenticatedError) as caught:
        KEYS.read(token, now=now)
    return caught.value.code


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header, said, secret=SECRET, algorithm=hashlib.sha256):
    signed = f"{part(header)}.{part(said)}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), algorithm).digest())}"


def body(**more):
    token = KEYS.sign(claims())
    return {**jwt.decode(token, options={"verify_signature": False}), **more}


def resigned(**more):
    """A token of the right key and header with other claims; None takes a claim out."""
    said = {name: value for name, value in body(**more).items() if value is not None}
    header = KEYS.sign(claims()).partition(".")[0]
    signed = f"{header}.{part(said)}"
    return f"{signed}.{part(hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest())}"


@given(
    st.integers(1, 10**17),
    st.sampled_from([(TokenKind.ACCESS, Scope.PERSON), (TokenKind.API, Scope.EA), (TokenKind.REFRESH, Scope.PERSON)]),
    st.uuids(),
    st.integers(1, 86400),
)
def test_what_is_signed_is_read_back(user_id, kind_and_scope, jti, lifetime):
    kind, scope = kind_and_scope
    said = claims(user_id=user_id, kind=kind, scope=scope, jti=jti, expires_at=NOW + timedelta(seconds=lifetime))
    assert KEYS.read(KEYS.sign(said), now=NOW) == said


def test_a_resigned_token_is_read_so_that_the_refusals_below_mean_something():
    assert KEYS.read(resigned(), now=NOW).user_id == 7


@pytest.mark.parametrize("name", ["exp", "iat", "sub", "jti", "typ", "scope", "fam", "aud"])
def test_every_claim_is_needed(name):
    assert refused(resigned(**{name: None})) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "more",
    [
        {"exp": "9999999999"},
        {"exp": 1e30},
        {"exp": float(2**31)},
        {"exp": True},
        {"exp": 10**30},
        {"exp": -1},
        {"exp": int((NOW + timedelta(days=2)).timestamp())},
        {"iat": int((NOW + timedelta(minutes=5)).timestamp()), "exp": int((NOW + timedelta(minutes=9)).timestamp())},
        {"iat": "0"},
        {"sub": 7},
        {"sub": "0"},
        {"sub": "-7"},
        {"sub": "7 OR 1=1"},
        {"sub": "9" * 40},
        {"jti": "7"},
        {"jti": 7},
        {"typ": "root"},
        {"typ": ["access"]},
        {"scope": "admin"},
        {"scope": ["person"]},
        {"aud": "another"},
        {"aud": ["rubi", "another"]},
        {"fam": ""},
    ],
)
def test_a_claim_of_the_wrong_kind_is_refused(more):
    assert refused(resigned(**more)) == "TOKEN_INVALID"


def test_lifetimes_are_capped_by_kind():
    api = TokenKind.API
    assert KEYS.read(KEYS.sign(claims(kind=api, scope=Scope.EA, expires_at=NOW + timedelta(days=365))), now=NOW)
    assert (
        refused(KEYS.sign(claims(kind=api, scope=Scope.EA, expires_at=NOW + timedelta(days=3000)))) == "TOKEN_INVALID"
    )
    late = claims(kind=TokenKind.REFRESH, expires_at=NOW + REFRESH_LIFETIME + timedelta(seconds=1))
    assert refused(KEYS.sign(late)) == "TOKEN_INVALID"


def test_a_token_ends_at_its_second():
    token = KEYS.sign(claims(expires_at=NOW + timedelta(seconds=10)))
    assert KEYS.read(token, now=NOW + timedelta(seconds=9))
    assert refused(token, NOW + timedelta(seconds=10)) == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "JWT"},
        {"alg": "None"},
        {"alg": "HS256", "typ": "JWT"},
        {"alg": "HS512", "typ": "JWT"},
        {"alg": "RS256", "typ": "JWT"},
        {"alg": "HS256", "typ": "JWT", "kid": "../../dev/null"},
        {"alg": "HS256", "typ": "JWT", "kid": "' UNION SELECT 'x"},
        {"alg": "HS256", "typ": "JWT", "jwk": {"kty": "oct", "k": "AAAA"}},
        {"alg": "HS256", "typ": "JWT", "jku": "https://evil.example/keys"},
        {"alg": "HS256", "typ": "JWT", "x5u": "https://evil.example/cert"},
        {"alg": "HS256", "typ": "JWT", "crit": ["exp"]},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {},
        [],
        b"not json at all!",
    ],
)
def test_a_strangers_header_is_refused_even_with_the_right_key(header):
    assert refused(forged(header, body())) == "TOKEN_INVALID"
    assert refused(f"{part(header)}.{part(body())}.") == "TOKEN_INVALID"


def test_another_key_or_a_changed_letter_is_refused():
    assert refused(forged({"alg": "HS256", "typ": "JWT"}, body(), OTHER_SECRET)) == "TOKEN_INVALID"
    header, said, signature = KEYS.sign(claims()).split(".")
    other = KEYS.sign(claims()).split(".")
    assert refused(f"{header}.{other[1]}.{signature}") == "TOKEN_INVALID"
    assert refused(f"{header}.{said}.{signature[:-2]}{'AA' if signature[-2:] != 'AA' else 'BB'}") == "TOKEN_INVALID"
    assert refused(f"{header}.{said}") == "TOKEN_INVALID"
    assert refused(f"{header}.{said}.{signature}.{signature}") == "TOKEN_INVALID"


def mangled():
    """Forgeries as the published vectors of JSON Web Signature have them; each is of a token that is good itself."""
    header, said, signature = KEYS.sign(claims()).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    flipped = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in (0, 15, 31)]
    mac = {"key": SECRET.encode(), "msg": f"{header}.{said}".encode()}
    longer = hmac.new(digestmod=hashlib.sha512, **mac).digest()
    signatures = {
        "no signature": b"",
        "zeroes": bytes(32),
        "a byte short": raw[:-1],
        "half": raw[:16],
        "a byte more": raw + b"\0",
        "twice": raw * 2,
        "SHA-512": longer,
        "SHA-512, cut": longer[:32],
        "MD5": hashlib.md5(mac["msg"]).digest(),
        "no key": hashlib.sha256(mac["msg"]).digest(),
        "an empty key": hmac.digest(b"", mac["msg"], "sha256"),
        "key and text": hashlib.sha256(mac["key"] + mac["msg"]).digest(),
        "the text without its dot": hmac.digest(mac["key"], mac["msg"].replace(b".", b""), "sha256"),
        "the claims alone": hmac.digest(mac["key"], said.encode(), "sha256"),
        "of the key's hash": hmac.digest(hashlib.sha256(mac["key"]).digest(), mac["msg"], "sha256"),
        **{f"bit {at}": each for at, each in enumerate(flipped)},
    }
    found = {name: f"{header}.{said}.{part(value)}" for name, value in signatures.items()}
    wrapped = json.dumps({"protected": header, "payload": said, "signature": signature})
    other = json.dumps({"payload": said, "signatures": [{"protected": header, "signature": signature}]})
    return found | {
        "padding": f"{header}.{said}.{signature}=",
        "a blank before": f" {header}.{said}.{signature}",
        "a line after": f"{header}.{said}.{signature}\n",
        "a blank inside": f"{header}. {said}.{signature}",
        "standard alphabet": f"{header}.{said}.{signature[:-1]}+",
        "JSON, flattened": wrapped,
        "JSON, general": other,
        "no header": f".{said}.{signature}",
        "no claims": f"{header}..{signature}",
        "detached": f"{header}..{signature}",
        "five parts": f"{header}.{said}.{signature}.{said}.{signature}",
        "parts reversed": f"{signature}.{said}.{header}",
        "the signature as claims": f"{header}.{signature}.{said}",
        "header twice": f"{header}{header}.{said}.{signature}",
        "unsigned": f"{part({'alg': 'none'})}.{said}.",
        "not UTF-8": forged_raw(header, b"\xff\xfe{}"),
        "no object": forged_raw(header, b"[1]"),
        "no JSON": forged_raw(header, b"{"),
        "nothing": forged_raw(header, b""),
    }


def forged_raw(header, said):
    """Signed by the right key, with claims that are none."""
    signed = f"{header}.{part(said)}"
    return f"{signed}.{part(hmac.digest(SECRET.encode(), signed.encode(), 'sha256'))}"


@pytest.mark.parametrize("name", sorted(mangled()))
def test_a_forgery_is_refused(name):
    assert refused(mangled()[name]) == "TOKEN_INVALID"


@given(st.text(max_size=300))
def test_any_text_is_refused_without_a_crash(text):
    assert refused(text) == "TOKEN_INVALID"


def test_the_previous_secret_still_reads_and_never_signs():
    old = KEYS.sign(claims())
    rotated = TokenKeys(settings_for("postgresql://x", "redis://x").model_copy(update=_secrets(OTHER_SECRET, SECRET)))
    assert rotated.read(old, now=NOW).user_id == 7
    new = rotated.sign(claims())
    assert refused(new) == "TOKEN_INVALID"
    ended = TokenKeys(settings_for("postgresql://x", "redis://x").model_copy(update=_secrets(OTHER_SECRET, None)))
    assert ended.read(new, now=NOW)
    with pytest.raises(UnauthenticatedError):
        ended.read(old, now=NOW)


def test_two_tokens_of_a_moment_differ():
    assert len({KEYS.sign(claims(jti=UUID(int=number))) for number in range(50)}) == 50


def _secrets(current, previous):
    from pydantic import SecretStr

    return {"jwt_secret": SecretStr(current), "jwt_secret_previous": previous and SecretStr(previous)}
