import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.store.statements import split


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ';'",
        "SELECT 'it''s; fine'",
        r"SELECT E'a\';b'",
        r"SELECT 'a\'",
        'SELECT ";" FROM "a;""b"',
        "DO $$ BEGIN PERFORM 1; END $$",
        "DO $body$ SELECT $$;$$; $body$",
        "SELECT 1 -- one; two",
        "SELECT /* ; /* ; */ ; */ 1",
        "SELECT $1, a$b$c FROM t",
        "SELECT '$$;'",
        "SELECT name'; '",
    ],
)
def test_a_semicolon_that_ends_nothing_does_not_split(statement):
    assert split(f"{statement}\n;SELECT 2;") == [statement, "SELECT 2"]


def test_comments_alone_are_no_statement():
    assert split("-- no-transaction\n;/* nothing; */;\nSELECT 1; -- the end\n") == [
        "SELECT 1",
    ]


def test_the_last_statement_needs_no_semicolon():
    assert split("SELECT 1;\nSELECT 2") == ["SELECT 1", "SELECT 2"]


def test_an_open_comment_swallows_the_rest():
    assert split("SELECT 1; /* SELECT 2;") == ["SELECT 1"]


pieces = st.sampled_from(
    ["SELECT 1", "SELECT ';'", "SELECT $a$;$a$", "SELECT /* ; */ 2", 'SELECT ";"', "SELECT E'\\';'"]
)


@given(st.lists(pieces, max_size=8))
def test_joining_and_splitting_gives_the_same_statements(statements):
    assert split(";\n".join(statements)) == statements
