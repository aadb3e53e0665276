/* The live socket: opened, kept, and opened again; after each opening everything is read afresh. */

import * as session from './session.js';
import * as store from './store.js';

const PING_EVERY = 4000;
const SILENT_AFTER = 10_000;
const WAITS = [250, 500, 1000, 2000, 2500];

let socket = null;
let wanted = false;
let attempts = 0;
let lastSeq = 0;
let heardAt = 0;
let timer = 0;
export const counts = { frames: 0, gaps: 0, openings: 0, roundTrip: null };
let pingedAt = 0;

function show(connection) {
  if (store.state.connection === connection) return;
  store.state.connection = connection;
  store.tell('connection');
}

export function start() {
  wanted = true;
  open();
}

export function stop() {
  wanted = false;
  clearTimeout(timer);
  clearTimeout(later);
  meanwhile = [];
  socket?.close(1000);
  socket = null;
}

function open() {
  clearTimeout(timer);
  if (!wanted || !session.signedIn()) return;
  show(attempts === 0 && counts.openings === 0 ? 'connecting' : store.state.connection);
  const one = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/live`);
  socket = one;
  heardAt = performance.now();
  one.addEventListener('open', () => one.send(JSON.stringify({ type: 'auth', token: session.token() })));
  one.addEventListener('message', (event) => { if (one === socket) heard(JSON.parse(event.data)); });
  one.addEventListener('close', (event) => { if (one === socket) closed(event.code); });
}

function heard(frame) {
  heardAt = performance.now();
  counts.frames += 1;
  if (frame.type === 'pong') {
    counts.roundTrip = performance.now() - pingedAt;
    return;
  }
  if (frame.seq !== undefined) {
    if (frame.seq !== lastSeq + 1 && frame.type !== 'CONNECTED') {
      counts.gaps += 1;
      afresh();
    }
    lastSeq = frame.seq;
  }
  if (frame.type === 'CONNECTED') connected();
  else if (frame.type === 'RESYNC') afresh();
  else if (reading) meanwhile.push(frame);
  else store.apply(frame.type, frame.data);
}

function connected() {
  attempts = 0;
  counts.openings += 1;
  socket.send(JSON.stringify({ action: 'SUBSCRIBE_PRICES' }));
  show('live');
  afresh();
}

let reading = false;
let again = false;
let later = 0;
let meanwhile = [];

/**
 * Read everything by REST. What the socket says meanwhile waits and is applied after it, as it is newer; where events
 * were missed meanwhile, that answer may lack them: everything is read once more.
 */
async function afresh() {
  clearTimeout(later);
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    do {
      again = false;
      applyMeanwhile();
      await store.loadAll();
    } while (again && wanted);
  } catch {
    if (wanted) later = setTimeout(afresh, 1000);
  } finally {
    reading = false;
    applyMeanwhile();
  }
}

function applyMeanwhile() {
  const frames = meanwhile;
  meanwhile = [];
  for (const frame of frames) store.apply(frame.type, frame.data);
}

function closed(code) {
  socket = null;
  if (!wanted) return;
  if (code === 4429) {
    show('many');
    timer = setTimeout(open, 10_000);
    return;
  }
  show('away');
  const wait = WAITS[Math.min(attempts, WAITS.length - 1)];
  attempts += 1;
  const again = code === 4401 ? () => session.refresh().then(open, () => { if (session.signedIn()) timer = setTimeout(open, 2000); }) : open;
  timer = setTimeout(again, wait * (0.8 + Math.random() * 0.4));
}

setInterval(() => {
  if (socket?.readyState !== WebSocket.OPEN) return;
  if (performance.now() - heardAt > SILENT_AFTER) {
    const dead = socket;
    closed(1006);
    dead.close();
    return;
  }
  pingedAt = performance.now();
  socket.send('{"type":"ping"}');
}, PING_EVERY);

addEventListener('online', () => { if (wanted && socket === null) { attempts = 0; open(); } });
document.addEventListener('visibilitychange', () => { if (!document.hidden && wanted && socket === null) { attempts = 0; open(); } });
