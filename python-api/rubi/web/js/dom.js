/* Elements out of plain values. Text is always text: nothing here reads markup. */

import { t } from './i18n.js';

/** An element; `props` are `class`, `text`, `on`, `data`, and attributes. Strings among the children become text. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'text') element.textContent = value;
    else if (name === 'on') for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'selected') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  return add(element, children);
}

/** Put children at the end of an element; null and false are left out. */
export function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Replace what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  return add(element, children);
}

/** Set a text only when it differs: selections and screen readers are left in peace. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  return element;
}

let numbers = 0;

/** A labelled control. */
export function field(label, control, more = {}) {
  control.id ||= `field-${(numbers += 1)}`;
  return h('div', { class: `field ${more.class ?? ''}` }, h('label', { for: control.id }, label), control, more.after);
}

export function button(text, act, props = {}) {
  return h('button', { type: 'button', ...props, class: `button ${props.class ?? ''}`, on: { click: act } }, text);
}

/** A panel with a heading; gives the panel and its body. */
export function panel(title, { component, tools = [], body = 'body' } = {}) {
  const inside = h('div', { class: body });
  const heading = h('h2', { id: `panel-${(numbers += 1)}` }, title);
  const whole = h(
    'section',
    { class: 'panel', 'aria-labelledby': heading.id, data: component ? { component } : {} },
    h('header', {}, heading, tools),
    inside,
  );
  return { whole, inside, heading };
}

/** A table whose columns are `{ label, class }`; gives the table and its body. */
export function table(columns, { cards = true, caption } = {}) {
  const body = h('tbody');
  const head = columns.map((column) => h('th', { scope: 'col', class: column.class?.replace('full', '').replace('lead', '') }, column.label));
  const whole = h(
    'table',
    { class: cards ? 'cards-when-narrow' : '' },
    caption && h('caption', { class: 'visually-hidden' }, caption),
    h('thead', {}, h('tr', {}, head)),
    body,
  );
  return { whole, body };
}

/** A row of cells for `columns`; a cell is text, an element, or `{ text, class }`. */
export function cells(columns, values, props = {}) {
  return h('tr', props, columns.map((column, place) => {
    const value = values[place];
    const plain = value !== null && typeof value === 'object' && !(value instanceof Node) && !Array.isArray(value);
    const said = plain ? value.text : value;
    return h('td', { class: `${column.class ?? ''} ${plain ? (value.class ?? '') : ''}`.trim(), data: { label: column.label } }, said);
  }));
}

export function empty(title, hint, action) {
  return h('div', { class: 'empty' }, h('p', { class: 'title' }, title), hint && h('p', {}, hint), action);
}

/** Says beside what is grey that it is not fresh; hidden until it is shown. */
export function staleTag() {
  const one = h('span', { class: 'tag warn', title: t('stale.hint') }, t('stale'));
  one.hidden = true;
  return one;
}

export function tag(text, kind = '') {
  return h('span', { class: `tag ${kind}` }, text);
}
