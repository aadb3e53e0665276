"""docs/risk.md says what the code does."""

import re
from dataclasses import fields

import pytest

from rubi.cli import risk_codes
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.policy import RiskPolicy


def test_the_table_of_codes_is_current():
    assert risk_codes.problems() == []
    text = risk_codes.DOCUMENT.read_text()
    assert all(f"| `{code.value}` | {code.explanation} |" in text for code in DenialCode)


def test_a_code_that_was_added_is_missed_and_a_document_without_marks_is_refused():
    text = risk_codes.DOCUMENT.read_text()
    assert risk_codes.with_table(text.replace("| `STOP_REQUIRED`", "| `STOP_WANTED`")) == text
    with pytest.raises(ValueError, match="codes"):
        risk_codes.with_table("nothing")


def test_every_parameter_that_the_document_names_with_a_default_has_that_default():
    parameters = {field.name: field.default for field in fields(RiskPolicy)}
    text = risk_codes.DOCUMENT.read_text()
    named = set(re.findall(r"`((?:max|min|stop|low|no|day|below|risk|sizing|reduce|warn)_[a-z_]+)`", text))
    assert named <= set(parameters) | {"low_profit_guard"}
    tables = [part.split("\n\n")[0] for part in text.split("| parameter | default | example |\n|---|---|---|\n")[1:]]
    assert len(tables) == 2
    for row in "\n".join(tables).splitlines():
        _, names_said, values_said, *_ = row.split("|")
        names, values = re.findall(r"`([a-z_]+)`", names_said), values_said.strip().split(", ")
        for name, value in zip(names, values * len(names) if len(values) == 1 else values, strict=True):
            default = parameters[name]
            assert value in {"off", "all"} if default in (None, ()) else str(default) == value, name
