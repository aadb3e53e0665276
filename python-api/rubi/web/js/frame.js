/* The frame: what stands above every view, and which view is shown. */

import { showAccount } from './components/account_view.js';
import { showConnect } from './components/connect.js';
import { showHealth } from './components/health.js';
import { showJournal } from './components/journal.js';
import { openKillSwitch } from './components/kill_switch.js';
import { showTerminal } from './components/trading_terminal.js';
import * as api from './api.js';
import { button, fill, h, say } from './dom.js';
import { LANGUAGES, choose, language, t } from './i18n.js';
import * as live from './live.js';
import { toast } from './overlay.js';
import * as session from './session.js';
import { brand } from './sign_in.js';
import * as store from './store.js';
import { theme, toggleTheme } from './theme.js';

const VIEWS = { terminal: showTerminal, account: showAccount, health: showHealth, journal: showJournal, connect: showConnect };
const ACCOUNTS_EVERY = 5000;

let leave = () => {};
let off = [];
let timers = [];

export function showFrame(app) {
  leave();
  off.forEach((act) => act());
  timers.forEach(clearInterval);
  const main = h('main', { id: 'main', tabindex: '-1' });
  const links = new Map(Object.keys(VIEWS).map((name) => [name, h('a', { class: 'tab', href: `#${name}` }, t(`view.${name}`))]));
  const banners = h('div', { role: 'status', 'aria-live': 'polite' });
  const connection = h('span', { class: 'dot' });
  const connectionWords = h('span', { class: 'connection-words' });
  connection.append(connectionWords);
  const accounts = h('select', { 'aria-label': t('account'), on: { change: () => store.select(accounts.value) } });

  fill(
    app,
    h('a', { class: 'skip', href: '#main', on: { click: (event) => { event.preventDefault(); main.focus(); } } }, t('skip')),
    h(
      'header', { class: 'top' }, banners,
      h(
        'div', { class: 'bar' }, brand(),
        h('nav', { 'aria-label': t('views') }, h('div', { class: 'tabs' }, [...links.values()])),
        h('span', { class: 'spacer' }), accounts, connection,
        button(t('kill'), openKillSwitch, { class: 'danger', data: { act: 'kill' } }), menu(),
      ),
    ),
    main,
    foot(),
  );

  function route() {
    const name = location.hash.slice(1) in VIEWS ? location.hash.slice(1) : 'terminal';
    leave();
    for (const [each, link] of links) {
      if (each === name) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    document.title = `${t(`view.${name}`)} · Rubi Studio`;
    leave = VIEWS[name](fill(main)) ?? (() => {});
  }

  function showConnection() {
    connection.dataset.state = store.state.connection;
    say(connectionWords, t(`connection.${store.state.connection}`));
    connection.title = t(`connection.${store.state.connection}`);
    showBanners();
  }

  function showBanners() {
    const account = store.account();
    const found = [];
    if (store.state.connection === 'away') found.push(['away', t('banner.away')]);
    if (store.state.connection === 'many') found.push(['away', t('banner.many')]);
    if (account && account.effective_state !== 'ACTIVE') {
      found.push(['halt', t(`banner.${account.effective_state}`, { reason: account.switches[0]?.reason ?? account.trading_reason ?? '' })]);
    }
    if (account?.not_tradable_code) found.push(['halt', t('banner.not.tradable', { code: account.not_tradable_code })]);
    if (account?.trade_mode === 'DEMO') found.push(['demo', t('banner.demo', { broker: account.broker })]);
    if (account?.trade_mode === 'REAL') found.push(['real', t('banner.real', { broker: account.broker })]);
    const said = found.map((each) => each.join('|')).join('\n');
    if (banners.dataset.said === said) return;
    banners.dataset.said = said;
    fill(banners, found.map(([kind, text]) => h('div', { class: `banner ${kind}` }, text)));
  }

  function showAccounts() {
    const known = [...store.state.accounts.values()];
    const said = known.map((each) => `${each.id}${each.live}`).join();
    if (accounts.dataset.said !== said) {
      accounts.dataset.said = said;
      fill(accounts, known.map((each) => h('option', { value: each.id }, `${each.live ? '●' : '○'} ${each.login} · ${each.server}`)));
    }
    accounts.hidden = known.length === 0;
    if (store.state.selected) accounts.value = store.state.selected;
    showBanners();
  }

  const alerts = new Set();
  function showAlerts() {
    for (const each of store.state.alerts) {
      if (alerts.has(each.id)) continue;
      alerts.add(each.id);
      toast(`${each.code}: ${each.detail}`, each.severity === 'info' ? '' : 'bad');
    }
  }

  off = [store.on('connection', showConnection), store.on('accounts', showAccounts), store.on('selected', showAccounts), store.on('alerts', showAlerts)];
  timers = [
    setInterval(() => { if (store.state.connection === 'live') store.loadAccounts().catch(() => {}); }, ACCOUNTS_EVERY),
    setInterval(() => store.tell('second'), 1000),
  ];
  addEventListener('hashchange', route);
  off.push(() => removeEventListener('hashchange', route));
  showConnection();
  showAccounts();
  route();
}

function menu() {
  const signOut = async () => {
    live.stop();
    await api.post('/api/v1/auth/logout').catch(() => {});
    session.end();
  };
  const other = Object.keys(LANGUAGES).find((name) => name !== language);
  return h(
    'span', { class: 'row' },
    button(theme() === 'dark' ? '☀' : '☾', (event) => {
      toggleTheme();
      event.currentTarget.textContent = theme() === 'dark' ? '☀' : '☾';
    }, { class: 'quiet slim', 'aria-label': t('theme') }),
    button(other.toUpperCase(), () => choose(other), { class: 'quiet slim', lang: other, 'aria-label': `${other.toUpperCase()} · ${LANGUAGES[other]}` }),
    button(t('sign.out'), signOut, { class: 'quiet slim', title: session.user?.username }),
  );
}

function foot() {
  const link = (href, text) => h('a', { href, target: '_blank', rel: 'noopener noreferrer' }, text);
  const assets = document.documentElement.dataset.assets;
  return h(
    'footer', { class: 'foot' }, h('span', {}, t('foot.risk')), link('/docs', 'API'),
    h('span', {}, 'TradingView Lightweight Charts™ © TradingView, Inc. ', link('https://www.tradingview.com/', 'tradingview.com')),
    link(`${assets}/vendor/NOTICE.txt`, t('foot.notices')),
  );
}
