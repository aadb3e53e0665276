"""The translator: what it must refuse, what it must take, and what it makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mql5.host.translate import TranslationError, translate
from mql5.host.translate.names import builtins

CORPUS = Path(__file__).parent / "corpus"
CONNECTOR = Path(__file__).resolve().parents[2] / "mql5" / "RubiStudioConnector.mq5"
SPEC_INPUTS = {
    "BackendURL": ("string", "https://api.rubi-studio.com"),
    "APIToken": ("string", ""),
    "CheckInterval": ("int", "5000"),
    "EnableAutoTrading": ("bool", "true"),
    "MaxRiskPercent": ("double", "2.0"),
    "MaxOpenPositions": ("int", "5"),
}
"""The specification's inputs, with its defaults."""


def expectation(path: Path) -> tuple[str, str]:
    """The stage and the message that the first line of a corpus file names."""
    first = path.read_bytes().split(b"\n")[0].decode()
    match = re.fullmatch(r"// reject: (translate|compile|flow): (.*)", first)
    assert match is not None, f"{path.name} does not say what it expects"
    return match[1], match[2]


REJECTED = sorted(CORPUS.glob("reject/*.mq5"))
AT_TRANSLATION = [path for path in REJECTED if expectation(path)[0] == "translate"]


@pytest.mark.parametrize("path", AT_TRANSLATION, ids=lambda path: path.stem)
def test_the_translator_refuses_with_the_place_and_the_reason(path: Path) -> None:
    with pytest.raises(TranslationError) as caught:
        translate(path)
    (first, *_) = caught.value.problems
    assert Path(first.file) == path
    assert first.line >= 1
    assert re.search(expectation(path)[1], str(caught.value))


@pytest.mark.parametrize("path", sorted(CORPUS.glob("accept/*.mq5")), ids=lambda path: path.stem)
def test_the_translator_takes_what_metaeditor_takes(path: Path) -> None:
    assert "namespace ea" in translate(path).cpp


def test_the_corpus_has_more_than_sixty_refusals() -> None:
    assert len(REJECTED) >= 60


def written(tmp_path: Path, code: str) -> str:
    """The C++ of a fragment, blanks and line directives removed."""
    source = tmp_path / "a.mq5"
    source.write_text(code + "\nvoid OnTick(void) { }\n")
    return re.sub(r"\s+", "", re.sub(r"#line.*", "", translate(source).cpp))


def test_arrays_literals_and_null_are_rewritten(tmp_path: Path) -> None:
    cpp = written(tmp_path, "string ExtA[]={\"é\",NULL};\nint ExtB[3];\nushort ExtC='A';\ndatetime ExtD=D'1970.01.02';")
    assert 'mql::array<string>ExtA{mql::extent_of_list(),{mql::lit(u"\\u00e9"),mql::null}};' in cpp
    assert "mql::array<int>ExtB{mql::extent<(3)>()};" in cpp
    assert "ushortExtC=static_cast<mql::ushort>(65);" in cpp
    assert "datetimeExtD=mql::datetime(86400L);" in cpp


def test_every_const_reference_gets_a_deleted_twin(tmp_path: Path) -> None:
    cpp = written(tmp_path, "void f(const string &a,const double &b,int &c) { c=1; }")
    assert "voidf(conststring&&a,constdouble&b,int&c)=delete;" in cpp
    assert "voidf(conststring&a,constdouble&&b,int&c)=delete;" in cpp


def test_functions_may_be_used_before_they_are_written(tmp_path: Path) -> None:
    cpp = written(tmp_path, "int first(void) { return(second()); }\nint second(const int x=3) { return(x); }")
    assert cpp.index("intsecond(constintx=3);") < cpp.index("second()")
    assert "intsecond(constintx){" in cpp


def test_lines_of_the_source_are_kept(tmp_path: Path) -> None:
    source = tmp_path / "a.mq5"
    source.write_text("int ExtA=1;\n" + "\n" * 20 + "int ExtB=2;\nvoid OnTick(void) { }\n")
    assert f'#line 22 "{source}"\nint ExtB' in translate(source).cpp.replace(" int", "int").replace("\n int", "\nint")


def test_the_manifest_lists_inputs_with_their_defaults() -> None:
    inputs = {one["name"]: (one["type"], one["default"]) for one in translate(CONNECTOR).manifest["inputs"]}
    assert {name: inputs[name] for name in SPEC_INPUTS} == SPEC_INPUTS


def test_the_connector_is_printable_utf8_and_knows_nothing_of_the_host() -> None:
    text = CONNECTOR.read_bytes().decode("utf-8")
    assert re.search(r"[^\x20-\x7e\r\n\u00a0-\U0010ffff]", text) is None
    assert not re.search(r"#if(n?def)?\s+\w*(HOST|LINUX|GNUC)", text)
    assert "#import" not in text


def test_every_implemented_built_in_is_a_name_of_mql5() -> None:
    names = builtins()
    assert names.functions <= names.known
    assert len(names.functions) > 150


def test_one_error_lists_all_missing_built_ins(tmp_path: Path) -> None:
    source = tmp_path / "a.mq5"
    source.write_text('void OnTick(void)\n  {\n   SendMail("a","b");\n   PlaySound("x");\n  }\n')
    with pytest.raises(TranslationError) as caught:
        translate(source)
    assert [(p.line, p.message.split("'")[1]) for p in caught.value.problems] == [(3, "SendMail"), (4, "PlaySound")]
