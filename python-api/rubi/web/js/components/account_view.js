/* The account over time: equity and drawdown; the limits of risk and how much of each is used; closed positions. */

import { get, maybe } from '../api.js';
import { cells, empty, fill, h, panel, say, table, tag } from '../dom.js';
import { direction, gain, lots, moment, money, number, percent, price } from '../format.js';
import { t } from '../i18n.js';
import * as store from '../store.js';
import { equityChart } from './equity.js';

const RANGES = { hour: 3600, day: 86400, week: 604800, month: 2592000, year: 31536000 };

export function showAccount(root) {
  const young = Date.now() - Date.parse(store.account()?.created_at ?? 0) < 3_600_000;
  let range = young ? 'hour' : 'day';
  let number_ = 0;
  const ranges = Object.keys(RANGES).map((name) => h('button', {
    type: 'button', class: 'tab', 'aria-pressed': String(name === range), data: { name },
    on: { click: () => { range = name; ranges.forEach((each) => each.setAttribute('aria-pressed', String(each.dataset.name === name))); read(); } },
  }, t(`range.${name}`)));
  const equity = panel(t('equity.title'), { component: 'Equity', tools: [h('div', { class: 'tabs' }, ranges)] });
  const risk = panel(t('risk.title'), { component: 'RiskStatus' });
  const closed = panel(t('history.title'), { component: 'History', body: '' });
  equity.whole.classList.add('across');
  const chart = equityChart(equity.inside);
  fill(root, h('div', { class: 'cards' }, equity.whole, risk.whole, closed.whole));

  async function read() {
    const account = store.account();
    if (!account) {
      if (store.state.loaded) fill(equity.inside, empty(t('terminal.none'), t('terminal.none.hint'), h('a', { class: 'button primary', href: '#connect' }, t('view.connect'))));
      return;
    }
    const mine = (number_ += 1);
    const from = new Date(Date.now() - RANGES[range] * 1000).toISOString();
    const session = account.session?.session_id;
    const [points, limits, trips, problem] = await Promise.all([
      session ? maybe(`/api/v1/mt5/account/${session}/history?${new URLSearchParams({ from, points: 600 })}`) : null,
      maybe(`/api/v1/risk/status?${new URLSearchParams({ account: account.id })}`),
      get(`/api/v1/trading/history?${new URLSearchParams({ account: account.id, from, limit: 50 })}`),
    ]).catch((error) => [null, null, null, error]);
    if (mine !== number_) return;
    if (problem) {
      // What is not known is not an empty history.
      for (const each of [equity, risk, closed]) fill(each.inside, h('p', { class: 'notice bad' }, problem.message));
      return;
    }
    chart.show(points, account.currency);
    showRisk(risk.inside, limits, account);
    showTrips(closed, trips.history, account);
  }

  const off = store.on('selected', read);
  const timer = setInterval(() => { if (!document.hidden) read(); }, 10_000);
  read();
  return () => {
    off();
    clearInterval(timer);
    number_ += 1; // what is on its way has no view any more
    chart.leave();
  };
}

function figures(pairs) {
  return h('dl', { class: 'figures' }, pairs.map(([label, value, kind]) => h('div', { class: 'figure' }, h('dt', {}, label), h('dd', { class: kind ?? '' }, value))));
}

/** What is used of each limit, and the room that is left. */
function showRisk(root, said, account) {
  if (said === null) {
    fill(root, empty(t('unavailable'), t('risk.unavailable')));
    return;
  }
  const { counts, day, drawdown, headroom } = said;
  const currencies = Object.entries(said.currencies ?? {});
  fill(root, h('div', { class: 'stack' },
    h('p', { class: 'row' }, tag(t(`trading.${account.effective_state}`), account.effective_state === 'ACTIVE' ? 'good' : 'bad'), said.level && said.level !== 'OK' && tag(`${t('risk.level')}: ${said.level}`, 'warn')),
    figures([
      [t('risk.open_risk'), money(value(said.open_risk), account.currency)],
      [t('risk.headroom'), money(value(headroom?.money), account.currency)],
    ]),
    headroom?.limit && h('p', { class: 'small dim wrap' }, t('risk.headroom.by', { limit: headroom.limit.replaceAll('_', ' ') })),
    limitMeter(t('risk.heat_percent'), value(said.heat_percent), value(said.max_heat_percent), '%'),
    limitMeter(t('risk.leverage'), value(said.leverage), value(said.max_leverage)),
    limitMeter(t('risk.counts'), counts && counts.positions + counts.pendings + counts.reservations, value(counts?.max), '', 0),
    day ? limitMeter(t('risk.day'), day.loss === null ? null : Math.max(0, value(day.loss)), value(day.limit), account.currency) : null,
    drawdown ? limitMeter(t('risk.drawdown'), value(drawdown.percent), value(drawdown.limit_percent), '%') : null,
    currencies.length > 0 && h('p', { class: 'small wrap num' }, h('strong', {}, `${t('risk.currencies')}: `), currencies.map(([name, worth]) => `${name} ${number(value(worth), 0)}`).join(' · ')),
  ));
}

const value = (said) => (said === null || said === undefined ? null : Number(said));

/** How much of a limit is used; the figure alone where there is no limit. */
function limitMeter(label, used, limit, unit = '', digits = 2) {
  if (used === null || used === undefined) return null;
  const words = (each) => `${number(each, digits)}${unit ? ` ${unit}` : ''}`;
  if (!(limit > 0)) return h('p', { class: 'row between small' }, h('span', {}, label), h('span', { class: 'num' }, `${words(used)} · ${t('risk.no.limit')}`));
  const bar = h('i');
  const share = Math.max(0, Math.min(1, used / limit));
  bar.style.width = `${share * 100}%`;
  return h('div', { class: 'stack' }, h('p', { class: 'row between small' }, h('span', {}, label), h('span', { class: 'num' }, `${words(used)} / ${words(limit)} · ${percent(share * 100, 0)}`)), h('div', { class: `meter ${share > 0.8 ? 'bad' : 'good'}` }, bar));
}

function showTrips({ inside, heading }, trips, account) {
  const shape = [
    { label: t('symbol'), class: 'full lead' }, { label: t('side') }, { label: t('lots'), class: 'num' }, { label: t('open.price'), class: 'num' }, { label: t('close.price'), class: 'num' },
    { label: t('net'), class: 'num' }, { label: t('reason') }, { label: t('closed') },
  ];
  const list = table(shape, { caption: t('history.title') });
  const net = trips.reduce((sum, each) => sum + each.net, 0);
  const won = trips.filter((each) => each.net > 0).length;
  say(heading, trips.length ? `${t('history.title')} · ${gain(net)} ${account.currency} · ${t('history.won', { share: percent((won / trips.length) * 100, 0) })}` : t('history.title'));
  for (const each of trips) {
    const digits = store.digitsOf(each.symbol);
    list.body.append(cells(shape, [
      each.symbol, each.side ? h('span', { class: `side-${each.side.toLowerCase()}` }, t(each.side)) : '–', lots(each.volume), price(each.open_price, digits), price(each.close_price, digits),
      { text: gain(each.net), class: `strong ${direction(each.net)}` }, each.close_reason ?? '–', moment(each.closed_at),
    ]));
  }
  fill(inside, trips.length ? h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': t('history.title') }, list.whole) : empty(t('history.none'), t('history.none.hint')));
}

