/* Calls of the service. Errors are `Problem`s with the service's words, in the reader's language where there are any. */

import { because, t } from './i18n.js';
import * as session from './session.js';

export class Problem extends Error {
  constructor(status, said = {}) {
    super(because(said.code, said.detail) ?? said.title ?? t('error.status', { status }));
    this.status = status;
    this.code = said.code ?? `HTTP_${status}`;
    this.context = said.context ?? {};
  }
}

/** A key under which a repeated request is the same request. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function once(method, path, body, headers) {
  const sent = { ...headers };
  if (session.token()) sent.Authorization = `Bearer ${session.token()}`;
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Problem(0, { code: 'NOT_REACHED', detail: t('error.unreached') });
  }
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, said);
  return said;
}

async function call(method, path, body, headers = {}) {
  if (session.signedIn() && session.nearlyOver()) await session.refresh().catch(() => {});
  try {
    return await once(method, path, body, headers);
  } catch (problem) {
    if (problem.status !== 401 || !session.signedIn()) throw problem;
    await session.refresh();
    return once(method, path, body, headers);
  }
}

export const get = (path) => call('GET', path);
export const remove = (path) => call('DELETE', path);
/** What needs no key: logins, tokens. */
export const post = (path, body = {}) => call('POST', path, body);

/** A change under a key of its own: when the answer is lost, the same request is sent again and done once. */
export async function change(path, body = {}) {
  const headers = { 'Idempotency-Key': newKey() };
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call('POST', path, body, headers);
    } catch (problem) {
      if (![0, 502, 503, 504].includes(problem.status) || attempt >= 4) throw problem;
      await new Promise((done) => { setTimeout(done, 400 * (attempt + 1)); });
    }
  }
}

/** null where this installation does not have the call (404) or the token may not make it (403). */
export async function maybe(path) {
  try {
    return await get(path);
  } catch (problem) {
    if (problem.status === 404 || problem.status === 403) return null;
    throw problem;
  }
}
