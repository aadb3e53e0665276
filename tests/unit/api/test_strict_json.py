import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.api.strict_json import DEEPEST, read_json
from rubi.domain.errors import RubiError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('abc"\\é', max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(values, st.booleans())
def test_what_json_says_is_read_as_it_is(value, ascii_only):
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_broken_rule(body):
    status = None
    try:
        read_json(body)
    except RubiError as error:
        status = error.status
    assert status in {None, 400, 422}


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"", "BODY_NOT_JSON", 400),
        (b"{", "BODY_NOT_JSON", 400),
        (b"\xff\xfe", "BODY_NOT_UTF8", 400),
        (b'{"a": NaN}', "NUMBER_INVALID", 422),
        (b'{"a": -Infinity}', "NUMBER_INVALID", 422),
        (b'{"a": 1e999}', "NUMBER_INVALID", 422),
        (b'{"a": ' + b"9" * 5000 + b"}", "NUMBER_INVALID", 422),
        (b'{"a": 1, "a": 2}', "NAME_TWICE", 400),
        (b'{"b": {"a": 1, "\\u0061": 2}}', "NAME_TWICE", 400),
        (b'{"a": "\\ud800"}', "TEXT_HAS_SURROGATE", 400),
        (b'{"\\udfff": 1}', "TEXT_HAS_SURROGATE", 400),
        (b'{"a": "x\\u0000y"}', "TEXT_HAS_NUL", 400),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "BODY_TOO_DEEP", 400),
        (b"[" * 100_000, "BODY_TOO_DEEP", 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "BODY_TOO_DEEP", 400),
    ],
)
def test_what_is_not_strict_json_is_named(body, code, status):
    with pytest.raises(RubiError) as caught:
        read_json(body)
    assert (caught.value.code, caught.value.status) == (code, status)


def test_brackets_in_texts_neither_count_nor_hide():
    assert read_json(json.dumps({"a": "[" * 500, "b": '\\"[{' * 100}).encode()) is not None
    hidden = b'["' + b"]" * 50 + b'",' + b"[" * 40 + b"]" * 40 + b',"' + b"[" * 50 + b'"]'
    with pytest.raises(RubiError, match="deeper"):
        read_json(hidden)


def test_nesting_up_to_the_limit_is_read():
    assert read_json(b"[" * DEEPEST + b"]" * DEEPEST) is not None


@given(
    st.integers(0, 9), st.sampled_from(["", ".", ".5", "00"]), st.sampled_from(["e", "E", "e+"]), st.integers(300, 9999)
)
def test_no_number_becomes_an_infinity(digit, more, letter, exponent):
    text = f"{digit}{more if not more.endswith('.') else '.0'}{letter}{exponent}"
    try:
        value = json.loads(text)
    except ValueError:
        return
    if value == float("inf"):
        with pytest.raises(RubiError):
            read_json(text.encode())
    else:
        assert read_json(text.encode()) == value


@pytest.mark.parametrize("text", ["9" * 310 + ".0", "-" + "9" * 310 + ".0", "0." + "0" * 400 + "1", "1" * 309 + "e0"])
def test_long_numbers_are_finite_or_refused(text):
    if abs(json.loads(text)) == float("inf"):
        with pytest.raises(RubiError):
            read_json(text.encode())
    else:
        assert read_json(text.encode()) == json.loads(text)
