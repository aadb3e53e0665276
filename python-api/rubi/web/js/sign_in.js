/* The door: sign in, register where the service allows it, or the first visit with its one-time code. */

import * as api from './api.js';
import { button, field, fill, h } from './dom.js';
import { LANGUAGES, choose, language, t } from './i18n.js';
import * as session from './session.js';

export function showSignIn(app, { needed, registration, unreached }, done, mode = needed ? 'setup' : 'login') {
  const problem = h('p', { class: 'notice bad', role: 'alert', hidden: !unreached }, unreached ?? '');
  const username = h('input', { name: 'username', autocomplete: 'username', required: true, autocapitalize: 'none', spellcheck: 'false' });
  const email = h('input', { name: 'email', type: 'email', autocomplete: 'email', required: true });
  const code = h('input', { name: 'code', autocomplete: 'one-time-code', required: true, placeholder: 'ABCD-EFGH-JKLM', class: 'mono', spellcheck: 'false' });
  const password = h('input', {
    name: 'password', type: 'password', required: true, minlength: mode === 'login' ? null : 8,
    autocomplete: mode === 'login' ? 'current-password' : 'new-password',
  });
  const go = h('button', { class: 'button primary wide', type: 'submit' }, t(`door.${mode}.go`));

  async function submit(event) {
    event.preventDefault();
    go.disabled = true;
    problem.hidden = true;
    const said = { username: username.value.trim(), password: password.value };
    try {
      if (mode !== 'login') said.email = email.value.trim();
      if (mode === 'setup') said.code = code.value.trim();
      session.begin(await api.post({ login: '/api/v1/auth/login', register: '/api/v1/auth/register', setup: '/api/v1/setup' }[mode], said));
      done();
    } catch (error) {
      if (error.code === 'SETUP_DONE') {
        showSignIn(app, { needed: false, registration }, done);
        return;
      }
      problem.textContent = error.message;
      problem.hidden = false;
      go.disabled = false;
      password.select();
    }
  }

  const form = h(
    'form', { class: 'stack', on: { submit } },
    mode === 'setup' && h('p', { class: 'dim' }, t('door.setup.hint')),
    mode === 'setup' && field(t('door.code'), code),
    mode !== 'login' && field(t('door.email'), email),
    field(mode === 'login' ? t('door.username.or.email') : t('door.username'), username),
    field(t('door.password'), password),
    problem,
    go,
  );
  const other = mode === 'login' ? 'register' : 'login';
  const swap = (registration || mode === 'register') && mode !== 'setup'
    && button(t(`door.to.${other}`), () => showSignIn(app, { needed, registration }, done, other), { class: 'quiet' });
  const words = Object.entries(LANGUAGES).map(([name, label]) => button(label, () => choose(name), {
    class: 'quiet slim', lang: name, 'aria-pressed': String(name === language),
  }));
  fill(
    app,
    h('main', { class: 'gate' }, h(
      'section', { class: 'panel' },
      h('div', { class: 'body' }, brand(), h('h1', {}, t(`door.${mode}.title`)), form, swap || null, h('div', { class: 'row end' }, words)),
    )),
  );
  (mode === 'setup' ? code : username).focus();
}

export function brand(href = '#terminal') {
  const assets = document.documentElement.dataset.assets;
  return h('a', { class: 'brand', href, 'aria-label': 'Rubi Studio' }, h('img', { src: `${assets}/icon.svg`, alt: '' }), h('span', { class: 'brand-words' }, 'Rubi Studio'));
}
