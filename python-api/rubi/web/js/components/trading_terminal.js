/* TradingTerminal: the account's money, the chart, the ticket, positions and orders, signals. */

import { aiSidebar } from './ai_sidebar.js';
import { chartArea } from './chart_area.js';
import { ordersPanel } from './orders.js';
import { positionsPanel } from './positions.js';
import { ticketPanel } from './ticket.js';
import { add, empty, fill, h, say } from '../dom.js';
import { direction, gain, money, number, seconds } from '../format.js';
import { t } from '../i18n.js';
import * as store from '../store.js';

const chosen = { symbol: null };

export function showTerminal(root) {
  const parts = [];
  let shown = null;

  function draw() {
    const kind = store.account() ? 'terminal' : store.state.loaded ? 'none' : 'loading';
    if (shown === kind) return;
    shown = kind;
    parts.splice(0).forEach((part) => part.leave());
    if (kind === 'none') {
      fill(root, h('section', { class: 'panel', data: { component: 'TradingTerminal' } }, empty(
        t('terminal.none'), t('terminal.none.hint'), h('a', { class: 'button primary', href: '#connect' }, t('view.connect')),
      )));
      return;
    }
    if (kind === 'loading') {
      fill(root, h('p', { class: 'empty', role: 'status' }, t('loading')));
      return;
    }
    const pick = { get: () => chosen.symbol, set: choose };
    const summary = summaryStrip();
    const chart = chartArea(pick);
    const positions = positionsPanel(pick);
    const orders = ordersPanel();
    const ticket = ticketPanel(pick);
    const sidebar = aiSidebar(pick);
    parts.push(summary, chart, positions, orders, ticket, sidebar);
    fill(root, add(
      h('div', { class: 'terminal', data: { component: 'TradingTerminal' } }),
      [summary.whole, chart.whole, h('div', { class: 'aside' }, ticket.whole, sidebar.whole), positions.whole, orders.whole],
    ));
    if (store.symbols().includes(chosen.symbol)) showSymbol();
    else ensureSymbol();
  }

  function showSymbol() {
    for (const part of parts) part.symbol?.(chosen.symbol);
  }

  function choose(symbol) {
    if (chosen.symbol === symbol) return;
    chosen.symbol = symbol;
    showSymbol();
  }

  function ensureSymbol() {
    const names = store.symbols();
    if (names.length > 0 && !names.includes(chosen.symbol)) {
      const held = store.mine(store.state.positions).map((each) => each.symbol).find((name) => names.includes(name));
      choose(held ?? names[0]);
    }
  }

  const off = ['accounts', 'selected', 'prices'].map((topic) => store.on(topic, () => { draw(); ensureSymbol(); }));
  draw();
  return () => {
    off.forEach((act) => act());
    parts.forEach((part) => part.leave());
  };
}

/** Balance, equity and margin; grey when nothing was heard for ten seconds. */
function summaryStrip() {
  const names = ['equity', 'balance', 'profit', 'margin_free', 'margin_level', 'heard'];
  const values = new Map(names.map((name) => [name, h('dd', {}, '–')]));
  const whole = h(
    'dl', { class: 'figures across', 'aria-label': t('account'), data: { part: 'summary' } },
    names.map((name) => h('div', { class: 'figure' }, h('dt', {}, t(`figure.${name}`)), values.get(name))),
  );
  function draw() {
    const account = store.account();
    const said = account?.money;
    const stale = store.age() > store.STALE_AFTER;
    whole.classList.toggle('stale', stale);
    for (const name of ['equity', 'balance', 'margin_free']) say(values.get(name), said ? money(said[name], account.currency) : '–');
    say(values.get('profit'), said ? gain(said.profit) : '–');
    values.get('profit').className = direction(said?.profit);
    say(values.get('margin_level'), said?.margin ? `${number(said.margin_level, 0)} %` : '–');
    const age = store.age();
    say(values.get('heard'), age === Infinity ? '–' : age < 3000 ? t('now') : t('ago', { time: seconds(age / 1000) }));
    values.get('heard').className = stale ? 'late' : '';
  }
  const off = ['money', 'accounts', 'selected', 'second'].map((topic) => store.on(topic, draw));
  draw();
  return { whole, leave: () => off.forEach((act) => act()) };
}
