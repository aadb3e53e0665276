/* Bars of a timeframe, and the bar that a price makes of the last one. */

import { get } from '../api.js';

export const FRAMES = { M1: 60, M5: 300, M15: 900, M30: 1800, H1: 3600, H4: 14400, D1: 86400 };
const PAGE = 1000;

/** `{ bars, madeOf }`: oldest first, `time` in seconds UTC; `madeOf` is the smaller timeframe they were added up from. */
export async function load(account, symbol, frame, { pages = 2 } = {}) {
  const found = [];
  let cursor = null;
  let madeOf = null;
  for (let page = 0; page < pages; page += 1) {
    const asked = { symbol, timeframe: frame, limit: PAGE, account, ...(cursor === null ? {} : { cursor }) };
    const said = await get(`/api/v1/market/candles?${new URLSearchParams(asked)}`);
    found.unshift(...said.candles);
    madeOf = said.resampled_from;
    cursor = said.next;
    if (cursor === null) break;
  }
  return { bars: inOrder(found.map(bar)), madeOf };
}

const bar = (each) => ({ time: Math.floor(Date.parse(each.time) / 1000), open: each.open, high: each.high, low: each.low, close: each.close });

/** A chart needs each time once, rising. */
function inOrder(bars) {
  const byTime = new Map(bars.map((each) => [each.time, each]));
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}

/** The bar that a price belongs to, after it: a change of the last one, or a new one; null for a price of the past. */
export function withPrice(last, value, seconds, span) {
  const time = Math.floor(seconds / span) * span;
  if (last && time < last.time) return null;
  if (last && (last.time === time || seconds < last.time + span)) {
    return { ...last, high: Math.max(last.high, value), low: Math.min(last.low, value), close: value };
  }
  return { time, open: value, high: value, low: value, close: value };
}

/** The newest bars laid over those that are known. */
export function merged(bars, newer) {
  return newer.length === 0 ? bars : inOrder([...bars, ...newer]);
}
