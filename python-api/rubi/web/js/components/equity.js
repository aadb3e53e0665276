/* Equity, balance and drawdown over time (uPlot). */

import uPlot from '../../vendor/uplot/uPlot.esm.js';
import { empty, fill, h } from '../dom.js';
import { gain, money, percent } from '../format.js';
import { locale, t } from '../i18n.js';
import { colour, onTheme } from '../theme.js';

/** A label that stands beside itself is said once. */
const once = (labels) => labels.map((each, place) => (each === labels[place - 1] ? '' : each));

export function equityChart(root) {
  let plots = [];
  let last = null;
  const figures = h('dl', { class: 'figures' });
  const upper = h('div', { class: 'equity' });
  const lower = h('div', { class: 'equity' });

  function drop() {
    plots.forEach((each) => each.destroy());
    plots = [];
  }

  function axis(format) {
    return { stroke: colour('dim'), grid: { stroke: colour('line-soft') }, ticks: { stroke: colour('line-soft') }, values: format, size: 70, font: '11px system-ui' };
  }

  function options(height, series, format, range) {
    const long = (seconds) => new Date(seconds * 1000).toLocaleString(locale, { day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
    return {
      width: Math.max(280, root.clientWidth - 26), height, cursor: { sync: { key: 'equity' } },
      scales: { x: { time: true }, y: { range } },
      axes: [
        { ...axis(), size: 32, values: (_, ticks) => once(ticks.map((tick, place) => {
          const date = new Date(tick * 1000);
          const wide = (ticks.at(-1) - ticks[0]) > 172800;
          if (wide) return date.toLocaleDateString(locale, { day: '2-digit', month: 'short' });
          return date.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', ...(ticks[1] - ticks[0] < 60 && place >= 0 ? { second: '2-digit' } : {}) });
        })) },
        axis((_, ticks) => ticks.map(format)),
      ],
      series: [{ label: t('time'), value: (_, value) => (value === null ? '–' : long(value)) }, ...series],
      legend: { live: true },
    };
  }

  function draw() {
    drop();
    if (last === null || last.points.length === 0) return;
    const { points, currency } = last;
    const at = points.map((each) => Date.parse(each.time) / 1000);
    const show = (_, value) => (value === null || value === undefined ? '–' : money(value, currency));
    plots.push(new uPlot(options(250, [
      { label: t('figure.equity'), stroke: colour('accent'), width: 1.6, value: show },
      { label: t('figure.balance'), stroke: colour('dim'), width: 1.2, dash: [5, 4], value: show },
    ], (tick) => money(tick)), [at, points.map((each) => each.equity), points.map((each) => each.balance)], upper));
    plots.push(new uPlot(options(130, [
      { label: t('drawdown'), stroke: colour('down'), fill: `${colour('down')}33`, width: 1.2, value: (_, value) => percent(value, 2) },
    ], (tick) => percent(tick, 2), (_, low) => [Math.min(low ?? 0, -0.1), 0]), [at, points.map((each) => -100 * each.drawdown)], lower));
  }

  const resize = new ResizeObserver(() => {
    const width = Math.max(280, root.clientWidth - 26);
    for (const each of plots) if (Math.abs(each.width - width) > 4) each.setSize({ width, height: each.height });
  });
  resize.observe(root);
  const off = onTheme(draw);

  return {
    /** The answer of the history call; null where the service has none. */
    show(said, currency) {
      if (said === null) {
        last = null;
        drop();
        fill(root, empty(t('unavailable'), t('equity.unavailable')));
        return;
      }
      if (said.points.length === 0) {
        last = null;
        drop();
        fill(root, empty(t('equity.none'), t('equity.none.hint')));
        return;
      }
      const first = said.points[0];
      const now = said.points.at(-1);
      fill(figures, [
        [t('figure.equity'), money(now.equity, currency)], [t('change'), gain(now.equity - (first.equity_open ?? first.equity))],
        [t('drawdown.max'), percent((said.max_drawdown ?? Math.max(...said.points.map((each) => each.drawdown))) * 100, 2)],
      ].map(([label, value]) => h('div', { class: 'figure' }, h('dt', {}, label), h('dd', {}, value))));
      if (!upper.isConnected) fill(root, h('div', { class: 'stack' }, figures, upper, lower));
      last = { points: said.points, currency };
      draw();
    },
    leave() {
      resize.disconnect();
      off();
      drop();
    },
  };
}
