/* Numbers, money and moments as people read them. */

import { locale } from './i18n.js';

const plain = new Map();

function formatter(digits, signed) {
  const key = `${digits}${signed}`;
  if (!plain.has(key)) {
    plain.set(key, new Intl.NumberFormat(locale, {
      minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: signed ? 'exceptZero' : 'auto',
    }));
  }
  return plain.get(key);
}

export const NOTHING = '–';

export function number(value, digits = 2) {
  return value === null || value === undefined || Number.isNaN(value) ? NOTHING : formatter(digits, false).format(value);
}

export function money(value, currency = '') {
  return value === null || value === undefined ? NOTHING : `${formatter(2, false).format(value)}${currency ? ` ${currency}` : ''}`;
}

export function gain(value) {
  return value === null || value === undefined ? NOTHING : formatter(2, true).format(value);
}

export function direction(value) {
  if (!value) return '';
  return value > 0 ? 'up' : 'down';
}

/** How many decimals a number is written with. */
export function decimals(value) {
  const text = String(value);
  if (text.includes('e-')) return Number(text.split('e-')[1]);
  return text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
}

export function price(value, digits) {
  return value === null || value === undefined ? NOTHING : Number(value).toFixed(digits ?? Math.min(decimals(value), 8));
}

export function lots(value) {
  return value === null || value === undefined ? NOTHING : Number(value).toFixed(Math.max(2, Math.min(decimals(value), 8)));
}

export function percent(value, digits = 1) {
  return value === null || value === undefined ? NOTHING : `${number(value, digits)} %`;
}

const clockFormat = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });

const dateFormat = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', year: 'numeric' });

/** A day: for what lies months away. */
export const day = (text) => (text ? dateFormat.format(new Date(text)) : NOTHING);

/** A moment: the time alone when it is of today. */
export function moment(text) {
  if (!text) return NOTHING;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return String(text);
  return new Date().toDateString() === date.toDateString() ? clockFormat.format(date) : dayFormat.format(date);
}

export function seconds(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  if (value < 1) return `${number(value * 1000, 0)} ms`;
  if (value < 120) return `${number(value, value < 10 ? 1 : 0)} s`;
  if (value < 7200) return `${number(value / 60, 0)} min`;
  return `${number(value / 3600, 1)} h`;
}

/** Text cut to a length, for what a broker or a program may have made very long. */
export function short(text, most = 80) {
  const whole = String(text ?? '');
  return whole.length > most ? `${whole.slice(0, most - 1)}…` : whole;
}
