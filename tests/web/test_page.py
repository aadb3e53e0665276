import os
import re
import time
from datetime import UTC, datetime

import pytest
from tests.integration.wire import SPEC, WireTerminal, position
from tests.serving import PASSWORD, SECRET
from tests.web.conftest import simulated

from rubi.domain.risk.codes import DenialCode
from rubi.flows.set_up_service import setup_code
from rubi.web import FOLDER, page

IN_FRENCH = dict(
    re.findall(r"^  ([A-Z_]+): '(.*)',$", (FOLDER / "js" / "i18n" / "refusals_fr.js").read_text(), re.MULTILINE)
)

HOSTILE = "<img src=x onerror=window.harmed=1>"


async def test_the_first_visit_asks_for_the_code_and_opens_the_page(new_visit, url):
    visit = await new_visit(url)
    page = visit.page
    visit.allowed = ("401",)
    await page.goto(url)
    await page.fill("input[name=code]", "AAAA-BBBB-CCCC")
    await page.fill("input[name=email]", "first@example.com")
    await page.fill("input[name=username]", "first")
    await page.fill("input[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=this is not the set-up code")
    await page.fill("input[name=code]", setup_code(SECRET))
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=No MetaTrader account yet")
    await visit.shot("first-visit")


async def test_a_wrong_password_is_said_and_a_right_one_survives_a_reload(new_visit, url, owner):
    visit = await new_visit(url)
    page = visit.page
    visit.allowed = ("401",)
    await page.goto(url)
    await page.fill("input[name=username]", owner.username)
    await page.fill("input[name=password]", "wrong-password")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=the username or the password is wrong")
    await visit.sign_in(owner.username)
    assert await page.evaluate("sessionStorage.getItem('rubi.refresh')") is None
    await page.reload()
    await page.wait_for_selector("header .bar")
    assert await page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage)).join()") in {
        "",
        "rubi.account",
    }
    await page.click("text=Sign out")
    await page.wait_for_selector("input[name=password]")
    await page.reload()
    await page.wait_for_selector("input[name=password]")


async def test_a_push_of_the_terminal_is_on_the_page_within_a_second(new_visit, url, owner, terminal):
    await terminal.market(positions=[position(profit=20.0)])
    visit = await new_visit(url)
    await visit.sign_in(owner.username)
    row = visit.page.locator('[data-component=Positions] tr[data-ticket="901"]')
    await row.get_by_text("+20.00").wait_for()
    await visit.page.wait_for_selector('.dot[data-state="live"]')
    taken = []
    for number in range(5):
        profit = 31.25 + number
        money = {"balance": 10000.0, "equity": 10000 + profit, "margin": 0.0, "margin_free": 10000.0, "profit": profit}
        began = time.perf_counter()
        await terminal.market(positions=[position(profit=profit)], account=money)
        await row.get_by_text(f"+{profit:.2f}").wait_for()
        await visit.page.get_by_text(f"{10000 + profit:,.2f} USD").first.wait_for()
        taken.append(time.perf_counter() - began)
    assert sorted(taken)[2] < 1, taken
    await terminal.market(positions=[])
    await visit.page.wait_for_selector("text=No open positions")


async def test_an_order_of_the_ticket_is_tried_placed_filled_and_closed(new_visit, url, owner, tmp_path):
    async with simulated(url, owner.token, tmp_path):
        visit = await new_visit(url)
        page = visit.page
        await visit.sign_in(owner.username)
        await page.locator("[data-component=OrderTicket] [data-part=preview] >> text=Approved").first.wait_for()
        assert await page.locator("[data-component=Orders] tbody tr").count() == 0, "a preview places nothing"
        await visit.place()
        row = page.locator("[data-component=Positions] tbody tr")
        await visit.shot("terminal-after-a-fill")
        await row.first.get_by_role("button", name=re.compile("^Close")).click()
        await page.click("[data-act=confirm-close]")
        await page.wait_for_selector("text=No open positions")
        await page.locator("[data-component=Orders] tr", has_text="Close").get_by_text("Filled").wait_for()


@pytest.mark.parametrize(
    ("language", "approved", "denied", "failed"),
    [("en-GB", "Approved", "Denied", "not passed"), ("fr-FR", "Approuvé", "Refusé", "non passés")],
)
async def test_a_denied_order_shows_the_gate_and_its_numbers(
    new_visit, client, url, owner, tmp_path, language, approved, denied, failed
):
    async with simulated(url, owner.token, tmp_path):
        visit = await new_visit(url, language=language)
        await visit.sign_in(owner.username)
        ticket = visit.page.locator("[data-component=OrderTicket]")
        await ticket.locator(f"[data-part=preview] >> text={approved}").first.wait_for()
        await ticket.locator("[data-sizing=volume]").click()
        await ticket.locator("input[name=volume]").fill("90")
        await ticket.locator(f"[data-part=preview] >> text={denied}").first.wait_for()
        assert await ticket.locator("[data-part=preview] li").count() >= 1
        await ticket.locator("[data-act=place]").click()
        await visit.page.locator('[data-component=Orders] tr[data-state="DENIED"]').wait_for()
        await visit.page.locator('[data-component=Orders] tr[data-state="DENIED"] .link').click()
        await visit.page.locator(f"dialog >> text={failed}").wait_for()
        orders = (await client.get("/api/v1/trading/orders", headers=owner.headers)).json()["orders"]
        code = next(order["code"] for order in orders if order["state"] == "DENIED")
        notice = await visit.page.locator("dialog .notice").first.inner_text()
        assert (IN_FRENCH[code] if language == "fr-FR" else DenialCode(code).explanation) in notice
        await visit.page.keyboard.press("Escape")
        await visit.page.wait_for_selector("dialog", state="detached")


