/* Open positions with live profit; close, close in part, move stop and target. */

import { change } from '../api.js';
import { button, cells, empty, field, fill, h, panel, say, staleTag, table, tag } from '../dom.js';
import { decimals, direction, gain, lots, moment, price } from '../format.js';
import { because, t } from '../i18n.js';
import { busy, dialog, toast, twice } from '../overlay.js';
import * as store from '../store.js';
import { decisionWords } from './decision.js';

const columns = () => [
  { label: t('symbol'), class: 'full lead' }, { label: t('side') }, { label: t('lots'), class: 'num' }, { label: t('open.price'), class: 'num' },
  { label: t('price'), class: 'num' }, { label: t('sl'), class: 'num' }, { label: t('tp'), class: 'num' },
  { label: t('profit'), class: 'num' }, { label: t('opened'), class: 'roomy' }, { label: t('actions'), class: 'full' },
];

export function positionsPanel(pick) {
  const old = staleTag();
  const { whole, inside, heading } = panel(t('positions'), { component: 'Positions', body: '', tools: [
    old,
    twice(t('close.all'), closeAll, { class: 'danger slim', data: { act: 'close-all' } }),
  ] });
  const closeEverything = whole.querySelector('[data-act="close-all"]');
  const shape = columns();
  const list = table(shape, { caption: t('positions') });
  const holder = h('div', { class: 'scroll tall' }, list.whole);
  const none = empty(t('positions.none'), t('positions.none.hint'));
  fill(inside, none, holder);
  const rows = new Map();

  function row(each) {
    const profit = h('span', { class: 'num strong' });
    const current = h('span', { class: 'num' });
    const element = cells(shape, [
      h('span', { class: 'row' }, h('button', { type: 'button', class: 'link', on: { click: () => pick.set(each.symbol) } }, each.symbol), each.origin === 'EXTERNAL' && tag(t('external'), 'warn')),
      h('span', { class: `side-${each.type.toLowerCase()}` }, t(each.type)), lots(each.volume), price(each.open_price, store.digitsOf(each.symbol)),
      current, price(each.sl || null, store.digitsOf(each.symbol)), price(each.tp || null, store.digitsOf(each.symbol)), profit, moment(each.open_time),
      h('span', { class: 'row' },
        button(t('modify'), () => openProtect(each), { class: 'slim', 'aria-label': `${t('modify')} ${each.symbol} ${each.ticket}` }),
        button(t('close.position'), () => openClose(each), { class: 'slim danger', 'aria-label': `${t('close.position')} ${each.symbol} ${each.ticket}` })),
    ], { data: { ticket: each.ticket } });
    return { element, profit, current, said: fingerprint(each) };
  }

  function draw() {
    const found = store.mine(store.state.positions).sort((a, b) => String(a.open_time).localeCompare(String(b.open_time)));
    none.hidden = found.length > 0;
    holder.hidden = closeEverything.hidden = found.length === 0;
    let total = 0;
    const keep = new Set();
    found.forEach((each, place) => {
      keep.add(each.position_id);
      let known = rows.get(each.position_id);
      if (known === undefined || known.said !== fingerprint(each)) {
        const made = row(each);
        known?.element.replaceWith(made.element);
        rows.set(each.position_id, made);
        known = made;
      }
      if (list.body.children[place] !== known.element) list.body.insertBefore(known.element, list.body.children[place] ?? null);
      const net = (each.profit ?? 0) + (each.swap ?? 0) + (each.commission ?? 0);
      total += net;
      say(known.profit, gain(net));
      known.profit.className = `num strong ${direction(net)}`;
      say(known.current, price(each.current_price, store.digitsOf(each.symbol)));
    });
    for (const [id, each] of rows) {
      if (keep.has(id)) continue;
      each.element.remove();
      rows.delete(id);
    }
    say(heading, found.length ? `${t('positions')} (${found.length}) · ${gain(total)} ${store.account()?.currency ?? ''}` : t('positions'));
    const stale = store.age() > store.STALE_AFTER;
    holder.classList.toggle('stale', stale);
    old.hidden = !stale || found.length === 0;
  }

  async function closeAll() {
    await busy(closeEverything, async () => {
      const said = await change('/api/v1/trading/positions/close', { all: true, account: store.state.selected });
      toast(t('close.sent', { count: said.total }), 'good');
    });
  }

  const off = ['positions', 'selected', 'second'].map((topic) => store.on(topic, draw));
  draw();
  return { whole, leave: () => off.forEach((act) => act()) };
}

const fingerprint = (each) => [each.symbol, each.type, each.volume, each.open_price, each.sl, each.tp, each.origin, each.open_time, store.digitsOf(each.symbol)].join('|');

function tellOutcome(said, done) {
  if (said.state === 'DENIED') toast(`${t('denied')}: ${because(said.code, said.decision?.detail) ?? said.code}`, 'bad');
  else toast(done, 'good');
}

function openClose(each) {
  const { body, close } = dialog(`${t('close.position')} ${each.symbol} ${lots(each.volume)}`);
  const volume = h('input', { type: 'number', min: '0', step: 'any', inputmode: 'decimal', value: String(each.volume), name: 'volume' });
  const part = (share) => button(`${share} %`, () => { volume.value = String(Number((each.volume * share / 100).toFixed(8))); }, { class: 'slim' });
  const go = button(t('close.position'), () => busy(go, async () => {
    const whole = Number(volume.value) >= each.volume;
    const said = await change(`/api/v1/trading/positions/${each.ticket}/close`, { account: each.account_id, ...(whole ? {} : { volume: Number(volume.value) }) });
    tellOutcome(said, t('close.sent', { count: 1 }));
    close();
  }), { class: 'danger', data: { act: 'confirm-close' } });
  body.append(field(t('lots'), volume, { after: h('div', { class: 'row' }, [25, 50, 75, 100].map(part)) }), h('div', { class: 'row end' }, button(t('cancel'), close), go));
  go.focus();
}

function openProtect(each) {
  const { body, close } = dialog(`${t('modify')} ${each.symbol} ${t(each.type)} ${lots(each.volume)}`);
  const digits = store.digitsOf(each.symbol);
  // What stands is shown as it is, never rounded; what was not changed is not sent.
  const shown = (value) => (value ? price(value, Math.max(digits, decimals(value))) : '');
  const [sl, tp] = ['sl', 'tp'].map((name) => h('input', { type: 'number', min: '0', step: 'any', inputmode: 'decimal', name, value: shown(each[name]) }));
  const outcome = h('div', {});
  const go = button(t('save'), () => busy(go, async () => {
    const changed = [sl, tp].filter((input) => input.value !== shown(each[input.name]));
    if (changed.length === 0) {
      close();
      return;
    }
    const wanted = Object.fromEntries(changed.map((input) => [input.name, input.value ? Number(input.value) : null]));
    const said = await change(`/api/v1/trading/positions/${each.ticket}/modify`, { ...wanted, account: each.account_id });
    if (said.state === 'DENIED') {
      fill(outcome, decisionWords(said.decision));
      return;
    }
    tellOutcome(said, t('modify.sent'));
    close();
  }), { class: 'primary' });
  body.append(
    h('p', { class: 'dim' }, t('modify.hint', { price: price(each.current_price, digits) })),
    h('div', { class: 'fields' }, field(t('sl'), sl), field(t('tp'), tp)), outcome,
    h('div', { class: 'row end' }, button(t('cancel'), close), go),
  );
}
