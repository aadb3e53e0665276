"""What the benchmarks say to programs, and which of their modules are benchmarks."""

import ast
import json

import pytest
from tests.benchmarks.report import Report, Result

from rubi.cli.testing import BENCHMARKS, benchmarks

FIGURES = {"case", "value", "unit", "ratio_to_bare", "ratio_to_naive", "p50_ms", "p99_ms"}


def test_the_last_line_is_one_object_without_absent_figures(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["bench", "--json"])
    report = Report("a-benchmark")
    report.add(Result("bare", 1.5, "ms", p50_ms=1.5, p99_ms=2.5))
    report.add(Result("ours", 3.0, "ms", ratio_to_bare=2.0, ratio_to_naive=0.5))
    report.print()
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(said) == {"name", "machine", "results"}
    assert said["name"] == "a-benchmark"
    assert said["results"] == [
        {"case": "bare", "value": 1.5, "unit": "ms", "p50_ms": 1.5, "p99_ms": 2.5},
        {"case": "ours", "value": 3.0, "unit": "ms", "ratio_to_bare": 2.0, "ratio_to_naive": 0.5},
    ]
    assert all(set(result) <= FIGURES for result in said["results"])


def test_what_helps_a_benchmark_is_none():
    known = benchmarks()
    assert {"signal-latency", "decide"} <= known.keys()
    assert not {"report", "servers", "lean-client", "bare-app"} & known.keys()


@pytest.mark.parametrize("name", sorted(benchmarks()))
def test_a_benchmark_says_what_it_measures_and_reports_under_its_name(name):
    tree = ast.parse((BENCHMARKS / f"{name.replace('-', '_')}.py").read_text())
    assert ast.get_docstring(tree)
    reports = [
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "Report"
        and isinstance(call.args[0], ast.Constant)
    ]
    assert reports == [name]