async def test_the_kill_switch_halts_reduces_flattens_and_resumes(new_visit, client, url, owner, tmp_path):
    async def state():
        said = (await client.get("/api/v1/accounts", headers=owner.headers)).json()
        return said["accounts"][0]["effective_state"]

    async with simulated(url, owner.token, tmp_path):
        visit = await new_visit(url)
        page = visit.page
        await visit.sign_in(owner.username)
        await visit.place()
        await page.click("[data-act=kill]")
        await page.click("dialog [data-act=reduce]")
        await page.wait_for_selector("dialog >> text=Reducing only")
        assert await state() == "REDUCING"
        await page.click("dialog [data-act=halt]")
        await page.wait_for_selector(".banner.halt >> text=Trading is halted")
        assert await state() == "HALTED"
        flatten = page.locator("dialog [data-act=flatten]")
        await flatten.click()
        assert await page.locator("[data-component=Positions] tbody tr").count() == 1, "one press flattens nothing"
        await flatten.click()
        await page.wait_for_selector("text=No open positions")
        await page.click("dialog [data-act=resume]")
        await page.wait_for_selector("dialog >> text=Trading is on")
        assert await state() == "ACTIVE"


async def test_hostile_text_of_a_terminal_stays_text(new_visit, client, url, owner):
    terminal = WireTerminal(client, owner.token, broker=HOSTILE, server=HOSTILE)
    await terminal.connect()
    name = HOSTILE[:60]
    tick = {"symbol": name, "bid": 1.1, "ask": 1.2, "time_msc": int(time.time() * 1000)}
    await terminal.market(
        symbols=[SPEC, {**SPEC, "name": name}], ticks=[tick], positions=[position(symbol=name, comment=HOSTILE)]
    )
    signal = {"symbol": name, "signal_type": "BUY", "stop_loss": 1.0, "volume": 0.1, "comment": HOSTILE}
    signal["indicators"] = {"reasons": [HOSTILE, "</script><script>window.harmed=1</script>"]}
    sent = await client.post("/api/v1/trading/signals", headers=owner.headers, json=signal)
    assert sent.status_code == 201, sent.text
    visit = await new_visit(url)
    await visit.sign_in(owner.username)
    row = visit.page.locator("[data-component=Positions] tbody tr")
    await row.get_by_text(name, exact=True).wait_for()
    await visit.page.locator("[data-component=AiSidebar]").get_by_text(HOSTILE).first.wait_for()
    await visit.page.locator("[data-component=AiSidebar] .signal").first.click()
    await visit.page.locator("dialog h2").wait_for()
    await visit.page.keyboard.press("Escape")
    for view in ("account", "health", "journal", "connect"):
        await visit.view(view)
        await visit.filled(view)
        assert await visit.page.locator("img:not([src*=icon])").count() == 0
    assert await visit.page.evaluate("window.harmed") is None


async def test_what_was_not_heard_of_for_ten_seconds_is_grey(new_visit, url, owner, terminal):
    await terminal.market(positions=[position()])
    visit = await new_visit(url)
    await visit.sign_in(owner.username)
    figures = visit.page.locator("[data-part=summary]")
    await figures.wait_for()
    await terminal.market(positions=[position(profit=21.0)])
    await visit.page.locator("[data-part=summary]:not(.stale)").wait_for()
    await visit.page.locator("[data-part=summary].stale").wait_for(timeout=15_000)
    assert await visit.page.locator("[data-component=Positions] .scroll.stale").count() == 1
    await terminal.market(positions=[position(profit=22.0)])
    await visit.page.locator("[data-part=summary]:not(.stale)").wait_for()


