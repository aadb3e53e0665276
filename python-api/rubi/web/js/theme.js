/* Light or dark: as the system has it unless chosen. */

const KEPT = 'rubi.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set();

export const theme = () => localStorage.getItem(KEPT) ?? (dark.matches ? 'dark' : 'light');

export function applyTheme() {
  document.documentElement.dataset.theme = theme();
  for (const act of listeners) act();
}

export function toggleTheme() {
  localStorage.setItem(KEPT, theme() === 'dark' ? 'light' : 'dark');
  applyTheme();
}

export function onTheme(act) {
  listeners.add(act);
  return () => listeners.delete(act);
}

/** The value of a colour of the style sheet: charts draw on a canvas. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

dark.addEventListener('change', applyTheme);
