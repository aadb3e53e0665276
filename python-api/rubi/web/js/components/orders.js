/* Orders of every kind, working ones first; cancel, modify, resolve, and everything behind one. */

import { change } from '../api.js';
import { button, cells, empty, field, fill, h, panel, say, table, tag } from '../dom.js';
import { lots, moment, price, short } from '../format.js';
import { because, known, t } from '../i18n.js';
import { busy, dialog, toast } from '../overlay.js';
import * as store from '../store.js';
import { openOrder } from './decision.js';

const KINDS = { FILLED: 'good', DONE: 'good', DENIED: 'bad', REJECTED: 'bad', UNKNOWN: 'warn', EXPIRED: 'warn', CANCELED: '' };
const AT_BROKER = new Set(['ACCEPTED', 'PARTIALLY_FILLED']);
const SHOWN = 60;

const columns = () => [
  { label: t('order'), class: 'full lead' }, { label: t('symbol') }, { label: t('side') }, { label: t('lots'), class: 'num' }, { label: t('price'), class: 'num' },
  { label: t('state') }, { label: t('reason'), class: 'full' }, { label: t('time') }, { label: t('actions'), class: 'full' },
];

const reason = (each) => (each.state === 'FILLED' || each.state === 'DONE' ? '' : short([each.code, because(each.code, each.message)].filter(Boolean).join(' · '), 260));

export const stateTag = (state) => tag(known(`state.${state}`) ?? state, KINDS[state] ?? 'wait');

export function ordersPanel() {
  let wanted = 'all';
  const filters = ['working', 'all', 'failed'].map((name) => h('button', {
    type: 'button', class: 'tab', 'aria-pressed': String(name === wanted), data: { name },
    on: { click: () => { wanted = name; filters.forEach((each) => each.setAttribute('aria-pressed', String(each.dataset.name === name))); draw(); } },
  }, t(`orders.${name}`)));
  const { whole, inside, heading } = panel(t('orders'), { component: 'Orders', body: '', tools: [h('div', { class: 'tabs' }, filters)] });
  const shape = columns();
  const list = table(shape, { caption: t('orders') });
  const holder = h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': t('orders') }, list.whole);
  const none = empty(t('orders.none'), t('orders.none.hint'));
  fill(inside, none, holder);
  const rows = new Map();

  function row(each) {
    const open = !store.isFinal(each);
    return cells(shape, [
      h('button', { type: 'button', class: 'link', on: { click: () => openOrder(each.id) } }, `#${each.id} ${known(`kind.${each.kind}`) ?? each.kind}`),
      each.symbol, each.side ? h('span', { class: `side-${each.side.toLowerCase()}` }, t(each.side)) : '–',
      each.filled_volume && each.filled_volume !== each.volume ? `${lots(each.filled_volume)} / ${lots(each.volume)}` : lots(each.volume),
      price(each.fill_price ?? each.price, store.digitsOf(each.symbol)), stateTag(each.state),
      h('span', { class: 'small wrap' }, reason(each)), moment(each.created_at ?? each.at),
      h('span', { class: 'row' },
        each.state === 'UNKNOWN' && button(t('resolve'), () => openResolve(each), { class: 'slim' }),
        open && AT_BROKER.has(each.state) && button(t('modify'), () => openModify(each), { class: 'slim' }),
        open && each.state !== 'UNKNOWN' && !each.cancel_asked && cancelButton(each)),
    ], { data: { order: each.id, state: each.state } });
  }

  function draw() {
    const all = store.mine(store.state.orders).sort((a, b) => b.id - a.id);
    const working = all.filter((each) => !store.isFinal(each));
    const failed = all.filter((each) => ['DENIED', 'REJECTED', 'EXPIRED', 'UNKNOWN'].includes(each.state));
    const found = (wanted === 'working' ? working : wanted === 'failed' ? failed : all).slice(0, SHOWN);
    say(heading, `${t('orders')}${working.length ? ` · ${t('orders.working.count', { count: working.length })}` : ''}`);
    none.hidden = found.length > 0;
    holder.hidden = found.length === 0;
    const keep = new Set();
    found.forEach((each, place) => {
      const said = JSON.stringify([each.state, each.filled_volume, each.fill_price, each.code, each.message, each.cancel_asked, each.volume, store.digitsOf(each.symbol)]);
      let made = rows.get(each.id);
      if (made?.said !== said) {
        const fresh = { element: row(each), said };
        made?.element.replaceWith(fresh.element);
        rows.set(each.id, fresh);
        made = fresh;
      }
      keep.add(each.id);
      if (list.body.children[place] !== made.element) list.body.insertBefore(made.element, list.body.children[place] ?? null);
    });
    for (const [id, each] of rows) {
      if (keep.has(id)) continue;
      each.element.remove();
      rows.delete(id);
    }
  }

  const off = ['orders', 'selected'].map((topic) => store.on(topic, draw));
  draw();
  return { whole, leave: () => off.forEach((act) => act()) };
}

function cancelButton(each) {
  const one = button(t('cancel'), () => busy(one, async () => {
    await change(`/api/v1/trading/orders/${each.id}/cancel`);
    toast(t('cancel.sent'), 'good');
  }), { class: 'slim danger', 'aria-label': `${t('cancel')} #${each.id}` });
  return one;
}

function openModify(each) {
  const { body, close } = dialog(`${t('modify')} #${each.id} ${each.symbol}`);
  const inputs = ['price', 'sl', 'tp'].map((name) => [name, h('input', { type: 'number', step: 'any', min: '0', inputmode: 'decimal', name, value: each[name] ? String(each[name]) : '' })]);
  const go = button(t('save'), () => busy(go, async () => {
    const said = {};
    for (const [name, input] of inputs) {
      const value = input.value ? Number(input.value) : null;
      if (value !== (each[name] ?? null) && (name !== 'price' || value)) said[name] = value;
    }
    const answer = await change(`/api/v1/trading/orders/${each.id}/modify`, said);
    const denied = answer.instruction?.state === 'DENIED';
    toast(denied ? `${t('denied')}: ${because(answer.instruction.code, answer.instruction.message) ?? answer.instruction.code}` : t('modify.sent'), denied ? 'bad' : 'good');
    close();
  }), { class: 'primary' });
  body.append(h('div', { class: 'fields' }, inputs.map(([name, input]) => field(t(name), input))), h('div', { class: 'row end' }, button(t('cancel'), close), go));
}

function openResolve(each) {
  const { body, close } = dialog(`${t('resolve')} #${each.id}`);
  const outcome = h('select', {}, h('option', { value: 'NOT_SENT' }, t('resolve.not.sent')), h('option', { value: 'FILLED' }, t('resolve.filled')));
  const reason = h('input', { required: true, maxlength: '500' });
  const go = button(t('save'), () => busy(go, async () => {
    await change(`/api/v1/trading/orders/${each.id}/resolve`, { outcome: outcome.value, reason: reason.value });
    close();
  }), { class: 'primary' });
  body.append(h('p', { class: 'notice warn' }, t('resolve.hint')), field(t('resolve.outcome'), outcome), field(t('resolve.reason'), reason), h('div', { class: 'row end' }, button(t('cancel'), close), go));
}
