/* Dialogs and short messages. */

import { button, h } from './dom.js';
import { t } from './i18n.js';

/** Open a dialog; gives its body and what closes it. */
export function dialog(title, { large = false, onClose } = {}) {
  const body = h('div', { class: 'body' });
  const heading = h('h2', { id: 'dialog-title' }, title);
  const whole = h('dialog', { class: large ? 'large' : '', 'aria-labelledby': 'dialog-title' });
  const close = () => whole.close();
  whole.append(h('header', {}, heading, button('×', close, { class: 'quiet slim', 'aria-label': t('close') })), body);
  whole.addEventListener('click', (event) => { if (event.target === whole) close(); });
  whole.addEventListener('close', () => { whole.remove(); onClose?.(); });
  document.body.append(whole);
  whole.showModal();
  return { body, heading, close };
}

const toasts = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });

/** Say something for some seconds; what is bad stays until it is closed. */
export function toast(text, kind = '') {
  if (!toasts.isConnected) document.body.append(toasts);
  const one = h('div', { class: `toast ${kind}` }, h('div', { class: 'grow' }, text));
  one.append(button('×', () => one.remove(), { class: 'quiet slim', 'aria-label': t('close') }));
  toasts.append(one);
  while (toasts.children.length > 4) toasts.firstChild.remove();
  setTimeout(() => one.remove(), kind === 'bad' ? 20_000 : 6000);
}

/** Tell what went wrong in the service's own words. */
export const complain = (problem) => toast(problem.code ? `${problem.message} (${problem.code})` : problem.message, 'bad');

/** A button that acts on the second press. */
export function twice(text, act, props = {}) {
  let armed = false;
  const one = button(text, () => {
    if (armed) {
      act();
      rest();
      return;
    }
    armed = true;
    one.textContent = t('press.again');
    one.classList.add('armed');
    setTimeout(rest, 4000);
  }, props);
  function rest() {
    armed = false;
    one.textContent = text;
    one.classList.remove('armed');
  }
  return one;
}

/** Disable a button while something is under way; complain when it fails. */
export async function busy(control, work) {
  control.disabled = true;
  try {
    return await work();
  } catch (problem) {
    complain(problem);
    return undefined;
  } finally {
    control.disabled = false;
  }
}
