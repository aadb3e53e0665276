/* The order ticket: what risk would decide is shown before anything is sent. */

import { change, post } from '../api.js';
import { button, field, fill, h, panel, say, staleTag } from '../dom.js';
import { lots, price } from '../format.js';
import { known, t } from '../i18n.js';
import { complain, dialog } from '../overlay.js';
import * as store from '../store.js';
import { decisionWords, openOrder } from './decision.js';
import { stateTag } from './orders.js';

const PREVIEW_AFTER = 600;
/** Milliseconds: an answer is asked for again this long after the last one once the price has moved, and anyway. */
const AGAIN_MOVED = 3000;
const AGAIN = 10_000;

export function ticketPanel(pick) {
  const { whole, inside } = panel(t('ticket'), { component: 'OrderTicket' });
  let side = 'BUY';
  let sizing = 'risk';
  let last = null;
  let timer = 0;
  let asked = 0;
  let answered = 0;
  let askedAt = -Infinity;
  let askedOn = '';
  /** Whether the stop or the target was typed: what was only suggested follows the price. */
  let typed = false;

  const number = (name, props = {}) => h('input', { type: 'number', min: '0', step: 'any', inputmode: 'decimal', name, on: { input: changed }, ...props });
  const symbol = h('select', { name: 'symbol', on: { change: () => pick.set(symbol.value) } });
  const type = h('select', { name: 'order_type', on: { change: changed } }, ['MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT'].map((each) => h('option', { value: each }, t(`type.${each}`))));
  const volume = number('volume', { value: '0.10' });
  const risk = number('risk', { value: '0.5', max: '100' });
  const [at, limit] = ['price', 'stop_limit'].map((name) => number(name));
  const [sl, tp] = ['sl', 'tp'].map((name) => number(name, { on: { input: () => { typed = true; changed(); } } }));
  const bid = h('span', { class: 'num down' });
  const ask = h('span', { class: 'num up' });
  const old = staleTag();
  const sides = ['SELL', 'BUY'].map((each) => h('button', {
    type: 'button', class: each.toLowerCase(), data: { side: each }, 'aria-pressed': String(each === side), on: { click: () => { side = each; suggest(sl.value !== '' || tp.value !== ''); changed(); } },
  }, t(each)));
  const sizings = ['risk', 'volume'].map((each) => h('button', {
    type: 'button', 'aria-pressed': String(each === sizing), data: { sizing: each }, on: { click: () => { sizing = each; changed(); } },
  }, t(`sizing.${each}`)));
  const volumeField = field(t('lots'), volume, { class: 'full' });
  const riskField = field(t('risk.percent'), risk, { class: 'full' });
  const priceField = field(t('price'), at);
  const limitField = field(t('stop.limit'), limit);
  const preview = h('div', { data: { part: 'preview' } });
  const spoken = h('p', { class: 'visually-hidden', role: 'status' });
  const outcome = h('div', { 'aria-live': 'polite', data: { part: 'outcome' } });
  const go = h('button', { type: 'submit', class: 'button wide', data: { act: 'place' } });
  const stops = button(t('ticket.suggest'), () => { suggest(); changed(); }, { class: 'quiet slim' });
  const form = h(
    'form', { class: 'stack', on: { submit }, novalidate: true },
    h('div', { class: 'fields' }, field(t('symbol'), symbol), field(t('order.type'), type)),
    h('div', { class: 'ticket-price' }, h('span', {}, `${t('bid')} `, bid), old, h('span', {}, `${t('ask')} `, ask)),
    h('div', { class: 'choice', role: 'group', 'aria-label': t('side') }, sides),
    h('div', { class: 'choice', role: 'group', 'aria-label': t('sizing') }, sizings),
    h('div', { class: 'fields' }, riskField, volumeField, priceField, limitField, field(t('sl'), sl), field(t('tp'), tp)),
    stops, preview, spoken, go, outcome,
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
  function suggest(wanted = true) {
    const quote = store.priceOf(symbol.value);
    if (!quote || !wanted) return;
    typed = false;
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
    asked += 1;
    preview.classList.add('stale');
    timer = setTimeout(dryRun, PREVIEW_AFTER);
  }

  const quoteNow = () => {
    const quote = store.priceOf(symbol.value);
    return quote ? `${quote.bid} ${quote.ask}` : '';
  };

  async function dryRun() {
    if (!symbol.value || !whole.isConnected || (type.value !== 'MARKET' && at.value === '')) return;
    clearTimeout(timer);
    if (!typed && ![sl, tp].includes(document.activeElement)) suggest();
    const number_ = (asked += 1);
    [askedAt, askedOn] = [performance.now(), quoteNow()];
    try {
      const said = await post('/api/v1/trading/orders', body(true));
      if (number_ === asked) show(decisionWords({ ...said, gates: said.record?.decision?.gates ?? [] }, { open: preview.querySelector('details')?.open }), said.approved ? t('approved') : `${t('denied')}: ${said.code}`);
    } catch (problem) {
      if (number_ === asked) show(h('p', { class: 'notice bad' }, problem.message), problem.message);
    }
  }

  /** The answer in place of the one before; aloud only when it says something else. */
  function show(words, aloud) {
    const focused = preview.contains(document.activeElement);
    answered = asked;
    fill(preview, words);
    preview.classList.remove('stale');
    if (focused) preview.querySelector('summary')?.focus();
    say(spoken, aloud);
  }

  /** The price moves on, and what was decided on the one before grows old. */
  function again() {
    const taken = performance.now() - askedAt;
    if (document.hidden || taken < AGAIN_MOVED || (askedOn === quoteNow() && taken < AGAIN)) return;
    preview.classList.toggle('stale', answered !== asked);
    dryRun();
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
      if (said.state === 'DENIED') {
        asked += 1;
        show(decisionWords(said.decision), `${t('denied')}: ${said.code}`);
      }
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
    Object.assign(outcome.dataset, { said, state: order.state, code: order.code ?? '' });
    fill(outcome, h(
      'p', { class: 'row' }, h('button', { type: 'button', class: 'link', on: { click: () => openOrder(order.id) } }, `#${order.id}`), stateTag(order.state),
      h('span', { class: 'wrap' }, order.fill_price ? `${lots(order.filled_volume)} @ ${price(order.fill_price, store.digitsOf(order.symbol))}` : (order.code ?? '')),
    ), known(`code.${order.code}`) && h('p', { class: 'small dim' }, known(`code.${order.code}`)));
  }

  function showPrice() {
    const names = store.symbols();
    const said = names.join();
    if (symbol.dataset.said !== said) {
      symbol.dataset.said = said;
      const before = symbol.value;
      fill(symbol, names.map((name) => h('option', { value: name }, name)));
      symbol.value = names.includes(pick.get()) ? pick.get() : (names[0] ?? '');
      // What was typed stays when only the list has grown.
      if (symbol.value !== before) {
        suggest();
        changed();
      }
    }
    const quote = store.priceOf(symbol.value);
    say(bid, quote ? price(quote.bid, store.digitsOf(symbol.value)) : '–');
    say(ask, quote ? price(quote.ask, store.digitsOf(symbol.value)) : '–');
    const stale = !quote || performance.now() - quote.at > store.STALE_AFTER;
    for (const each of [bid, ask]) each.parentElement.classList.toggle('stale', stale);
    old.hidden = !stale;
  }

  const off = [
    ...['prices', 'selected', 'second'].map((topic) => store.on(topic, showPrice)),
    store.on('orders', showLast), store.on('second', again),
  ];
  showPrice();
  changed();
  return {
    whole,
    symbol(name) {
      showPrice();
      symbol.value = name;
      suggest();
      changed();
      showPrice();
    },
    leave: () => { clearTimeout(timer); off.forEach((act) => act()); },
  };
}