async def test_connecting_a_terminal_turns_the_list_green_step_by_step(new_visit, client, url, owner, tmp_path):
    visit = await new_visit(url, accept_downloads=True)
    page = visit.page
    await visit.sign_in(owner.username)
    await page.click("text=Connect my MT5 >> nth=0")
    await page.wait_for_selector('[data-step=allow][data-state="next"]')
    assert await page.locator(".secret code").first.inner_text() == url
    await page.click("[data-act=create-token]")
    token = await page.locator("[data-part=token]").inner_text()
    assert token.count(".") == 2
    async with page.expect_download() as preset:
        await page.click("[data-act=preset]")
    text = (await (await preset.value).path()).read_text()
    assert f"APIToken={token}" in text
    assert f"BackendURL={url}" in text
    async with page.expect_download() as connector:
        await page.click("text=RubiStudioConnector.mq5")
    assert (await connector.value).suggested_filename == "RubiStudioConnector.mq5"
    async with simulated(url, token, tmp_path):
        for step in ("allow", "token", "account", "prices", "positions"):
            await page.wait_for_selector(f'[data-step={step}][data-state="done"]')
        await page.wait_for_selector('[data-step=arm]:not([data-state="done"])')
        await page.click("[data-act=dry-run]")
        await page.wait_for_selector('[data-step=dry][data-state="done"]')
        await visit.shot("connect")
        await page.click("[data-act=arm]")
        await page.click("[data-act=arm]")
        await page.wait_for_selector('[data-step=arm][data-state="done"]')
    said = (await client.get("/api/v1/trading/orders", headers=owner.headers)).json()
    assert said["orders"] == [], "the dry run stored nothing"
    await visit.view("terminal")
    await visit.view("connect")
    assert await page.locator("[data-part=token]").count() == 0, "a token is shown once"


async def test_two_thousand_candles_are_painted_within_a_second(new_visit, url, owner, terminal):
    now = int(datetime.now(UTC).timestamp()) // 60 * 60
    for begin in range(0, 2000, 500):
        bars = [
            {
                "symbol": "EURUSD",
                "timeframe": "M1",
                "time": now - (2000 - number) * 60 + 10_800,
                "open": 1.1 + number % 7 / 1e4,
                "high": 1.102,
                "low": 1.098,
                "close": 1.1 + number % 5 / 1e4,
                "tick_volume": 3,
                "spread": 5,
                "real_volume": 0,
            }
            for number in range(begin, begin + 500)
        ]
        await terminal.market(bars=bars)
    visit = await new_visit(url)
    await visit.sign_in(owner.username)
    page = visit.page
    chart = page.locator('[data-component=ChartArea][data-bars]:not([data-bars="0"])')
    await chart.wait_for()
    devtools = await visit.context.new_cdp_session(page)
    taken = []
    # A busy machine makes some visit slow, not every one; one that is far too busy tells nothing of the page.
    starved = os.getloadavg()[0] > 3 * (os.cpu_count() or 1)
    while len(taken) < (1 if starved else 10) and (not taken or taken[-1][1] >= 1000):
        await devtools.send("Network.clearBrowserCache")
        await page.reload()
        await page.wait_for_function("() => performance.getEntriesByName('rubi.candles').length > 0")
        assert int(await chart.get_attribute("data-bars")) == 2000
        taken.append(
            await page.evaluate(
                "['first-contentful-paint', 'rubi.candles'].map(name => performance.getEntriesByName(name)[0])"
                ".map(entry => entry.startTime)"
            )
        )
    painted, drawn = taken[-1]
    print(f"nothing cached: first paint {painted:.0f} ms, 2000 candles drawn {drawn:.0f} ms")
    assert painted < drawn
    assert starved or drawn < 1000, taken


async def test_the_pages_of_the_api_need_no_other_host(new_visit, url):
    visit = await new_visit(url)
    await visit.page.goto(f"{url}/docs")
    await visit.page.get_by_text("/api/v1/trading/orders", exact=True).first.wait_for()
    await visit.page.get_by_text("Authorize").first.wait_for()


async def test_a_refusal_without_gates_keeps_its_particulars_in_french(new_visit, url):
    visit = await new_visit(url, language="fr-FR")
    await visit.page.goto(url)
    said = await visit.page.evaluate(
        """async ([folder, decision]) => {
            const { decisionWords } = await import(`${folder}/js/components/decision.js`);
            return decisionWords(decision).innerText;
        }""",
        [f"/assets/{page().digest}", {"approved": False, "code": "POLICY_UNUSABLE", "detail": "cap is 0", "gates": []}],
    )
    assert f"{IN_FRENCH['POLICY_UNUSABLE']} cap is 0" in said


@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
async def test_the_page_speaks_the_browser_s_language(new_visit, url, owner, language):
    visit = await new_visit(url, language=language)
    await visit.page.goto(url)
    french = language == "fr-FR"
    await visit.page.wait_for_selector("h1 >> text=" + ("Connexion" if french else "Sign in"))
    assert await visit.page.evaluate("document.documentElement.lang") == language[:2]
    await visit.sign_in(owner.username)
    await visit.page.get_by_role("button", name="English" if french else "Français").click()
    await visit.page.wait_for_selector("text=" + ("Connect my MT5" if french else "Connecter mon MT5") + " >> nth=0")
    assert await visit.page.locator("input[name=password]").count() == 0
