/* The kill switch: HALT, REDUCE, FLATTEN, RESUME; for everything, this account, or one symbol. */

import { change } from '../api.js';
import { button, field, fill, h, tag } from '../dom.js';
import { moment } from '../format.js';
import { t } from '../i18n.js';
import { busy, dialog, toast, twice } from '../overlay.js';
import * as store from '../store.js';

export function openKillSwitch() {
  const { body, close } = dialog(t('kill'));
  const account = store.account();
  const scope = h('select', { name: 'scope' }, h('option', { value: '' }, t('kill.everything')), account && h('option', { value: account.id }, `${t('account')} ${account.login}`));
  const symbol = h('select', { name: 'symbol' }, h('option', { value: '' }, t('kill.all.symbols')), store.symbols().map((name) => h('option', { value: name }, name)));
  const reason = h('input', { name: 'reason', maxlength: '500', value: t('kill.reason.default'), required: true });
  const states = h('div', { 'aria-live': 'polite' });

  function draw() {
    fill(states, [...store.state.accounts.values()].map((each) => h(
      'p', { class: 'row' }, h('strong', {}, each.login), tag(t(`trading.${each.effective_state}`), each.effective_state === 'ACTIVE' ? 'good' : 'bad'),
      each.switches.map((one) => h('span', { class: 'small dim wrap' }, `${t(`kill.level.${one.level}`)}${one.symbol ? ` ${one.symbol}` : ''}: ${one.state} · ${one.reason ?? ''} · ${moment(one.set_at)}`)),
    )));
  }

  async function set(verb, control) {
    await busy(control, async () => {
      const path = scope.value ? `/api/v1/accounts/${scope.value}/${verb}` : `/api/v1/accounts/${verb}`;
      const said = await change(path, { reason: reason.value.trim() || t('kill.reason.default'), symbol: symbol.value || undefined });
      const closes = said.closes ? ` · ${t('close.sent', { count: said.closes.total })}` : '';
      toast(`${t(`trading.${said.state}`)}${closes}`, said.state === 'ACTIVE' ? 'good' : '');
      await store.loadAccounts();
    });
  }

  const act = (verb, kind, make = button) => h(
    'div', { class: 'row between act' }, h('div', { class: 'grow' }, h('strong', {}, t(`kill.${verb}`)), h('p', { class: 'small dim' }, t(`kill.${verb}.hint`))),
    make(t(`kill.${verb}.go`), (event) => set(verb, event?.currentTarget ?? {}), { class: kind, data: { act: verb } }),
  );
  body.append(
    states, h('div', { class: 'fields' }, field(t('kill.scope'), scope), field(t('symbol'), symbol), field(t('kill.reason'), reason, { class: 'full' })),
    act('halt', 'danger'), act('reduce', ''), act('flatten', 'danger', twice), act('resume', 'primary'),
    h('div', { class: 'row end' }, button(t('close'), close)),
  );
  const off = store.on('accounts', draw);
  body.closest('dialog').addEventListener('close', off);
  draw();
  body.querySelector('[data-act="halt"]').focus();
}
