/* Words in the reader's language: French or English, by the browser unless chosen. */

import en from './i18n/en.js';
import fr from './i18n/fr.js';
import refusalsInFrench from './i18n/refusals_fr.js';

const KEPT = 'rubi.language';
const WORDS = { en, fr };
const REFUSALS = { fr: refusalsInFrench };

export const LANGUAGES = { en: 'English', fr: 'Français' };

function chosen() {
  const kept = localStorage.getItem(KEPT);
  if (kept in WORDS) return kept;
  const wanted = (navigator.languages ?? [navigator.language]).map((name) => name.slice(0, 2).toLowerCase());
  return wanted.find((name) => name in WORDS) ?? 'en';
}

export const language = chosen();
export const locale = language === 'fr' ? 'fr-FR' : 'en-GB';

/** The words of a key, with `{name}` replaced by `values.name`. A key without words is shown as it is. */
export function t(key, values = {}) {
  const words = WORDS[language][key] ?? en[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Words that may be absent: codes of the service that no dictionary knows. */
export function known(key) {
  return WORDS[language][key] ?? en[key];
}

/** Why the service refused, in the reader's language; `said` are its own words, for a code that has no others. */
export function because(code, said) {
  return known(`code.${code}`) ?? REFUSALS[language]?.[code] ?? said;
}

export function choose(name) {
  localStorage.setItem(KEPT, name);
  location.reload();
}
