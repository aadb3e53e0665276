/* Connect my MT5: address, token, files, and a list that turns green by what the service really sees. */

import * as api from '../api.js';
import { button, empty, field, fill, h, panel, say, tag } from '../dom.js';
import { day, moment } from '../format.js';
import { t } from '../i18n.js';
import { busy, complain, toast, twice } from '../overlay.js';
import * as store from '../store.js';
import { CURES } from './cures.js';
import { decisionWords } from './decision.js';

const EVERY = 2000;
const NAME = 'RubiStudioConnector';
/** Shown once: leaving the page's view or the page itself forgets it. */
let made = null;

export function showConnect(root) {
  let tokens = [];
  let since = null;
  let dry = null;
  const address = h('code', { tabindex: '0' }, location.origin);
  const setup = panel(t('connect.prepare'), { component: 'ConnectMyMT5', body: 'body stack' });
  const check = panel(t('connect.check'), { component: 'Checklist', body: 'body stack' });
  const others = panel(t('connect.tokens'), { component: 'Tokens', body: 'body stack' });
  others.whole.classList.add('across');
  fill(root, h('div', { class: 'cards' }, setup.whole, check.whole, others.whole));

  const name = h('input', { name: 'token-name', maxlength: '100', value: t('connect.token.default') });
  const held = h('input', { type: 'checkbox', checked: true });
  const heldRow = h('label', { class: 'check' }, held, h('span', {}, t('connect.hold')));
  const tokenPlace = h('div', { class: 'stack', 'aria-live': 'polite' });
  const files = h('div', { class: 'row' });
  const create = button(t('connect.token.create'), () => busy(create, make), { class: 'primary', data: { act: 'create-token' } });
  fill(
    setup.inside,
    numbered(1, t('connect.token'), h('p', { class: 'dim' }, t('connect.token.hint')), field(t('name'), name), heldRow, h('div', { class: 'row' }, create), tokenPlace),
    numbered(2, t('connect.url'), h('p', { class: 'dim' }, t('connect.url.hint')), secret(address), portHint()),
    numbered(3, t('connect.files'), h('p', { class: 'dim' }, t('connect.files.hint')), files),
    numbered(4, t('connect.attach'), h('p', { class: 'dim' }, t('connect.attach.hint'))),
  );
  drawToken();

  async function make() {
    const holds = held.checked && store.state.accounts.size === 0;
    if (holds) await api.change('/api/v1/accounts/halt', { reason: t('connect.hold.reason') });
    made = await api.post('/api/v1/auth/tokens', { name: name.value.trim() || t('connect.token.default'), scope: 'ea' });
    since = Date.parse(made.created_at);
    drawToken();
    await look();
  }

  function drawToken() {
    fill(tokenPlace, made && [
      h('p', { class: 'notice warn' }, t('connect.token.once')),
      secret(h('code', { tabindex: '0', data: { part: 'token' } }, made.token)),
    ]);
    fill(
      files, h('a', { class: 'button', href: `/downloads/${NAME}.mq5`, download: `${NAME}.mq5` }, `${NAME}.mq5`),
      button(t('connect.preset'), (event) => busy(event.currentTarget, preset), { data: { act: 'preset' } }),
    );
  }

  /** The preset with this service's address, and the token while it is known: it never travels in an address. */
  async function preset() {
    const answer = await fetch(`/downloads/${NAME}.set`);
    if (!answer.ok) throw new Error((await answer.json()).detail);
    const text = (await answer.text()).replace(/^BackendURL=.*$/m, `BackendURL=${location.origin}`).replace(/^APIToken=.*$/m, `APIToken=${made?.token ?? ''}`);
    const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
    h('a', { href: url, download: `${NAME}.set` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    if (made === null) toast(t('connect.preset.empty'));
  }

  async function look() {
    try {
      const [said, sessions] = await Promise.all([api.get('/api/v1/auth/tokens?include_ended=true'), api.get('/api/v1/mt5/sessions?active=false&limit=20'), store.loadAccounts()]);
      tokens = said.tokens;
      drawTokens();
      drawSteps(sessions.sessions);
    } catch (problem) {
      say(note, problem.message);
    }
  }

  const note = h('p', { class: 'small dim', role: 'status' });
  const list = h('ol', { class: 'steps' });
  fill(check.inside, h('p', { class: 'dim' }, t('connect.check.hint')), list, note);

  function facts(sessions) {
    const account = store.account();
    const used = tokens.filter((each) => each.scope === 'ea' && each.last_used_at && (since === null || Date.parse(each.last_used_at) >= since));
    const arrived = used.length > 0 || sessions.some((each) => each.is_active);
    const prices = [...store.state.prices.values()].filter((each) => each.account_id === store.state.selected);
    const fresh = prices.filter((each) => performance.now() - each.at < store.STALE_AFTER);
    const onlyHalted = dry && !dry.approved && dry.gates.filter((gate) => !gate.passed).every((gate) => gate.gate === 'trading_state');
    return {
      allow: { done: arrived, words: arrived ? t('step.allow.done') : t('step.allow.wait', { url: location.origin }) },
      token: { done: used.some((each) => !each.revoked_at) || sessions.some((each) => each.is_active), words: used[0] ? t('step.token.done', { name: used[0].name, time: moment(used[0].last_used_at) }) : t('step.token.wait') },
      account: { done: Boolean(account?.live), bad: account !== null && !account.live, words: account ? t(account.live ? 'step.account.done' : 'step.account.silent', { login: account.login, server: account.server, broker: account.broker }) : t('step.account.wait') },
      prices: { done: fresh.length > 0, bad: prices.length > 0 && fresh.length === 0, words: t(fresh.length ? 'step.prices.done' : prices.length ? 'step.prices.stale' : 'step.prices.wait', { count: fresh.length }) },
      positions: { done: Boolean(account?.reconciled), words: account?.reconciled ? t('step.positions.done', { count: store.mine(store.state.positions).length }) : t('step.positions.wait') },
      dry: { done: Boolean(dry && (dry.approved || onlyHalted)), bad: Boolean(dry && !dry.approved && !onlyHalted), words: dry ? t(dry.approved || onlyHalted ? 'step.dry.done' : 'step.dry.bad', { symbol: dry.symbol }) : t('step.dry.wait') },
      arm: {
        done: Boolean(account?.live && account.effective_state === 'ACTIVE' && !account.not_tradable_code), bad: Boolean(account?.not_tradable_code),
        words: account?.not_tradable_code ? t('step.arm.refused', { code: account.not_tradable_code }) : account?.effective_state === 'ACTIVE' ? t('step.arm.done') : t('step.arm.wait'),
      },
    };
  }

  const drawn = new Map();
  function drawSteps(sessions) {
    const found = facts(sessions);
    let next = true;
    Object.entries(found).forEach(([key, fact], place) => {
      const state = fact.done ? 'done' : fact.bad ? 'bad' : next ? 'next' : 'waits';
      if (!fact.done) next = false;
      let step = drawn.get(key);
      if (!step) {
        step = makeStep(key, place + 1);
        drawn.set(key, step);
        list.append(step.whole);
      }
      step.whole.dataset.state = state;
      say(step.mark, fact.done ? '✓' : fact.bad ? '!' : String(place + 1));
      say(step.words, fact.words);
      say(step.spoken, t(`step.state.${state}`));
      step.action.hidden = key === 'dry' ? !found.prices.done : key === 'arm' ? fact.done || !store.account() || Boolean(fact.bad) : true;
      if (fact.bad) step.cures.open = true;
    });
  }

  function makeStep(key, number) {
    const mark = h('span', { class: 'mark', 'aria-hidden': 'true' }, String(number));
    const spoken = h('span', { class: 'visually-hidden' });
    const words = h('p', { class: 'dim wrap' });
    const result = h('div', { 'aria-live': 'polite' });
    const action = h('div', { class: 'row' });
    if (key === 'dry') action.append(button(t('step.dry.go'), (event) => busy(event.currentTarget, () => tryDry(result)), { class: 'slim', data: { act: 'dry-run' } }));
    if (key === 'arm') action.append(twice(t('step.arm.go'), () => arm().catch(complain), { class: 'slim primary', data: { act: 'arm' } }));
    const cures = h('details', {}, h('summary', {}, t('connect.cures')), h('dl', { class: 'stack small' }, CURES[key].map((code) => h('div', {}, h('dt', { class: 'strong' }, t(`cure.${code}.name`)), h('dd', { class: 'dim' }, t(`cure.${code}`))))));
    const whole = h('li', { class: 'step', data: { step: key } }, mark, h('div', { class: 'stack' }, h('h3', {}, t(`step.${key}`), ' ', spoken), words, action, result, cures));
    return { whole, mark, words, spoken, action, cures };
  }

  /** The smallest order on the first symbol with a price, decided by every gate and stored nowhere. */
  async function tryDry(result) {
    const symbol = store.symbols().find((each) => performance.now() - store.priceOf(each).at < store.STALE_AFTER);
    const quote = store.priceOf(symbol);
    const digits = store.digitsOf(symbol);
    const said = await api.post('/api/v1/trading/orders', {
      symbol, side: 'BUY', volume: 0.01, dry_run: true, account: store.state.selected,
      sl: Number((quote.bid * 0.998).toFixed(digits)), tp: Number((quote.ask * 1.004).toFixed(digits)),
    });
    dry = { approved: said.approved, symbol, gates: said.record?.decision?.gates ?? [] };
    fill(result, decisionWords({ ...said, gates: dry.gates }));
    await look();
  }

  async function arm() {
    const account = store.account();
    for (const each of account.switches.filter((one) => one.symbol === null)) {
      await api.change(each.level === 'EVERYWHERE' ? '/api/v1/accounts/resume' : `/api/v1/accounts/${account.id}/resume`, { reason: t('step.arm.reason') });
    }
    if (account.trading_state !== 'ACTIVE') await api.change(`/api/v1/accounts/${account.id}/resume`, { reason: t('step.arm.reason') });
    await look();
  }

  function drawTokens() {
    const alive = tokens.filter((each) => !each.revoked_at && Date.parse(each.expires_at) > Date.now());
    const said = JSON.stringify(alive);
    if (others.inside.dataset.said === said) return;
    others.inside.dataset.said = said;
    fill(others.inside, alive.length === 0 ? empty(t('tokens.none'), t('tokens.none.hint')) : alive.map((each) => h(
      'div', { class: 'row between', data: { token: each.id } },
      h('span', { class: 'wrap grow' }, h('strong', {}, each.name), ' ', tag(each.scope), ' ', h('span', { class: 'small dim' }, `${t('tokens.used')} ${each.last_used_at ? moment(each.last_used_at) : t('never')} · ${t('tokens.until')} ${day(each.expires_at)}`)),
      twice(t('tokens.revoke'), () => api.remove(`/api/v1/auth/tokens/${each.id}`).then(() => { if (made?.id === each.id) { made = null; drawToken(); } return look(); }).catch(complain), { class: 'slim danger' }),
    )));
  }

  function showHold() {
    heldRow.hidden = store.state.accounts.size > 0;
  }

  const timer = setInterval(() => { if (!document.hidden) look(); }, EVERY);
  const off = ['accounts', 'selected'].map((topic) => store.on(topic, showHold));
  showHold();
  look();
  return () => {
    clearInterval(timer);
    off.forEach((act) => act());
    made = null;
  };
}

function numbered(number, title, ...children) {
  return h('div', { class: 'step', data: { state: 'plain' } }, h('span', { class: 'mark', 'aria-hidden': 'true' }, String(number)), h('div', { class: 'stack' }, h('h3', {}, title), ...children));
}

function secret(code) {
  const copy = button(t('copy'), async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      toast(t('copied'), 'good');
    } catch {
      getSelection().selectAllChildren(code);
      toast(t('copy.by.hand'));
    }
  }, { class: 'slim' });
  return h('div', { class: 'secret' }, code, copy);
}

/** MetaTrader calls ports 80 and 443 everywhere; other ports only in some builds. */
function portHint() {
  const plain = location.port === '' || location.port === '80' || location.port === '443';
  const far = location.protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname);
  return [!plain && h('p', { class: 'small dim' }, t('connect.port', { port: location.port })), far && h('p', { class: 'notice warn' }, t('connect.http'))];
}
