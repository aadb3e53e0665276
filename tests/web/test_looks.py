"""Every view, light and dark, wide and narrow: nothing sticks out, axe finds nothing serious, pictures are kept."""

import asyncio
import os
import signal
import time
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.integration.wire import position
from tests.serving import make_token
from tests.web.conftest import SHOWS, simulated

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
SERIOUS = ("serious", "critical")
RUN_AXE = """
async () => (await axe.run(document, {
  resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
})).violations.map(found => ({
  id: found.id, impact: found.impact, help: found.help,
  nodes: found.nodes.slice(0, 3).map(node => node.html.slice(0, 160)),
}))
"""


async def fit(page, where):
    """Nothing sticks out, and axe finds nothing serious."""
    sticks_out = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert sticks_out <= 0, (where, sticks_out)
    cut = await page.evaluate(
        "[...document.querySelectorAll('.panel > div > .scroll')].map(one => one.scrollWidth - one.clientWidth)"
    )
    assert max(cut, default=0) <= 0, (where, cut)
    found = await page.evaluate(RUN_AXE)
    assert [each for each in found if each["impact"] in SERIOUS] == [], where


async def dialog_is_fit(page, where):
    await page.locator("dialog .body").wait_for()
    await page.locator("dialog [role=status]").wait_for(state="detached")
    await fit(page, where)
    await page.keyboard.press("Escape")
    await page.locator("dialog").wait_for(state="detached")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("theme", "wide", "language"),
    [("light", True, "en-GB"), ("dark", True, "fr-FR"), ("light", False, "fr-FR"), ("dark", False, "en-GB")],
)
async def test_every_view_is_fit_to_be_used(new_visit, url, owner, tmp_path, theme, wide, language):
    async with simulated(url, owner.token, tmp_path):
        # axe looks at the page with a script of its own, which the page's policy refuses.
        visit = await new_visit(url, wide=wide, theme=theme, language=language, bypass_csp=True)
        page = visit.page
        await page.goto(url)
        await page.locator("input[name=password]").wait_for()
        await page.evaluate(AXE)
        await fit(page, "sign in")
        await visit.sign_in(owner.username)
        await visit.place()
        await page.evaluate(AXE)
        for view in SHOWS:
            await visit.view(view)
            await visit.filled(view)
            await fit(page, view)
            await visit.shot(f"{view}-{'wide' if wide else 'narrow'}-{theme}-{language[:2]}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("theme", "language"), [("light", "en-GB"), ("dark", "fr-FR")])
async def test_every_dialog_is_fit_to_be_used(new_visit, url, owner, client, tmp_path, theme, language):
    async with simulated(url, owner.token, tmp_path):
        visit = await new_visit(url, wide=False, theme=theme, language=language, bypass_csp=True)
        page = visit.page
        await visit.sign_in(owner.username)
        await visit.place()
        sent = await client.post(
            "/api/v1/trading/signals", headers=owner.headers, json={"symbol": "EURUSD", "signal_type": "BUY"}
        )
        assert sent.status_code == 201, sent.text
        await page.evaluate(AXE)
        buttons = page.locator("[data-component=Positions] tbody tr").first.get_by_role("button")
        await buttons.nth(1).click()
        await dialog_is_fit(page, "modify")
        await buttons.nth(2).click()
        await dialog_is_fit(page, "close")
        await page.locator("[data-component=Orders] tbody .link").first.click()
        await dialog_is_fit(page, "order")
        await page.locator("[data-component=AiSidebar] .signal").first.click()
        await dialog_is_fit(page, "signal")
        await page.click("[data-act=kill]")
        await visit.shot(f"kill-switch-narrow-{theme}-{language[:2]}")
        await dialog_is_fit(page, "kill switch")
        await visit.view("connect")
        await page.click("[data-act=create-token]")
        await page.locator("[data-part=token]").wait_for()
        await fit(page, "a token is shown")


async def test_what_is_old_is_grey_and_can_still_be_read(new_visit, url, owner, terminal):
    await terminal.market(positions=[position()])
    visit = await new_visit(url, bypass_csp=True)
    page = visit.page
    await visit.sign_in(owner.username)
    await page.evaluate(AXE)
    for part in ("[data-part=summary].stale", "[data-component=Positions] .scroll.stale", ".chart.stale"):
        await page.locator(part).wait_for()
    assert await page.get_by_text("Old", exact=True).count() == 3, "the chart, the ticket and the positions say so"
    await fit(page, "old, light")
    await page.get_by_role("button", name="Light or dark").click()
    await fit(page, "old, dark")


async def test_everything_can_be_reached_by_keyboard(new_visit, url, owner, tmp_path):
    async with simulated(url, owner.token, tmp_path):
        visit = await new_visit(url)
        page = visit.page
        await visit.sign_in(owner.username)
        await page.locator("[data-part=preview] >> text=Approved").first.wait_for()
        reached = set()
        await page.locator(".skip").focus()
        for _ in range(60):
            await page.keyboard.press("Tab")
            reached.add(
                await page.evaluate(
                    "(({dataset, name, hash, textContent}) => dataset.act || dataset.side || dataset.sizing || name"
                    " || hash || textContent)(document.activeElement)"
                )
            )
        assert {"kill", "place", "BUY", "SELL", "risk", "volume", "sl", "tp", "symbol", "#connect"} <= reached
        await page.locator("[data-act=kill]").focus()
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.dataset.act") == "halt"
        await page.keyboard.press("Escape")
        assert await page.evaluate("document.activeElement.dataset.act") == "kill"


@pytest.mark.faults
@pytest.mark.timeout(240)
async def test_the_page_is_back_within_five_seconds_of_a_killed_api(new_visit, new_stack, new_user, tmp_path):
    with new_stack() as running:
        person = await new_user(running.url)
        token = await make_token(person.client, person.access_token)
        visit = await new_visit(running.url)
        page = visit.page
        # The browser itself says on the console that a line was cut.
        visit.allowed = ("WebSocket connection", "Failed to load resource")
        async with simulated(running.url, token["token"], tmp_path):
            await visit.sign_in(person.username, person.password)
            await page.locator('.dot[data-state="live"]').wait_for()
            await visit.place()
            os.kill(running.pid("api"), signal.SIGKILL)
            await page.locator(".banner.away").wait_for()
            missed = await _store_unheard(running.database_url)
            answered = await _first_answer(running.url)
            await page.locator('.dot[data-state="live"]').wait_for()
            took = time.monotonic() - answered
            print(f"live again {took:.2f} s after the service answered")
            assert took < 5
            await page.locator(".banner.away").wait_for(state="detached")
            await page.locator(f'[data-signal="{missed}"]').wait_for()
            await page.locator("[data-part=summary]:not(.stale)").wait_for()
            async with asyncio.timeout(30):
                while (shown := await page.evaluate(SHOWN)) != (stored := await _stored(person.client)):
                    await asyncio.sleep(0.2)
            assert shown == stored
            assert len(stored["positions"]) == len(stored["orders"]) == len(stored["signals"]) == 1


SHOWN = """() => {
  const all = (selector, ...names) => [...document.querySelectorAll(selector)]
    .map(({ dataset }) => names.map(name => dataset[name])).sort();
  return {
    positions: all('[data-component=Positions] tr[data-ticket]', 'ticket'),
    orders: all('[data-component=Orders] tr[data-order]', 'order', 'state'),
    signals: all('[data-signal]', 'signal', 'status'),
    balance: [...document.querySelectorAll('[data-part=summary] dd')][1].textContent,
  };
}"""


async def _stored(client: httpx.AsyncClient) -> dict[str, object]:
    """The state as REST tells it, in the page's words."""

    async def told(path: str) -> list[dict]:
        (listed,) = [each for each in (await client.get(f"/api/v1/{path}")).json().values() if isinstance(each, list)]
        return listed

    (account,) = await told("accounts")
    return {
        "positions": sorted([each["ticket"]] for each in await told("trading/positions")),
        "orders": sorted([str(each["id"]), each["state"]] for each in await told("trading/orders")),
        "signals": sorted([str(each["id"]), each["status"]] for each in await told("trading/signals")),
        "balance": f"{account['money']['balance']:,.2f} {account['currency']}",
    }


async def _store_unheard(database_url: str) -> int:
    """Change what is stored while no API runs, and tell nobody: the id of a signal that was refused meanwhile."""
    conn = await asyncpg.connect(database_url)
    try:
        return await conn.fetchval(
            """INSERT INTO trading_signals (user_id, account_id, source, dedupe_key, body_sha256, symbol, signal_type,
                 signal_time, received_at, expires_at, status, detail_status, code, decided_at)
               SELECT user_id, id, 'api', 'unheard', '', 'EURUSD', 'BUY', now(), now(), now(), 'REJECTED', 'REJECTED',
                 'SIGNAL_STALE', now() FROM accounts RETURNING id"""
        )
    finally:
        await conn.close()


async def _first_answer(url: str) -> float:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return time.monotonic()
            except httpx.TransportError:
                await asyncio.sleep(0.05)
