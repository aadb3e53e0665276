/* A decision with every gate's numbers, and everything behind an order or a signal. */

import { get } from '../api.js';
import { cells, fill, h, table, tag } from '../dom.js';
import { lots, moment, money, percent, price, short } from '../format.js';
import { because, known, t } from '../i18n.js';
import { dialog } from '../overlay.js';
import * as store from '../store.js';
import { stateTag } from './orders.js';

/** The answer of risk in a sentence, the gates that said no, and all gates below. */
export function decisionWords(decision, { open = false } = {}) {
  if (!decision) return h('p', { class: 'dim' }, t('decision.none'));
  const gates = decision.gates ?? decision.record?.decision?.gates ?? [];
  const failed = gates.filter((gate) => !gate.passed);
  return h(
    'div', { class: 'stack' },
    h('p', { class: `notice ${decision.approved ? 'good' : 'bad'}` }, tag(decision.approved ? t('approved') : t('denied'), decision.approved ? 'good' : 'bad'), ' ', approvedWords(decision) ?? deniedWords(decision, failed) ?? decision.code ?? ''),
    failed.length > 0 && h('ul', { class: 'stack' }, failed.map(failure)),
    decision.approved && h('dl', { class: 'figures' }, [
      ['lots', lots(decision.volume)], ['risk', money(decision.risk)], ['margin', money(decision.margin)],
    ].map(([name, value]) => h('div', { class: 'figure' }, h('dt', {}, t(name)), h('dd', {}, value)))),
    gates.length > 0 && h(
      'details', { open }, h('summary', {}, t('decision.gates', { count: gates.length, failed: failed.length })), gateTable(gates),
      decision.sha256 && h('p', { class: 'small dim mono' }, `sha256 ${decision.sha256}`),
    ),
  );
}

/** The service's sentence in the reader's language. */
function approvedWords(decision) {
  if (!decision.approved || !decision.volume || !decision.risk) return null;
  return t('approved.words', { lots: lots(decision.volume), risk: money(Number(decision.risk), store.account()?.currency) });
}

/** Why not, in the reader's language; the service's own sentence too where no gate below tells the particulars. */
function deniedWords(decision, failed) {
  const why = because(decision.code, decision.detail);
  return failed.length > 0 || !decision.detail || why === decision.detail ? why : `${why} ${decision.detail}`;
}

const gateName = (gate) => known(`gate.${gate}`) ?? gate;
const plain = (value) => short(/^-?\d+\.\d{5,}$/.test(String(value)) ? String(Number(Number(value).toPrecision(8))) : value, 60);

function failure(gate) {
  return h(
    'li', {}, h('strong', {}, gateName(gate.gate)), ` · ${gate.code ?? ''} `,
    h('span', { class: 'wrap' }, [because(gate.code), gate.detail].filter(Boolean).join(' ')),
    (gate.result || gate.threshold) && h('span', { class: 'dim num' }, ` (${plain(gate.result || '–')} / ${plain(gate.threshold || '–')})`),
  );
}

function gateTable(gates) {
  const shape = [
    { label: t('gate'), class: 'full lead' }, { label: '' }, { label: t('gate.result'), class: 'num' }, { label: t('gate.threshold'), class: 'num' }, { label: t('gate.inputs'), class: 'full' },
  ];
  const list = table(shape);
  for (const gate of gates) {
    const inputs = Object.entries(gate.inputs ?? {}).filter(([, value]) => value !== '').map(([name, value]) => `${name} ${plain(value)}`).join(' · ');
    list.body.append(cells(shape, [
      gateName(gate.gate), tag(gate.passed ? '✓' : '✗', gate.passed ? 'good' : 'bad'), plain(gate.result || '–'), plain(gate.threshold || '–'),
      h('span', { class: 'small dim wrap' }, inputs),
    ]));
  }
  return h('div', { class: 'scroll' }, list.whole);
}

