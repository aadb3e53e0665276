/* The beginning: theme, language, who is signed in, and the frame around the views. */

import { get } from './api.js';
import { showFrame } from './frame.js';
import { language } from './i18n.js';
import * as live from './live.js';
import * as session from './session.js';
import { showSignIn } from './sign_in.js';
import * as store from './store.js';
import { applyTheme } from './theme.js';

const app = document.getElementById('app');
document.documentElement.lang = language;
applyTheme();

function signedIn() {
  showFrame(app);
  live.start();
}

async function signIn() {
  live.stop();
  store.clear();
  let setup = { needed: false, registration: false };
  for (let wait = 300; ; wait = Math.min(wait * 2, 3000)) {
    try {
      setup = await get('/api/v1/setup');
      break;
    } catch (problem) {
      if (problem.status === 404) break;
      showSignIn(app, { ...setup, unreached: problem.message }, signedIn);
      await new Promise((done) => { setTimeout(done, wait); });
      if (session.signedIn()) return;
    }
  }
  showSignIn(app, setup, signedIn);
}

session.onEnd(signIn);
if (await session.resume()) signedIn();
else await signIn();
