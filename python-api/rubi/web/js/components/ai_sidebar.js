/* AiSidebar: what signals came, how sure their source was and why, and what became of each. */

import { empty, fill, h, panel, say } from '../dom.js';
import { moment, percent, price } from '../format.js';
import { because, t } from '../i18n.js';
import * as store from '../store.js';
import { openSignal, reasons } from './decision.js';
import { stateTag } from './orders.js';

const SHOWN = 50;

export function aiSidebar() {
  let wanted = 'all';
  const filters = ['all', 'executed', 'denied'].map((name) => h('button', {
    type: 'button', class: 'tab', 'aria-pressed': String(name === wanted), data: { name },
    on: { click: () => { wanted = name; filters.forEach((each) => each.setAttribute('aria-pressed', String(each.dataset.name === name))); draw(); } },
  }, t(`signals.${name}`)));
  const { whole, inside, heading } = panel(t('signals'), { component: 'AiSidebar', body: 'sidebar', tools: [h('div', { class: 'tabs' }, filters)] });
  const list = h('div', { class: 'list', tabindex: '0', role: 'region', 'aria-label': t('signals') });
  const none = empty(t('signals.none'), t('signals.none.hint'));
  fill(inside, none, list);
  const shown = new Map();

  function card(each) {
    const sure = each.confidence === null || each.confidence === undefined ? null : each.confidence * 100;
    const digits = store.digitsOf(each.symbol);
    const bar = h('i');
    if (sure !== null) bar.style.width = `${Math.max(2, Math.min(100, sure))}%`;
    const why = each.status === 'REJECTED' || each.status === 'EXPIRED' ? [each.code, because(each.code, each.message)].filter(Boolean).join(': ') : '';
    return h(
      'button', { type: 'button', class: 'signal', data: { signal: each.id, status: each.status }, on: { click: () => openSignal(each.id) } },
      h('span', { class: 'row between' },
        h('span', {}, h('span', { class: /BUY/.test(each.signal_type) === !/CLOSE/.test(each.signal_type) ? 'side-buy' : 'side-sell' }, t(each.signal_type)), ' ', h('strong', { class: 'wrap' }, each.symbol), ` ${each.timeframe ?? ''}`),
        stateTag(each.detail_status ?? each.status)),
      sure !== null && h('span', { class: 'row' }, h('span', { class: 'meter grow', 'aria-hidden': 'true' }, bar), h('span', { class: 'num small' }, `${t('confidence')} ${percent(sure, 0)}`)),
      each.entry_price && h('span', { class: 'num small dim' }, `${price(each.entry_price, digits)} · ${t('sl')} ${price(each.stop_loss, digits)} · ${t('tp')} ${price(each.take_profit, digits)}`),
      reasons(each).slice(0, 3).map((reason) => h('span', { class: 'why' }, reason)),
      why && h('span', { class: 'why down' }, why),
      h('span', { class: 'small dim num' }, `#${each.id} · ${each.source ?? ''} · ${moment(each.received_at)}`),
    );
  }

  function draw() {
    const all = store.mine(store.state.signals).sort((a, b) => b.id - a.id);
    const found = all.filter((each) => wanted === 'all' || (wanted === 'executed' ? each.status === 'EXECUTED' : ['REJECTED', 'EXPIRED'].includes(each.status))).slice(0, SHOWN);
    const denied = all.filter((each) => each.status === 'REJECTED').length;
    say(heading, denied ? `${t('signals')} · ${t('signals.denied.count', { count: denied })}` : t('signals'));
    none.hidden = found.length > 0;
    list.hidden = found.length === 0;
    const keep = new Set();
    found.forEach((each, place) => {
      const said = JSON.stringify([each.status, each.detail_status, each.code, each.message, each.received_at, store.digitsOf(each.symbol)]);
      let known = shown.get(each.id);
      if (known?.said !== said) {
        const fresh = { element: card(each), said };
        const focused = known?.element === document.activeElement;
        known?.element.replaceWith(fresh.element);
        if (focused) fresh.element.focus();
        shown.set(each.id, fresh);
        known = fresh;
      }
      keep.add(each.id);
      if (list.children[place] !== known.element) list.insertBefore(known.element, list.children[place] ?? null);
    });
    for (const [id, each] of shown) {
      if (keep.has(id)) continue;
      each.element.remove();
      shown.delete(id);
    }
  }

  const off = ['signals', 'selected'].map((topic) => store.on(topic, draw));
  draw();
  return { whole, leave: () => off.forEach((act) => act()) };
}
