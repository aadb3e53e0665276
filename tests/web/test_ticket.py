"""What the ticket, the charts and the dialogs show belongs to what is chosen, and what a person typed stays."""

import asyncio

import pytest
from tests.integration.wire import MSC, SPEC, position

OTHER = {**SPEC, "name": "GBPUSD"}


def ticks(*bids):
    return [
        {"symbol": name, "bid": bid, "ask": round(bid + 0.0001, 5), "time_msc": MSC}
        for name, bid in zip(("EURUSD", "GBPUSD"), bids, strict=False)
    ]


@pytest.fixture
async def page(new_visit, url, owner, terminal):
    await terminal.market(ticks=ticks(1.1), positions=[position(sl=1.09512, tp=1.11)])
    visit = await new_visit(url)
    await visit.sign_in(owner.username)
    await visit.page.wait_for_selector('.dot[data-state="live"]')
    await visit.page.locator("[data-component=OrderTicket] [data-part=preview] .notice").wait_for()
    return visit.page


def entry(page, name):
    return page.locator(f"[data-component=OrderTicket] input[name={name}]")


async def value_is(page, name, value):
    await page.wait_for_function(
        "([name, value]) => document.querySelector(`[data-component=OrderTicket] input[name=${name}]`).value === value",
        arg=[name, value],
    )


def tried(request):
    return request.method == "POST" and request.url.endswith("/trading/orders") and request.post_data_json["dry_run"]


async def test_a_typed_stop_stays_when_another_symbol_turns_up(page, terminal):
    await entry(page, "sl").fill("1.05555")
    await terminal.market(symbols=[SPEC, OTHER], ticks=ticks(1.1, 1.3))
    await page.locator("[data-component=OrderTicket] option[value=GBPUSD]").wait_for(state="attached")
    assert await entry(page, "sl").input_value() == "1.05555"


async def test_what_was_suggested_follows_the_price_and_is_tried_again_and_what_was_typed_does_not(page, terminal):
    await value_is(page, "sl", "1.09790")
    async with page.expect_request(tried) as asked:
        await terminal.market(ticks=ticks(1.2))
    await value_is(page, "sl", "1.19770")
    assert (await asked.value).post_data_json["sl"] == 1.1977
    await entry(page, "sl").fill("1.05")
    async with page.expect_request(lambda request: tried(request) and request.post_data_json["sl"] == 1.05):
        pass
    async with page.expect_request(tried) as asked:
        await terminal.market(ticks=ticks(1.3))
    assert (await asked.value).post_data_json["sl"] == 1.05
    assert await entry(page, "sl").input_value() == "1.05"


async def test_the_gates_stay_open_when_the_preview_is_asked_again(page, terminal):
    preview = page.locator("[data-component=OrderTicket] [data-part=preview]")
    await preview.locator("summary").click()
    first = await preview.locator("details").element_handle()
    await terminal.market(ticks=ticks(1.2))
    await page.wait_for_function("old => !old.isConnected", arg=first)
    assert await preview.locator("details").get_attribute("open") is not None


async def test_a_price_that_ran_away_is_told_in_words(page, terminal):
    await page.evaluate(
        """async ([id, code]) => {
          const store = await import(`${document.documentElement.dataset.assets}/js/store.js`);
          store.apply('ORDER_UPDATE', { id, symbol: 'EURUSD', kind: 'OPEN', side: 'BUY', state: 'REJECTED', code });
        }""",
        [4711, "GUARD_PRICE_BAND"],
    )
    await page.locator('[data-component=Orders] tr[data-order="4711"]').get_by_text("The price moved away").wait_for()


