/* Who is signed in. The access token lives in memory. The refresh token rests in sessionStorage only while a page of
   this tab makes way for the next one: it is taken out as soon as a page begins. */

const RESTS = 'rubi.refresh';
const EARLY = 60;

let access = null;
let refreshToken = null;
let runsOut = 0;
let refreshing = null;
let timer = 0;

export let user = null;
const endings = new Set();

export const token = () => access;
export const signedIn = () => access !== null;
export const onEnd = (act) => endings.add(act);

/** Begin with the tokens of an answer. */
export function begin(said) {
  access = said.access_token;
  refreshToken = said.refresh_token;
  user = said.user;
  runsOut = Date.now() + said.expires_in * 1000;
  clearTimeout(timer);
  timer = setTimeout(() => refresh().catch(() => {}), Math.max(5, said.expires_in - EARLY) * 1000);
}

/** Sign in again with what an earlier page of this tab left; whether that worked. */
export async function resume() {
  refreshToken = sessionStorage.getItem(RESTS);
  sessionStorage.removeItem(RESTS);
  return refreshToken !== null && refresh().then(() => true, () => false);
}

/** New tokens for the old; several who ask at once wait for one exchange. */
export function refresh() {
  refreshing ??= exchange().finally(() => { refreshing = null; });
  return refreshing;
}

async function exchange() {
  if (refreshToken === null) throw new Error('signed out');
  for (let attempt = 0; ; attempt += 1) {
    let answer;
    try {
      answer = await fetch('/api/v1/auth/refresh', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ refresh_token: refreshToken }),
      });
    } catch (error) {
      // Nothing came back: the service may be starting again. A token that is good for long can wait.
      if (attempt >= 10) throw error;
      await new Promise((done) => { setTimeout(done, 500); });
      continue;
    }
    if (answer.ok) return begin(await answer.json());
    if (answer.status !== 503) {
      end();
      throw new Error('the login has ended');
    }
    if (attempt >= 10) throw new Error('the service does not answer');
    await new Promise((done) => { setTimeout(done, 500); });
  }
}

/** Forget everything. */
export function end() {
  clearTimeout(timer);
  access = null;
  refreshToken = null;
  user = null;
  sessionStorage.removeItem(RESTS);
  for (const act of endings) act();
}

export const nearlyOver = () => Date.now() > runsOut - 5000;

addEventListener('pagehide', () => { if (refreshToken !== null) sessionStorage.setItem(RESTS, refreshToken); });
addEventListener('pageshow', (event) => { if (event.persisted) sessionStorage.removeItem(RESTS); });
