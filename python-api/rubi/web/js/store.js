/* What the page knows. REST fills it, the live socket brings it up to date, components look at it. */

import * as api from './api.js';
import { decimals } from './format.js';

export const STALE_AFTER = 10_000;
const MOST_KEPT = 300;
const FINAL = new Set(['FILLED', 'DENIED', 'REJECTED', 'EXPIRED', 'CANCELED', 'DONE']);

export const state = {
  connection: 'connecting',
  accounts: new Map(),
  selected: null,
  positions: new Map(),
  orders: new Map(),
  signals: new Map(),
  prices: new Map(),
  digits: new Map(),
  alerts: [],
  log: [],
  heard: new Map(),
  loaded: false,
};

const listeners = new Map();
const waiting = new Set();
let due = false;

/** Call `act` after `topic` changed, at most once a frame; gives what takes it back. */
export function on(topic, act) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(act);
  return () => listeners.get(topic).delete(act);
}

export function tell(topic) {
  waiting.add(topic);
  if (due) return;
  due = true;
  // A hidden page draws no frames.
  if (document.hidden) setTimeout(flush, 100);
  else requestAnimationFrame(flush);
}

function flush() {
  due = false;
  const topics = [...waiting];
  waiting.clear();
  for (const act of new Set(topics.flatMap((topic) => [...(listeners.get(topic) ?? [])]))) act();
}

export const account = () => state.accounts.get(state.selected) ?? null;
export const isFinal = (order) => FINAL.has(order.state);
export const mine = (map) => [...map.values()].filter((each) => !each.account_id || each.account_id === state.selected);
export const priceOf = (symbol) => state.prices.get(`${state.selected}|${symbol}`) ?? null;
export const digitsOf = (symbol) => state.digits.get(symbol) ?? 5;
export const symbols = () => [...state.prices.values()].filter((each) => each.account_id === state.selected).map((each) => each.symbol).sort();

/** Milliseconds since the account was heard of; by our own clock. */
export function age(accountId = state.selected) {
  const at = state.heard.get(accountId);
  return at === undefined ? Infinity : performance.now() - at;
}

export function select(id) {
  state.selected = id;
  sessionStorage.setItem('rubi.account', id ?? '');
  for (const topic of ['accounts', 'positions', 'orders', 'signals', 'prices', 'selected']) tell(topic);
}

export async function loadAccounts() {
  const said = await api.get('/api/v1/accounts');
  const now = Date.now();
  for (const each of said.accounts) {
    state.accounts.set(each.id, each);
    const taken = each.money ? Date.parse(each.money.taken_at) : 0;
    // What REST says is as old as it says; what the socket said since is newer.
    const known = performance.now() - Math.max(0, now - taken);
    if (each.money && !(state.heard.get(each.id) > known)) state.heard.set(each.id, known);
  }
  if (!state.accounts.has(state.selected)) {
    const kept = sessionStorage.getItem('rubi.account');
    const live = said.accounts.find((each) => each.live) ?? said.accounts.at(-1);
    select(state.accounts.has(kept) ? kept : (live?.id ?? null));
  }
  tell('accounts');
}

/** Everything afresh. */
export async function loadAll() {
  const [, positions, orders, signals, prices] = await Promise.all([
    loadAccounts(), api.get('/api/v1/trading/positions'), api.get('/api/v1/trading/orders?limit=100'),
    api.get('/api/v1/trading/signals?limit=100'), api.get('/api/market/prices'),
  ]);
  state.positions = new Map(positions.positions.map((each) => [positionKey(each), each]));
  state.orders = new Map(orders.orders.map((each) => [each.id, each]));
  state.signals = new Map(signals.signals.map((each) => [each.id, each]));
  for (const each of prices) keepPrice(each);
  state.loaded = true;
  for (const topic of ['positions', 'orders', 'signals', 'prices', 'selected']) tell(topic);
}

const positionKey = (each) => `${each.account_id}|${each.position_id}`;

export function keepPrice(each) {
  state.prices.set(`${each.account_id}|${each.symbol}`, { ...each, at: performance.now() });
  const digits = Math.max(decimals(each.bid), decimals(each.ask));
  if (digits > (state.digits.get(each.symbol) ?? 0)) state.digits.set(each.symbol, Math.min(digits, 8));
}

const fetching = new Set();

/** The whole of an order or a signal that an event told only the outline of. */
async function fetchWhole(map, topic, path, id) {
  if (fetching.has(path)) return;
  fetching.add(path);
  try {
    await new Promise((done) => { setTimeout(done, 150); });
    map().set(id, await api.get(path));
    trim(map());
    tell(topic);
  } catch {
    // The outline stays; the next event or load brings the rest.
  } finally {
    fetching.delete(path);
  }
}

let positionsDue = false;

/** What an event does not tell of a new position: when it was opened, by which order. */
async function loadPositions() {
  if (positionsDue) return;
  positionsDue = true;
  await new Promise((done) => { setTimeout(done, 400); });
  positionsDue = false;
  const said = await api.get('/api/v1/trading/positions').catch(() => null);
  for (const each of said?.positions ?? []) {
    const key = positionKey(each);
    if (state.positions.has(key)) state.positions.set(key, { ...each, ...state.positions.get(key) });
  }
  tell('positions');
}

function trim(map) {
  if (map.size <= MOST_KEPT) return;
  for (const id of [...map.keys()].sort((a, b) => a - b).slice(0, map.size - MOST_KEPT)) map.delete(id);
}

function merge(map, topic, data, path) {
  const before = map().get(data.id);
  map().set(data.id, { ...before, ...data });
  if (before === undefined || isFinal(data) || data.status) fetchWhole(map, topic, path, data.id);
  tell(topic);
}

function note(type, data) {
  state.log.unshift({ at: Date.now(), type, data });
  state.log.length = Math.min(state.log.length, 500);
  tell('log');
}

const APPLY = {
  ACCOUNT_UPDATE(data) {
    const known = state.accounts.get(data.account_id);
    if (known) known.money = { ...known.money, ...data, taken_at: data.updated_at };
    else loadAccounts().catch(() => {});
    state.heard.set(data.account_id, performance.now());
    tell('accounts');
    tell('money');
  },
  POSITION_UPDATE(data) {
    const key = positionKey(data);
    if (data.status === 'CLOSED') state.positions.delete(key);
    else {
      if (!state.positions.has(key)) loadPositions();
      state.positions.set(key, { ...state.positions.get(key), ...data });
    }
    state.heard.set(data.account_id, performance.now());
    tell('positions');
  },
  ORDER_UPDATE(data) {
    merge(() => state.orders, 'orders', data, `/api/v1/trading/orders/${data.id}`);
    note('ORDER_UPDATE', data);
  },
  SIGNAL_UPDATE(data) {
    merge(() => state.signals, 'signals', data, `/api/v1/trading/signals/${data.id}`);
    note('SIGNAL_UPDATE', data);
  },
  PRICE_UPDATE(data) {
    keepPrice(data);
    tell('prices');
  },
  ALERT(data) {
    state.alerts.unshift(data);
    state.alerts.length = Math.min(state.alerts.length, 100);
    note('ALERT', data);
    tell('alerts');
  },
};

/** An event of the live socket. */
export function apply(type, data) {
  APPLY[type]?.(data);
}

/** Forget everything: somebody else may sign in. */
export function clear() {
  for (const map of [state.accounts, state.positions, state.orders, state.signals, state.prices, state.heard]) map.clear();
  state.alerts.length = 0;
  state.log.length = 0;
  state.selected = null;
  state.loaded = false;
}
