"""The page in a real browser: Debian's Chromium, driven by Playwright, over a service of the test's own."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from tests.integration.wire import WireTerminal
from tests.serving import PASSWORD, bearer, listening, make_token, register, settings_for

from rubi.settings import PROJECT_ROOT
from rubi.terminal.run import run_terminal

ARTIFACTS = PROJECT_ROOT / ".ci" / "artifacts"
FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOWS = {
    "terminal": ("ChartArea", "OrderTicket", "Positions", "Orders", "AiSidebar"),
    "account": ("Equity", "RiskStatus", "History"),
    "health": ("Service", "Latency", "Sessions"),
    "journal": ("Audit", "Log"),
    "connect": ("ConnectMyMT5", "Checklist", "Tokens"),
}
FULL = "canvas, tbody tr, .notice, .figure, dd, .empty .title, .step, .signal, [data-token] >> visible=true"
ENDS = ("FILLED", "DENIED", "REJECTED", "EXPIRED", "CANCELED", "UNKNOWN")
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser of this machine; RUBI_CHROMIUM names another."""
    return os.environ.get("RUBI_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_terminal_summary(terminalreporter, config):
    if chromium() is None and terminalreporter.stats.get("skipped"):
        terminalreporter.section("NO BROWSER", red=True, bold=True)
        terminalreporter.line("The tests of the page did NOT run: there is no chromium. apt-get install chromium")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@dataclass(slots=True)
class Visit:
    """A page in a tab of its own, and everything that went wrong in it."""

    page: Page
    context: BrowserContext
    url: str
    problems: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    """What may be said on the console: the test causes it."""

    def watch(self) -> None:
        self.page.on("console", lambda said: said.type == "error" and self.problems.append(said.text))
        self.page.on("pageerror", lambda error: self.problems.append(f"{error}\n{error.stack}"))
        self.page.on("request", lambda request: self._home(request.url))

    def _home(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.url).netloc:
            self.problems.append(f"asked another host: {url}")

    async def sign_in(self, username: str, password: str = PASSWORD) -> None:
        await self.page.goto(self.url)
        await self.page.fill("input[name=username]", username)
        await self.page.fill("input[name=password]", password)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_selector("header .bar")

    async def view(self, name: str) -> None:
        await self.page.evaluate("name => { location.hash = name }", name)
        await self.page.wait_for_selector(f'nav a[href="#{name}"][aria-current=page]')

    async def filled(self, view: str) -> None:
        """Wait until a view shows what it was opened for, be it that there is nothing."""
        for component in SHOWS[view]:
            await self.page.locator(f"[data-component={component}]").locator(FULL).first.wait_for()

    async def place(self) -> None:
        """Send the ticket's order once it is approved, and see it filled; a refusal says why."""
        ticket = self.page.locator("[data-component=OrderTicket]")
        await ticket.locator("[data-part=preview] .notice.good").wait_for()
        await ticket.locator("[data-act=place]").click()
        ended = ", ".join(f"[data-part=outcome][data-state={state}]" for state in ENDS)
        outcome = await ticket.locator(ended).element_handle()
        said = await outcome.evaluate("({dataset}) => `${dataset.state} ${dataset.code}`")
        assert said.startswith("FILLED"), said
        await self.page.locator("[data-component=Positions] tbody tr").first.wait_for()

    async def shot(self, name: str) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.evaluate("scrollTo(0, 0)")
        await self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)

    def check(self) -> None:
        left = [said for said in self.problems if not any(word in said for word in self.allowed)]
        assert left == []


@pytest.fixture
async def new_visit(browser, url) -> AsyncIterator:
    """Return a function that opens a tab; at the end, before the service ends, each must have said nothing wrong."""
    visits: list[Visit] = []

    async def open_tab(url: str, *, wide: bool = True, theme: str = "light", language: str = "en-GB", **more) -> Visit:
        size = {"width": 1440, "height": 900} if wide else {"width": 360, "height": 780}
        context = await browser.new_context(
            viewport=size, color_scheme=theme, locale=language, reduced_motion="reduce", **more
        )
        context.set_default_timeout(30_000)
        visit = Visit(await context.new_page(), context, url)
        visit.watch()
        visits.append(visit)
        return visit

    yield open_tab
    for visit in visits:
        await visit.context.close()
    for visit in visits:
        visit.check()


@pytest.fixture
async def url(dsn, redis_url) -> AsyncIterator[str]:
    """A service without anybody."""
    async with listening(settings_for(dsn, redis_url)) as url:
        yield url


@pytest.fixture
async def client(url) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        yield client


@dataclass(slots=True)
class Owner:
    """A person, and the client that asks in their name."""

    username: str
    token: str
    headers: dict[str, str]


@pytest.fixture
async def owner(client) -> Owner:
    said = await register(client)
    token = await make_token(client, said["access_token"])
    return Owner(said["username"], token["token"], bearer(said["access_token"]))


@pytest.fixture
async def terminal(client, owner) -> WireTerminal:
    """A connected terminal that says what the test wants."""
    terminal = WireTerminal(client, owner.token)
    await terminal.connect()
    return terminal


@contextlib.asynccontextmanager
async def simulated(url: str, token: str, folder: Path, *, with_strategy: bool = False) -> AsyncIterator[None]:
    """A simulated terminal while inside."""
    stop = asyncio.Event()
    running = asyncio.create_task(
        # The market's own pace: on a busy machine the demonstration's leaves an order's price band before it is sent.
        run_terminal(url, token, seed=11, data_dir=folder, stop=stop, with_strategy=with_strategy, speed=1.0)
    )
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)
