"""What the page knows stays what the service knows, however answers and events overtake each other."""

import asyncio
import json

import pytest
from tests.integration.wire import position

ORDER = {"id": 7, "symbol": "EURUSD", "kind": "OPEN", "side": "BUY", "volume": 0.1, "filled_volume": 0.0, "code": None}


def moment(second):
    return f"2026-01-01T00:00:{second:02}.000000+00:00"


class Held:
    """Answers to one path, each held back until the test lets it go."""

    def __init__(self, page):
        self._page = page
        self._asked = asyncio.Queue()
        self._free = False

    async def hold(self, path):
        await self._page.route(path, self._ask)

    async def _ask(self, route):
        if self._free:
            await route.continue_()
        else:
            await self._asked.put(route)

    def free(self):
        """Hold back no other answer."""
        self._free = True

    async def next(self):
        return await asyncio.wait_for(self._asked.get(), 30)


class Line:
    """The live socket between the page and the service: frames can be lost on it, and said that the service did not."""

    def __init__(self):
        self._page_end = None
        self._heard = []
        self._losing = False

    async def lay(self, page):
        await page.route_web_socket("**/ws/live", self._opened)

    def _opened(self, page_end):
        self._page_end = page_end
        page_end.connect_to_server().on_message(self._forward)

    def _forward(self, text):
        self._heard.append(json.loads(text))
        if not self._losing:
            self._page_end.send(text)

    def say(self, kind, data):
        """Say something outside the sequence."""
        self._page_end.send(json.dumps({"type": kind, "data": data}))

    def order(self, state, second, **more):
        self.say("ORDER_UPDATE", ORDER | {"state": state, "at": moment(second)} | more)

    async def during(self, work, kind, *, lose=False):
        """Do some work, and wait until the service has said what came of it; the page hears it unless it is lost."""
        known, self._losing = len(self._heard), lose
        await work
        async with asyncio.timeout(30):
            while not any(frame["type"] == kind for frame in self._heard[known:]):
                await asyncio.sleep(0.02)
        self._losing = False


@pytest.fixture
def line():
    return Line()


@pytest.fixture
async def page(new_visit, url, owner, terminal, line):
    """The terminal view of an account, over a line of the test's own."""
    await terminal.market(positions=[position(901), position(902)])
    visit = await new_visit(url)
    await line.lay(visit.page)
    await visit.sign_in(owner.username)
    await visit.page.locator("[data-component=Positions] tbody tr").nth(1).wait_for()
    await visit.page.wait_for_selector('.dot[data-state="live"]')
    return visit.page


def row(page, ticket):
    return page.locator(f'[data-component=Positions] tr[data-ticket="{ticket}"]')


def order_row(page, state=None):
    return page.locator('[data-component=Orders] tr[data-order="7"]' + (f'[data-state="{state}"]' if state else ""))


async def test_an_answer_that_an_event_overtook_does_not_take_the_event_back(page, line):
    held = Held(page)
    await held.hold("**/api/v1/trading/orders/7")
    line.order("LEASED", 1)
    first = await held.next()
    line.order("FILLED", 3)
    await order_row(page, "FILLED").wait_for()
    await first.fulfill(json=ORDER | {"state": "LEASED", "updated_at": moment(2)})
    again = await held.next()
    assert await order_row(page).get_attribute("data-state") == "FILLED", "that was asked for before the event"
    await again.fulfill(json=ORDER | {"state": "FILLED", "fill_price": 1.2345, "updated_at": moment(3)})
    await order_row(page).get_by_text("1.23450").wait_for()


async def test_an_event_that_a_newer_one_overtook_is_not_believed(page, line):
    held = Held(page)
    await held.hold("**/api/v1/trading/orders/7")
    line.order("FILLED", 3)
    await (await held.next()).fulfill(json=ORDER | {"state": "FILLED", "fill_price": 1.2345, "updated_at": moment(3)})
    await order_row(page).get_by_text("1.23450").wait_for()
    line.order("ACKED", 2)
    asked = await held.next()
    assert await order_row(page).get_attribute("data-state") == "FILLED"
    await asked.fulfill(json=ORDER | {"state": "FILLED", "fill_price": 1.2346, "updated_at": moment(4)})
    await order_row(page).get_by_text("1.23460").wait_for()


async def test_what_happens_while_everything_is_read_is_applied_after_it(page, line, terminal):
    held = Held(page)
    await held.hold("**/api/v1/trading/positions")
    line.say("RESYNC", {"reason": "events were missed"})
    reading = await held.next()
    old = await reading.fetch()
    await line.during(terminal.market(positions=[position(902, profit=41.5)]), "POSITION_UPDATE")
    held.free()
    await reading.fulfill(response=old)
    await row(page, 902).get_by_text("+41.50").wait_for()
    await row(page, 901).wait_for(state="detached")


async def test_events_that_were_missed_while_everything_is_read_are_read_once_more(page, line, terminal):
    held = Held(page)
    await held.hold("**/api/v1/trading/positions")
    line.say("RESYNC", {"reason": "events were missed"})
    reading = await held.next()
    old = await reading.fetch()
    await line.during(terminal.market(positions=[position(903)]), "POSITION_UPDATE", lose=True)
    line.say("RESYNC", {"reason": "events were missed"})
    held.free()
    await reading.fulfill(response=old)
    await row(page, 903).wait_for()
    await row(page, 901).wait_for(state="detached")


async def test_a_gap_in_the_numbers_is_read_afresh(page, line, terminal):
    await line.during(terminal.market(positions=[position(902)]), "POSITION_UPDATE", lose=True)
    assert await row(page, 901).count() == 1, "the page has not heard of it"
    await line.during(terminal.market(positions=[position(902, profit=7.25)]), "POSITION_UPDATE")
    await row(page, 901).wait_for(state="detached")
    await row(page, 902).get_by_text("+7.25").wait_for()
