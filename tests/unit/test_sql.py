import pytest

from rubi.store.sql import statements


@pytest.fixture
def twin(tmp_path):
    def write(text):
        (tmp_path / "orders.sql").write_text(text)
        return statements(str(tmp_path / "orders.py"))

    return write


def test_a_statement_is_found_by_its_name(twin):
    assert dict(twin("-- Orders.\n\n-- name: one\nSELECT '{}';\n\n-- name: two\nSELECT 2\n")) == {
        "one": "SELECT '{}'",
        "two": "SELECT 2",
    }


def test_a_part_stands_in_every_statement_that_names_it_and_is_none_itself(twin):
    found = twin(
        "-- part: open\nstate = 'OPEN'\n\n-- part: all\nSELECT 1 WHERE {open}\n\n-- name: one\n{all} AND {open}"
    )
    assert dict(found) == {"one": "SELECT 1 WHERE state = 'OPEN' AND state = 'OPEN'"}


@pytest.mark.parametrize("text", ["-- name: one\nSELECT 1\n-- name: one\nSELECT 2", "-- part: a\n1\n-- name: a\n2"])
def test_a_name_is_given_once(twin, text):
    with pytest.raises(ValueError, match=r"orders\.sql names a statement twice"):
        twin(text)


def test_a_part_stands_above_what_names_it(twin):
    with pytest.raises(KeyError, match="later"):
        twin("-- name: one\nSELECT {later}\n-- part: later\n1")