function timeline(events) {
  return h('ol', { class: 'timeline' }, events.map((each) => h(
    'li', {}, h('span', { class: 'dim num' }, moment(each.at)),
    h('span', { class: 'wrap' }, h('strong', {}, each.legal === false ? `${each.event} !` : `${each.from} → ${each.to}`), ` ${each.event} `, h('span', { class: 'dim small' }, payload(each.payload))),
  )));
}

const payload = (said) => short(Object.entries(said ?? {}).filter(([name]) => name !== 'lease_id').map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(' · '), 160);

function facts(pairs) {
  return h('dl', { class: 'figures' }, pairs.filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => h('div', { class: 'figure' }, h('dt', {}, t(name)), h('dd', {}, value))));
}

export async function openOrder(id) {
  const { body } = dialog(`${t('order')} #${id}`, { large: true });
  await load(body, async () => {
    const order = await get(`/api/v1/trading/orders/${id}`);
    return orderWords(order, order.decision);
  });
}

function orderWords(order, decision) {
  const digits = store.digitsOf(order.symbol);
  return h(
    'div', { class: 'stack' },
    h('div', { class: 'row' }, stateTag(order.state), h('strong', {}, `${known(`kind.${order.kind}`) ?? order.kind} ${order.side ? t(order.side) : ''} ${lots(order.volume)} ${order.symbol}`)),
    (order.code || order.message) && h('p', { class: 'notice wrap' }, [order.code, because(order.code, order.message), known(`code.${order.code}`) && order.message, order.retcode && `retcode ${order.retcode}`].filter(Boolean).join(' · ')),
    facts([['fill.price', order.fill_price ? price(order.fill_price, digits) : null], ['sl', order.sl ? price(order.sl, digits) : null], ['tp', order.tp ? price(order.tp, digits) : null], ['risk', order.reserved_risk ? money(order.reserved_risk) : null], ['broker.ticket', order.order_ticket]]),
    decision !== undefined && h('h3', {}, t('decision')), decision !== undefined && decisionWords(decision),
    h('h3', {}, t('events')), timeline(order.events ?? []),
  );
}

export async function openSignal(id) {
  const { body } = dialog(`${t('signal')} #${id}`, { large: true });
  await load(body, async () => {
    const signal = await get(`/api/v1/trading/signals/${id}`);
    const digits = store.digitsOf(signal.symbol);
    return h(
      'div', { class: 'stack' },
      h('div', { class: 'row' }, stateTag(signal.detail_status), h('strong', {}, `${t(signal.signal_type)} ${signal.symbol} ${signal.timeframe ?? ''}`), h('span', { class: 'dim' }, `${signal.source} · ${moment(signal.received_at)}`)),
      facts([['entry', signal.entry_price ? price(signal.entry_price, digits) : null], ['sl', signal.stop_loss ? price(signal.stop_loss, digits) : null], ['tp', signal.take_profit ? price(signal.take_profit, digits) : null], ['confidence', signal.confidence === null ? null : percent(signal.confidence * 100, 0)]]),
      reasons(signal).map((reason) => h('p', { class: 'wrap' }, `· ${reason}`)),
      h('h3', {}, t('decision')), decisionWords(signal.decision, { open: !signal.decision?.approved }),
      signal.orders.map((order) => h('div', { class: 'stack' }, h('h3', {}, `${t('order')} #${order.id}`), orderWords(order))),
    );
  });
}

/** Why a signal was made, as its source told it. */
export function reasons(signal) {
  const details = signal.details ?? {};
  const told = details.reasons ?? details.indicators?.reasons ?? details.indicators?.reason ?? details.reason ?? [];
  const listed = (Array.isArray(told) ? told : [told]).map((each) => (typeof each === 'object' ? JSON.stringify(each) : String(each)));
  return [...listed, ...(signal.comment ? [signal.comment] : [])].map((each) => short(each, 200));
}

async function load(body, make) {
  fill(body, h('p', { class: 'dim', role: 'status' }, t('loading')));
  try {
    fill(body, await make());
  } catch (problem) {
    fill(body, h('p', { class: 'notice bad' }, problem.message));
  }
}
