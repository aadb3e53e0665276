/* How things run: the service's parts, terminals' sessions, and how long each stage of an order takes. */

import { get, maybe } from '../api.js';
import { cells, empty, fill, h, panel, table, tag } from '../dom.js';
import { moment, number, seconds } from '../format.js';
import { known, t } from '../i18n.js';
import { counts } from '../live.js';
import * as store from '../store.js';

const EVERY = 5000;
/** The stages of an order's way, each between two of its times. */
const STAGES = [
  ['queue', 'queued_at', 'leased_at'], ['terminal', 'leased_at', 'acked_at'], ['broker', 'acked_at', 'filled_at'], ['total', 'created_at', 'filled_at'],
];

export function showHealth(root) {
  const service = panel(t('health.service'), { component: 'Service' });
  const stages = panel(t('health.stages'), { component: 'Latency' });
  const sessions = panel(t('health.sessions'), { component: 'Sessions', body: '' });
  sessions.whole.classList.add('across');
  fill(root, h('div', { class: 'cards' }, service.whole, stages.whole, sessions.whole));

  async function read() {
    const [ready, found] = await Promise.all([
      fetch('/health/ready').then((answer) => answer.json()).catch(() => null),
      maybe('/api/v1/mt5/sessions?active=false&limit=50').catch(() => null),
    ]);
    showService(service.inside, ready);
    showSessions(sessions.inside, found?.sessions ?? null);
    const orders = await get('/api/v1/trading/orders?limit=200').catch(() => null);
    showStages(stages.inside, orders?.orders.filter((each) => each.account_id === store.state.selected) ?? null);
  }

  const timer = setInterval(() => { if (!document.hidden) read(); }, EVERY);
  const off = store.on('selected', read);
  read();
  return () => {
    clearInterval(timer);
    off();
  };
}

const unreached = () => h('p', { class: 'notice bad' }, t('error.unreached'));

function showService(root, ready) {
  if (ready === null) {
    fill(root, unreached());
    return;
  }
  const fine = (value) => value === 'ok' || value === 'current' || /^[1-9]\d* alive$/.test(value);
  const rows = [...Object.entries(ready.checks ?? {})].map(([name, value]) => [known(`check.${name}`) ?? name, tag(value, fine(value) ? 'good' : /away|0 alive|to apply/.test(value) ? 'bad' : '')]);
  rows.push([t('health.version'), ready.version], [t('health.frames'), String(counts.frames)], [t('health.gaps'), String(counts.gaps)], [t('health.openings'), String(counts.openings)]);
  if (counts.roundTrip !== null) rows.push([t('health.ping'), `${number(counts.roundTrip, 1)} ms`]);
  fill(root, h('div', { class: 'stack' }, h('p', {}, tag(t(`health.${ready.status}`), ready.status === 'healthy' ? 'good' : 'bad')), h('dl', { class: 'stack' }, rows.map(([label, value]) => h('div', { class: 'row between' }, h('dt', { class: 'dim' }, label), h('dd', {}, value))))));
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function showStages(root, orders) {
  if (orders === null) {
    fill(root, unreached());
    return;
  }
  const shape = [{ label: t('stage'), class: 'full lead' }, { label: t('count'), class: 'num' }, { label: 'p50', class: 'num' }, { label: 'p95', class: 'num' }, { label: t('worst'), class: 'num' }];
  const list = table(shape, { caption: t('health.stages') });
  let any = false;
  for (const [name, from, to] of STAGES) {
    const taken = orders.filter((each) => each[from] && each[to]).map((each) => (Date.parse(each[to]) - Date.parse(each[from])) / 1000).filter((value) => value >= 0).sort((a, b) => a - b);
    if (taken.length === 0) continue;
    any = true;
    list.body.append(cells(shape, [t(`stage.${name}`), String(taken.length), seconds(percentile(taken, 0.5)), seconds(percentile(taken, 0.95)), seconds(taken.at(-1))]));
  }
  fill(root, any ? h('div', { class: 'scroll' }, list.whole) : empty(t('stages.none'), t('stages.none.hint')));
}

function showSessions(root, sessions) {
  if (sessions === null) {
    fill(root, unreached());
    return;
  }
  if (sessions.length === 0) {
    fill(root, empty(t('sessions.none'), t('sessions.none.hint'), h('a', { class: 'button', href: '#connect' }, t('view.connect'))));
    return;
  }
  const shape = [
    { label: t('account'), class: 'full lead' }, { label: t('state') }, { label: t('session.version') }, { label: t('session.epoch'), class: 'num' },
    { label: t('session.since') }, { label: t('session.seen') }, { label: t('session.holds') }, { label: t('reason') },
  ];
  const list = table(shape, { caption: t('health.sessions') });
  for (const each of sessions) {
    const quiet = (Date.now() - Date.parse(each.last_ping)) / 1000;
    list.body.append(cells(shape, [
      h('span', { class: 'wrap' }, `${each.account_number} · ${each.server} · ${each.broker}`), tag(known(`session.${each.state}`) ?? each.state, each.state === 'ACTIVE' ? 'good' : each.state === 'SILENT' ? 'warn' : ''),
      `${each.ea_version ?? '?'} / ${each.build ?? '?'}`, String(each.epoch), moment(each.connected_at), each.is_active ? t('ago', { time: seconds(Math.max(0, quiet)) }) : moment(each.disconnected_at ?? each.last_ping),
      each.holds_account ? '✓' : '–', each.not_tradable_code ?? '–',
    ]));
  }
  fill(root, h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': t('health.sessions') }, list.whole));
}
