/* The order ticket: what risk would decide is shown before anything is sent. */

import { change, post } from '../api.js';
import { button, field, fill, h, panel, say } from '../dom.js';
import { lots, price } from '../format.js';
import { t } from '../i18n.js';
import { complain, dialog } from '../overlay.js';
import * as store from '../store.js';
import { decisionWords, openOrder } from './decision.js';
import { stateTag } from './orders.js';

const PREVIEW_AFTER = 600;

export function ticketPanel(pick) {
  const { whole, inside } = panel(t('ticket'), { component: 'OrderTicket' });
  let side = 'BUY';
  let sizing = 'risk';
  let last = null;
  let timer = 0;
  let asked = 0;

  const number = (name, props = {}) => h('input', { type: 'number', min: '0', step: 'any', inputmode: 'decimal', name, on: { input: changed }, ...props });
  const symbol = h('select', { name: 'symbol', on: { change: () => pick.set(symbol.value) } });
  const type = h('select', { name: 'order_type', on: { change: changed } }, ['MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT'].map((each) => h('option', { value: each }, t(`type.${each}`))));
  const volume = number('volume', { value: '0.10' });
  const risk = number('risk', { value: '0.5', max: '100' });
  const [at, limit, sl, tp] = ['price', 'stop_limit', 'sl', 'tp'].map((name) => number(name));
  const bid = h('span', { class: 'num down' });
  const ask = h('span', { class: 'num up' });
  const sides = ['SELL', 'BUY'].map((each) => h('button', {
    type: 'button', class: each.toLowerCase(), data: { side: each }, 'aria-pressed': String(each === side), on: { click: () => { side = each; suggest(); changed(); } },
  }, t(each)));
  const sizings = ['risk', 'volume'].map((each) => h('button', {
    type: 'button', 'aria-pressed': String(each === sizing), data: { sizing: each }, on: { click: () => { sizing = each; changed(); } },
  }, t(`sizing.${each}`)));
  const volumeField = field(t('lots'), volume);
  const riskField = field(t('risk.percent'), risk);
  const priceField = field(t('price'), at);
  const limitField = field(t('stop.limit'), limit);
  const preview = h('div', { 'aria-live': 'polite', data: { part: 'preview' } });
  const outcome = h('div', { 'aria-live': 'polite', data: { part: 'outcome' } });
  const go = h('button', { type: 'submit', class: 'button wide', data: { act: 'place' } });
  const stops = button(t('ticket.suggest'), () => { suggest(true); changed(); }, { class: 'quiet slim' });
  const form = h(
    'form', { class: 'stack', on: { submit }, novalidate: true },
    h('div', { class: 'fields' }, field(t('symbol'), symbol), field(t('order.type'), type)),
    h('div', { class: 'ticket-price' }, h('span', {}, `${t('bid')} `, bid), h('span', {}, `${t('ask')} `, ask)),
    h('div', { class: 'choice', role: 'group', 'aria-label': t('side') }, sides),
    h('div', { class: 'choice', role: 'group', 'aria-label': t('sizing') }, sizings),
    h('div', { class: 'fields' }, riskField, volumeField, priceField, limitField, field(t('sl'), sl), field(t('tp'), tp)),
    stops, preview, go, outcome,
  );
  fill(inside, form);

  function body(dryRun) {
    const value = (input) => (input.value === '' ? undefined : Number(input.value));
    const pending = type.value !== 'MARKET';
    return {
      symbol: symbol.value, side, order_type: type.value, account: store.state.selected, dry_run: dryRun || undefined,
      ...(sizing === 'volume' ? { volume: value(volume) } : { risk: value(risk) === undefined ? undefined : { mode: 'RISK_PERCENT', value: value(risk) } }),
      price: pending ? value(at) : undefined, stop_limit: type.value === 'STOP_LIMIT' ? value(limit) : undefined, sl: value(sl), tp: value(tp),
    };
  }

  /** A stop and a target near the price, as a start: 0.2 % away, and twice that. */
  function suggest(always = false) {
    const quote = store.priceOf(symbol.value);
    if (!quote || (!always && sl.value === '' && tp.value === '')) return;
    const digits = store.digitsOf(symbol.value);
    const from = type.value !== 'MARKET' && at.value ? Number(at.value) : side === 'BUY' ? quote.ask : quote.bid;
    const distance = from * 0.002 * (side === 'BUY' ? 1 : -1);
    sl.value = (from - distance).toFixed(digits);
    tp.value = (from + 2 * distance).toFixed(digits);
  }

  function changed() {
    sides.forEach((each) => each.setAttribute('aria-pressed', String(each.dataset.side === side)));
    sizings.forEach((each) => each.setAttribute('aria-pressed', String(each.dataset.sizing === sizing)));
    volumeField.hidden = sizing !== 'volume';
    riskField.hidden = sizing !== 'risk';
    priceField.hidden = type.value === 'MARKET';
    limitField.hidden = type.value !== 'STOP_LIMIT';
    go.className = `button wide ${side.toLowerCase()}`;
    say(go, `${t(side)} ${sizing === 'volume' ? lots(Number(volume.value || 0)) : `${risk.value || '0'} %`} ${symbol.value}`);
    go.disabled = symbol.value === '';
    clearTimeout(timer);
    timer = setTimeout(dryRun, PREVIEW_AFTER);
  }

  async function dryRun() {
    if (!symbol.value || !whole.isConnected || (type.value !== 'MARKET' && at.value === '')) return;
    const number_ = (asked += 1);
    try {
      const said = await post('/api/v1/trading/orders', body(true));
      if (number_ === asked) fill(preview, decisionWords({ ...said, gates: said.record?.decision?.gates ?? [] }));
    } catch (problem) {
      if (number_ === asked) fill(preview, h('p', { class: 'notice bad' }, problem.message));
    }
  }

  async function submit(event) {
    event.preventDefault();
    if (store.account()?.trade_mode === 'REAL' && !(await confirmReal())) return;
    go.disabled = true;
    try {
      const said = await change('/api/v1/trading/orders', body(false));
      last = said.id;
      store.state.orders.set(said.id, { ...said, ...store.state.orders.get(said.id) });
      store.tell('orders');
      if (said.state === 'DENIED') fill(preview, decisionWords(said.decision));
      showLast();
    } catch (problem) {
      complain(problem);
    } finally {
      go.disabled = false;
    }
  }

  function confirmReal() {
    return new Promise((answer) => {
      let said = false;
      const { body: words, close } = dialog(t('ticket.real'), { onClose: () => answer(said) });
      const yes = button(go.textContent, () => { said = true; close(); }, { class: side.toLowerCase() });
      words.append(h('p', {}, t('ticket.real.hint')), h('div', { class: 'row end' }, button(t('cancel'), close), yes));
    });
  }

  function showLast() {
    const order = last === null ? null : store.state.orders.get(last);
    if (!order) return;
    const said = `${order.id}${order.state}${order.code}${order.fill_price}`;
    if (outcome.dataset.said === said) return;
    outcome.dataset.said = said;
    fill(outcome, h(
      'p', { class: 'row' }, h('button', { type: 'button', class: 'link', on: { click: () => openOrder(order.id) } }, `#${order.id}`), stateTag(order.state),
      h('span', { class: 'wrap' }, order.fill_price ? `${lots(order.filled_volume)} @ ${price(order.fill_price, store.digitsOf(order.symbol))}` : (order.code ?? '')),
    ));
  }

  function showPrice() {
    const names = store.symbols();
    const said = names.join();
    if (symbol.dataset.said !== said) {
      symbol.dataset.said = said;
      fill(symbol, names.map((name) => h('option', { value: name }, name)));
      symbol.value = pick.get() ?? names[0] ?? '';
      suggest(true);
      changed();
    }
    const quote = store.priceOf(symbol.value);
    say(bid, quote ? price(quote.bid, store.digitsOf(symbol.value)) : '–');
    say(ask, quote ? price(quote.ask, store.digitsOf(symbol.value)) : '–');
    const stale = !quote || performance.now() - quote.at > store.STALE_AFTER;
    bid.parentElement.parentElement.classList.toggle('stale', stale);
  }

  const off = [
    ...['prices', 'selected', 'second'].map((topic) => store.on(topic, showPrice)),
    store.on('orders', showLast),
  ];
  showPrice();
  changed();
  return {
    whole,
    symbol(name) {
      showPrice();
      symbol.value = name;
      suggest(true);
      changed();
      showPrice();
    },
    leave: () => { clearTimeout(timer); off.forEach((act) => act()); },
  };
}
