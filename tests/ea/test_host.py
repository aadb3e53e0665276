"""The compiler's and the runtime's strictness, and the terminal around the program."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mql5.host import build as builder
from mql5.host.translate import translate
from tests.ea.conftest import CONNECTOR, program
from tests.ea.driver import Terminal, TerminalError, launch, running
from tests.ea.test_translator import CORPUS, REJECTED, expectation

AT_COMPILATION = [path for path in REJECTED if expectation(path)[0] == "compile"]
IN_FLOW = [path for path in REJECTED if expectation(path)[0] == "flow"]
STRICT = Path(__file__).parent / "programs" / "strict.mq5"


@pytest.fixture(scope="session")
def verdicts() -> dict[str, list[str]]:
    """What g++ says of every corpus file, all of them in one translation unit."""
    parts = ['#include "mql.hpp"']
    for n, path in enumerate(AT_COMPILATION):
        body = translate(path).cpp.split("}  // namespace ea")[0].replace('#include "mql.hpp"', "")
        parts.append(f"namespace case_{n} {{\n{body}\n}}  }}")
    said = builder.judge("\n".join(parts))
    found: dict[str, list[str]] = {path.name: [] for path in AT_COMPILATION}
    user = ""
    for line in said.splitlines():
        if match := re.match(r".*/(\w+\.mq5):\d+:\d+:\s+required from here", line):
            user = match[1]  # the error of a template stands in the runtime's header
        elif match := re.match(r".*/(\w+)\.(mq5|hpp):\d+:\d+: error: (.*)", line):
            found[f"{match[1]}.mq5" if match[2] == "mq5" else user].append(match[3])
    return found


@pytest.mark.parametrize("path", AT_COMPILATION, ids=lambda path: path.stem)
def test_the_compiler_refuses_and_names_the_source(verdicts: dict[str, list[str]], path: Path) -> None:
    said = "\n".join(verdicts[path.name])
    assert re.search(expectation(path)[1], said), said or "it compiled"


@pytest.mark.parametrize("path", IN_FLOW, ids=lambda path: path.stem)
def test_the_flow_of_functions_is_judged(path: Path) -> None:
    with pytest.raises(builder.CompileError, match=expectation(path)[1]):
        builder.check(path)


async def test_what_the_translator_takes_also_runs(tmp_path: Path) -> None:
    for path in sorted(CORPUS.glob("accept/*.mq5")):
        async with running(program(path), tmp_path / path.stem, {"clock": "virtual"}) as terminal:
            assert await terminal.ask("init") == 0, path.name


async def case(tmp_path: Path, number: int) -> Terminal:
    settings = {"clock": "virtual", "inputs": {"InpCase": number}, "allowed_urls": ["http://127.0.0.1:9/"]}
    return await launch(program(STRICT), tmp_path / "t", settings)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, "array out of range: index 2 of 2"),
        (2, "array out of range: index -1 of 2"),
        (3, "string index 3 of 3"),
        (4, "ArrayResize of an array with a fixed size"),
        (5, "negative size"),
        (6, "division by zero"),
        (7, "division by zero"),
        (10, "64-bit integer, not what %d prints"),
        (11, "unsigned 64-bit integer, not what %d prints"),
        (12, "unsigned 64-bit integer, not what %I64d prints"),
        (13, "32-bit integer, not what %I64u prints"),
        (14, "not what %s prints"),
        (15, "not what %f prints"),
        (16, "is a double, not what %d prints"),
        (17, "only 1 arguments are given"),
        (18, "2 arguments for 1 specifiers"),
        (19, "outside the subset"),
        (20, "is a string, not what %d prints"),
        (21, "not what %u prints"),
        (22, "outside the subset"),
        (30, "FileClose of the invalid handle"),
        (31, "FileFlush of the invalid handle"),
        (32, "neither FILE_READ nor FILE_WRITE"),
        (33, "1 to 63 characters"),
        (34, "negative start"),
        (35, "without a selected position"),
        (36, "is not implemented"),
        (37, "only yyyy.mm.dd"),
        (38, "StringSetCharacter"),
        (39, "ArrayFree of an array with a fixed size"),
    ],
)
async def test_the_runtime_ends_a_program_that_does_what_mql5_forgives(
    tmp_path: Path, number: int, message: str
) -> None:
    terminal = await case(tmp_path, number)
    with pytest.raises(TerminalError):
        await terminal.ask("init")
    assert await terminal.ended() != 0
    assert message in terminal.last_words()


@pytest.mark.parametrize(("number", "message"), [(40, "WebRequest inside of OnTradeTransaction"), (41, "Sleep in")])
async def test_a_transaction_handler_may_not_block(tmp_path: Path, number: int, message: str) -> None:
    terminal = await case(tmp_path, number)
    await terminal.ask("init")
    await terminal.ask("balance", amount=1.0)
    with pytest.raises(TerminalError):
        await terminal.ask("advance", ms=100)
    await terminal.ended()
    assert message in terminal.last_words()


async def test_files_stay_in_the_sandbox_and_are_locked(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        terminal = await stack.enter_async_context(
            running(program(STRICT), tmp_path / "t", {"clock": "virtual", "inputs": {"InpCase": 50}})
        )
        await terminal.ask("init")
        assert terminal.prints() == [
            "exclusive -1 5004",
            "move false false",
            "outside -1 -1 5002",
            "unicode 8",
            "missing -1 5019",
            "condition false true 6.0",
        ]


@contextlib.asynccontextmanager
async def plain(tmp_path: Path, code: str, **settings: object) -> AsyncIterator[Terminal]:
    built = builder.build(builder.kept(code, "program.mq5"))
    async with running(built.executable, tmp_path / "t", {"clock": "virtual", **settings}) as terminal:
        yield terminal


async def test_timer_and_tick_events_are_never_queued_twice(tmp_path: Path) -> None:
    code = """
