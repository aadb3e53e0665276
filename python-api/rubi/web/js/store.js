/* What the page knows. REST fills it, the live socket brings it up to date, components look at it. */

import * as api from './api.js';
import { decimals } from './format.js';

export const STALE_AFTER = 10_000;
const MOST_KEPT = 300;
const MOST_SPEC_PAGES = 5;
const SPECS_AGAIN = 10_000;
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
  specs: new Map(),
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
/** Decimals of a price: as the terminal described the symbol; until that is known, as its prices were written. */
export const digitsOf = (symbol) => specOf(symbol)?.digits ?? state.digits.get(symbol) ?? 5;
export const specOf = (symbol) => state.specs.get(state.selected)?.get(symbol) ?? null;
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
  loadSpecs();
}

let specsAt = -Infinity;

/** The symbols' specifications of the selected account. */
async function loadSpecs() {
  const [reader, account] = [readers, state.selected];
  if (account === null) return;
  specsAt = performance.now();
  const found = new Map();
  try {
    for (let cursor = null, page = 0; page < MOST_SPEC_PAGES && (page === 0 || cursor !== null); page += 1) {
      const said = await api.get(`/api/v1/market/symbols?${new URLSearchParams({ account, limit: 1000, ...(cursor === null ? {} : { cursor }) })}`);
      for (const each of said.symbols) found.set(each.name, each.spec);
      cursor = said.next;
    }
  } catch {
    return; // A price of a symbol that is not known asks again.
  }
  if (reader !== readers) return;
  state.specs.set(account, found);
  for (const topic of ['positions', 'orders', 'signals', 'prices']) tell(topic);
}

export async function loadAccounts() {
  const reader = readers;
  const said = await api.get('/api/v1/accounts');
  const now = Date.now();
  if (reader !== readers) return;
  for (const each of said.accounts) {
    const money = state.accounts.get(each.id)?.money;
    // An event that was told while the answer was on its way is newer than the answer.
    const newer = money && each.money && Date.parse(money.taken_at) > Date.parse(each.money.taken_at);
    state.accounts.set(each.id, newer ? { ...each, money } : each);
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

/** Everything afresh. Events that are told meanwhile are to be applied afterwards: what is kept here is replaced. */
export async function loadAll() {
  const reader = readers;
  const [, positions, orders, signals, prices] = await Promise.all([
    loadAccounts(), api.get('/api/v1/trading/positions'), api.get('/api/v1/trading/orders?limit=100'),
    api.get('/api/v1/trading/signals?limit=100'), api.get('/api/market/prices'),
  ]);
  if (reader !== readers) return;
  for (const path of fetching.keys()) fetching.set(path, true);
  state.positions = new Map(positions.positions.map((each) => [positionKey(each), each]));
  state.orders = new Map(orders.orders.map((each) => [each.id, { ...each, at: each.updated_at }]));
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
  if (each.account_id === state.selected && !specOf(each.symbol) && performance.now() - specsAt > SPECS_AGAIN) loadSpecs();
}

/** Counts who has looked: an answer to the one before is not for the next. */
let readers = 0;
/** What is being fetched; true: something was heard of it since it was asked for, so the answer may be older. */
const fetching = new Map();

/** The whole of an order or a signal that an event told only the outline of. */
async function fetchWhole(map, topic, path, id) {
  if (fetching.has(path)) {
    fetching.set(path, true);
    return;
  }
  const reader = readers;
  fetching.set(path, false);
  try {
    do {
      await new Promise((done) => { setTimeout(done, 150); });
      fetching.set(path, false);
      const said = await api.get(path);
      if (reader !== readers) return;
      const heard = fetching.get(path) ? map().get(id) : null;
      map().set(id, { ...said, at: said.updated_at, ...heard });
      trim(map());
      tell(topic);
    } while (fetching.get(path));
  } catch {
    // The outline stays; the next event or load brings the rest.
  } finally {
    if (reader === readers) fetching.delete(path);
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

/** Events of several processes may overtake each other: one that is older than what is known changes nothing here. */
function merge(map, topic, data, path) {
  const before = map().get(data.id);
  const older = data.at !== undefined && Date.parse(before?.at) > Date.parse(data.at);
  if (!older) map().set(data.id, { ...before, ...data });
  if (fetching.has(path) || before === undefined || older || isFinal(data) || data.status) fetchWhole(map, topic, path, data.id);
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
  for (const map of [state.accounts, state.positions, state.orders, state.signals, state.prices, state.heard, state.specs]) map.clear();
  readers += 1;
  fetching.clear();
  state.alerts.length = 0;
  state.log.length = 0;
  state.selected = null;
  state.loaded = false;
}