async def test_only_what_was_changed_of_a_position_is_sent_and_nothing_is_rounded(page):
    row = page.locator("[data-component=Positions] tbody tr")
    await page.route("**/modify", lambda route: route.fulfill(json={"state": "QUEUED"}))
    await row.get_by_role("button", name="Modify").click()
    stop = page.locator("dialog input[name=sl]")
    assert await stop.input_value() == "1.09512"
    await page.locator("dialog input[name=tp]").fill("1.12")
    async with page.expect_request("**/modify") as asked:
        await page.locator("dialog").get_by_role("button", name="Save").click()
    sent = (await asked.value).post_data_json
    assert set(sent) == {"tp", "account"}
    assert sent["tp"] == 1.12


async def test_the_bars_of_one_symbol_never_stand_under_the_name_of_another(page, terminal):
    bars = [
        {**dict.fromkeys(("open", "high", "low", "close"), 1.1), "symbol": "EURUSD", "timeframe": "M1"}
        | {"time": MSC // 1000 - 60 * place, "tick_volume": 1, "spread": 5, "real_volume": 0}
        for place in range(1, 4)
    ]
    await terminal.market(symbols=[SPEC, OTHER], ticks=ticks(1.1, 1.3), bars=bars)
    chart = page.locator("[data-component=ChartArea]")
    await chart.locator("option[value=GBPUSD]").wait_for(state="attached")
    await chart.get_by_role("button", name="M5").click()
    await page.locator('[data-component=ChartArea][data-bars]:not([data-bars="0"])').wait_for()
    answers = asyncio.Queue()
    await page.route("**/market/candles?*GBPUSD*", answers.put)
    await chart.locator("select").select_option("GBPUSD")
    await chart.get_by_text("GBPUSD 1.3").wait_for()
    assert await chart.get_attribute("data-bars") == "0"
    answer = await asyncio.wait_for(answers.get(), 30)
    await answer.fulfill(json={"candles": [], "next": None, "resampled_from": None})
    await chart.get_by_text("No bars of this symbol yet").wait_for()


async def test_bars_that_come_after_their_chart_has_gone_are_not_painted(page, terminal):
    await terminal.market(symbols=[SPEC, OTHER], ticks=ticks(1.1, 1.3))
    chart = page.locator("[data-component=ChartArea]")
    await chart.locator("option[value=GBPUSD]").wait_for(state="attached")
    answers = asyncio.Queue()
    await page.route("**/market/candles?*GBPUSD*", answers.put)
    await chart.locator("select").select_option("GBPUSD")
    answer = await asyncio.wait_for(answers.get(), 30)
    await page.evaluate("() => { location.hash = 'journal' }")
    await chart.wait_for(state="detached")
    bar = {**dict.fromkeys(("open", "high", "low", "close"), 1.3), "time": "2026-01-01T00:00:00Z", "tick_volume": 1}
    async with page.expect_response("**/market/candles?*GBPUSD*"):
        await answer.fulfill(json={"candles": [bar], "next": None, "resampled_from": None})
    painted = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
      () => done(performance.getEntriesByName('rubi.candles').length))))"""
    assert await page.evaluate(painted) == 0


async def test_a_history_that_comes_after_its_view_has_gone_is_not_drawn(page):
    answers = asyncio.Queue()
    await page.route("**/account/*/history?*", answers.put)
    await page.evaluate("() => { location.hash = 'account' }")
    answer = await asyncio.wait_for(answers.get(), 30)
    await page.evaluate("() => { location.hash = 'journal' }")
    await page.locator("[data-component=Equity]").wait_for(state="detached")
    point = {"time": "2026-01-01T00:00:00Z", "equity": 1, "balance": 1, "drawdown": 0}
    async with page.expect_response("**/account/*/history?*"):
        await answer.fulfill(json={"points": [point, point | {"time": "2026-01-01T00:01:00Z"}], "max_drawdown": 0})
    drawn = """async () => {
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const { default: uPlot } = await import(`${document.documentElement.dataset.assets}/vendor/uplot/uPlot.esm.js`);
      return uPlot.sync('equity').plots.length;
    }"""
    assert await page.evaluate(drawn) == 0