int ExtTicks=0;
int OnInit(void) { EventSetMillisecondTimer(100); return(INIT_SUCCEEDED); }
void OnTick(void) { ExtTicks++; Print("tick ",ExtTicks); }
void OnTimer(void) { Print("timer"); Sleep(700); Print("slept"); }
"""
    async with plain(tmp_path, code, clock="real") as terminal:
        await terminal.ask("init")
        await terminal.event("print", lambda e: e["text"] == "timer")
        for _ in range(5):
            await terminal.ask("quote", bid=1.1, ask=1.2)
        await terminal.event("print", lambda e: e["text"] == "tick 1")
        await terminal.event("print", lambda e: e["text"] == "slept", since=len(terminal.events))
        assert terminal.prints()[:4] == ["timer", "slept", "tick 1", "timer"]


async def test_no_more_than_1024_transactions_wait(tmp_path: Path) -> None:
    code = """
int ExtCount=0;
int OnInit(void) { return(INIT_SUCCEEDED); }
void OnTradeTransaction(const MqlTradeTransaction &t,const MqlTradeRequest &q,const MqlTradeResult &r) { ExtCount++; }
void OnDeinit(const int reason) { Print("seen ",ExtCount); }
"""
    async with plain(tmp_path, code) as terminal:
        await terminal.ask("transactions", mode="hold")
        await terminal.ask("init")
        for _ in range(1100):
            await terminal.ask("balance", amount=1.0)
        await terminal.ask("release")
        assert await terminal.ask("displaced") == 76
        await terminal.ask("advance", ms=10)
        await terminal.ask("deinit")
        assert "seen 1024" in terminal.prints()


async def test_unflushed_data_is_lost_with_the_process_and_flushed_data_is_not(tmp_path: Path) -> None:
    code = """
int OnInit(void)
  {
   int handle=FileOpen("a.txt",FILE_READ|FILE_WRITE|FILE_TXT|FILE_ANSI);
   FileWriteString(handle,"flushed");
   FileFlush(handle);
   FileWriteString(handle,"lost");
   FileSeek(handle,0,SEEK_SET);
   Print("seen ",FileSize(handle)," ",FileReadString(handle));
   FileSeek(handle,0,SEEK_END);
   return(INIT_SUCCEEDED);
  }
"""
    async with plain(tmp_path, code) as terminal:
        await terminal.ask("init")
        assert terminal.prints() == ["seen 11 flushedlost"]
        await terminal.kill()
    assert (tmp_path / "t" / "MQL5" / "Files" / "a.txt").read_text() == "flushed"


async def test_the_broker_survives_the_terminal(tmp_path: Path) -> None:
    async with running(program(STRICT), tmp_path / "t", {"clock": "virtual"}) as terminal:
        ticket = await terminal.ask("balance", amount=250.0)
        await terminal.kill()
    async with running(program(STRICT), tmp_path / "t", {"clock": "virtual"}) as terminal:
        state = await terminal.ask("state")
        assert state["account"]["balance"] == 10250.0
        assert [deal["ticket"] for deal in state["deals"]] == [ticket]


async def test_a_terminal_whose_driver_is_gone_ends(tmp_path: Path) -> None:
    terminal = await launch(program(STRICT), tmp_path / "t", {"clock": "real"})
    assert terminal.process.stdin is not None
    terminal.process.stdin.close()
    assert await terminal.ended() == 0


async def test_an_unknown_command_is_named(tmp_path: Path) -> None:
    async with running(program(STRICT), tmp_path / "t", {"clock": "virtual"}) as terminal:
        with pytest.raises(TerminalError, match="unknown command 'dance'"):
            await terminal.ask("dance")


def test_the_connector_compiles_without_a_warning_and_in_time(tmp_path: Path) -> None:
    """Translate and compile, with the runtime already there: what a change of the EA costs."""
    builder.runtime("checked")
    text = CONNECTOR.read_text() + f"//--- {time.time()}\n"
    copy = tmp_path / "RubiStudioConnector.mq5"
    copy.write_text(text)
    builder.check(copy)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time()
    built = builder.build(copy)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    translate_s = time.process_time() - own
    compile_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    print(f"translated in {translate_s:.2f} s, compiled in {compile_s:.2f} s of processor time")
    assert built.executable.exists()
    assert translate_s < 1.5
    assert compile_s < 15


def test_the_bundle_is_what_is_executed(connector: Path) -> None:
    manifest = json.loads((connector.parent / "manifest.json").read_text())
    assert manifest["files"] == [str(CONNECTOR)]
