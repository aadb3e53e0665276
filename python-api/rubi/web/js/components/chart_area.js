/* ChartArea: live candles with positions, stops, targets, orders and signals drawn where they stand. */

import {
  CandlestickSeries, ColorType, CrosshairMode, LineStyle, createChart, createSeriesMarkers,
} from '../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs';
import { fill, h, panel, say, staleTag } from '../dom.js';
import { gain, lots, price } from '../format.js';
import { locale, t } from '../i18n.js';
import * as store from '../store.js';
import { colour, onTheme } from '../theme.js';
import { FRAMES, load, merged, withPrice } from './candles.js';

const AGAIN_EVERY = 15_000;
const KEPT = 'rubi.timeframe';

export function chartArea(pick) {
  let frame = localStorage.getItem(KEPT) in FRAMES ? localStorage.getItem(KEPT) : 'M1';
  let symbol = null;
  let last = null;
  let bars = [];
  let loading = 0;
  let ready = false;
  const lines = new Map();

  const symbols = h('select', { 'aria-label': t('symbol'), on: { change: () => pick.set(symbols.value) } });
  const frames = Object.keys(FRAMES).map((name) => h('button', { type: 'button', class: 'tab', 'aria-pressed': String(name === frame), on: { click: () => choose(name) } }, name));
  const old = staleTag();
  const { whole, inside, heading } = panel(t('chart'), { component: 'ChartArea', body: '', tools: [old, h('div', { class: 'chart-head' }, symbols, h('div', { class: 'tabs', role: 'group', 'aria-label': t('timeframe') }, frames))] });
  const note = h('p', { class: 'small dim', role: 'status' });
  const canvas = h('div', { class: 'chart', role: 'img', 'aria-label': t('chart') });
  fill(inside, canvas, note);

  const chart = createChart(canvas, {
    autoSize: true,
    localization: { locale, timeFormatter: (time) => new Date(time * 1000).toLocaleString(locale, { day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit' }) },
    layout: { attributionLogo: false, fontFamily: 'system-ui, sans-serif' },
    timeScale: {
      timeVisible: true, secondsVisible: false, rightOffset: 6,
      tickMarkFormatter: (time) => new Date(time * 1000).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' }),
    },
    crosshair: { mode: CrosshairMode.Normal },
    handleScale: { mouseWheel: true, pinch: true },
  });
  const series = chart.addSeries(CandlestickSeries, { borderVisible: false });
  const markers = createSeriesMarkers(series, []);

  function paint() {
    const [up, down, line, text] = ['up', 'down', 'line-soft', 'dim'].map(colour);
    chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: colour('panel') }, textColor: text },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: line }, timeScale: { borderColor: line },
    });
    series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    for (const each of lines.values()) series.removePriceLine(each.line);
    lines.clear();
    overlays();
  }

  function choose(name) {
    frame = name;
    localStorage.setItem(KEPT, name);
    frames.forEach((each) => each.setAttribute('aria-pressed', String(each.textContent === name)));
    anew();
  }

  /** Nothing of the symbol, timeframe or account before stays on the chart while its successor is read. */
  function anew() {
    ready = false;
    bars = [];
    last = null;
    series.setData([]);
    whole.dataset.bars = '0';
    overlays();
    read(true);
  }

  async function read(first) {
    if (symbol === null || store.state.selected === null) return;
    const number = (loading += 1);
    try {
      const said = await load(store.state.selected, symbol, frame, { pages: first ? 2 : 1 });
      if (number !== loading) return;
      const digits = store.digitsOf(symbol);
      series.applyOptions({ priceFormat: { type: 'price', precision: digits, minMove: 10 ** -digits } });
      bars = first ? said.bars : merged(bars, said.bars);
      series.setData(bars);
      last = bars.at(-1) ?? null;
      ready = true;
      if (first) {
        show();
        if (bars.length > 0) requestAnimationFrame(() => performance.mark('rubi.candles'));
      }
      say(note, bars.length === 0 ? t('chart.none') : said.madeOf ? t('chart.built', { frame: said.madeOf }) : '');
      whole.dataset.bars = String(bars.length);
      overlays();
      live();
    } catch (problem) {
      if (number === loading) say(note, problem.message);
    }
  }

  function show() {
    const width = canvas.clientWidth || 600;
    const count = Math.max(40, Math.floor(width / 8));
    chart.timeScale().setVisibleLogicalRange({ from: Math.max(bars.length - count, -5), to: bars.length + 6 });
  }

  /** The last price moves the last bar, or begins the next one. */
  function live() {
    const quote = symbol && store.priceOf(symbol);
    if (!quote) return;
    const next = ready ? withPrice(last, quote.bid, Date.parse(quote.time) / 1000, FRAMES[frame]) : null;
    if (next !== null && (last === null || next.close !== last.close || next.time !== last.time)) {
      last = next;
      series.update(next);
    }
    const stale = performance.now() - quote.at > store.STALE_AFTER;
    whole.dataset.stale = String(stale);
    canvas.classList.toggle('stale', stale);
    old.hidden = !stale;
    say(heading, `${symbol} ${price(quote.bid, store.digitsOf(symbol))} / ${price(quote.ask, store.digitsOf(symbol))}`);
    canvas.setAttribute('aria-label', t('chart.words', { symbol, frame, bid: price(quote.bid, store.digitsOf(symbol)), count: bars.length }));
  }

  function wantedLines() {
    const wanted = new Map();
    for (const each of store.mine(store.state.positions).filter((one) => one.symbol === symbol)) {
      const side = each.type === 'BUY' ? 'up' : 'down';
      wanted.set(`p${each.position_id}`, { price: each.open_price, color: colour(side), style: LineStyle.Solid, title: `${t(each.type)} ${lots(each.volume)} ${gain(each.profit)}` });
      if (each.sl) wanted.set(`s${each.position_id}`, { price: each.sl, color: colour('down'), style: LineStyle.Dashed, title: t('sl') });
      if (each.tp) wanted.set(`t${each.position_id}`, { price: each.tp, color: colour('up'), style: LineStyle.Dashed, title: t('tp') });
    }
    for (const each of store.mine(store.state.orders).filter((one) => one.symbol === symbol && one.kind === 'PLACE_PENDING' && !store.isFinal(one) && one.price)) {
      wanted.set(`o${each.id}`, { price: each.price, color: colour('dim'), style: LineStyle.Dotted, title: `${t(each.side)} ${t(`type.${each.order_type}`)} ${lots(each.volume)}` });
    }
    return wanted;
  }

  function overlays() {
    const wanted = wantedLines();
    for (const [key, each] of lines) {
      const now = wanted.get(key);
      if (now && now.price === each.said.price) {
        if (now.title !== each.said.title) each.line.applyOptions({ title: now.title });
        each.said = now;
        wanted.delete(key);
      } else {
        series.removePriceLine(each.line);
        lines.delete(key);
      }
    }
    for (const [key, said] of wanted) {
      lines.set(key, { said, line: series.createPriceLine({ price: said.price, color: said.color, lineStyle: said.style, lineWidth: 1, axisLabelVisible: true, title: said.title }) });
    }
    const span = FRAMES[frame];
    const first = bars[0]?.time ?? Infinity;
    markers.setMarkers(store.mine(store.state.signals)
      .filter((each) => each.symbol === symbol && each.received_at)
      .map((each) => ({ each, time: Math.floor(Date.parse(each.received_at) / 1000 / span) * span }))
      .filter(({ time }) => time >= first && time <= (last?.time ?? 0))
      .sort((a, b) => a.time - b.time || a.each.id - b.each.id)
      .map(({ each, time }) => {
        const buys = each.signal_type === 'BUY' || each.signal_type === 'CLOSE_SELL';
        const done = each.status === 'EXECUTED' || each.status === 'PENDING';
        return { time, position: buys ? 'belowBar' : 'aboveBar', shape: done ? (buys ? 'arrowUp' : 'arrowDown') : 'square', color: done ? colour(buys ? 'up' : 'down') : colour('dim'), text: done ? '' : '✗', size: done ? 1 : 0.5 };
      }));
  }

  function names() {
    const found = store.symbols();
    if (symbols.dataset.said !== found.join()) {
      symbols.dataset.said = found.join();
      fill(symbols, found.map((name) => h('option', { value: name }, name)));
      if (symbol) symbols.value = symbol;
    }
  }

  const timer = setInterval(() => { if (!document.hidden) read(!ready); }, AGAIN_EVERY);
  const off = [
    store.on('prices', () => { names(); live(); }), store.on('second', live), store.on('positions', overlays), store.on('signals', overlays), store.on('orders', overlays),
    store.on('selected', () => { names(); anew(); }), onTheme(paint),
  ];
  names();
  paint();
  return {
    whole,
    symbol(name) {
      symbol = name;
      symbols.value = name;
      anew();
    },
    leave() {
      clearInterval(timer);
      loading += 1; // bars that are on their way have no chart any more
      off.forEach((act) => act());
      chart.remove();
    },
  };
}
