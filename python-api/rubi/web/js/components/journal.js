/* What was done and what happened: the audit log with its chain of hashes, and the events of this page's socket. */

import { get } from '../api.js';
import { button, cells, empty, fill, h, panel, table } from '../dom.js';
import { moment, short } from '../format.js';
import { known, t } from '../i18n.js';
import { complain } from '../overlay.js';
import * as store from '../store.js';

const PAGE = 100;

export function showJournal(root) {
  const audit = panel(t('audit'), { component: 'Audit', body: '', tools: [button(t('refresh'), () => read(), { class: 'slim' })] });
  const log = panel(t('log'), { component: 'Log', body: '' });
  audit.whole.classList.add('across');
  log.whole.classList.add('across');
  fill(root, h('div', { class: 'cards' }, audit.whole, log.whole));
  const shape = [{ label: t('audit.action'), class: 'full lead' }, { label: t('time') }, { label: t('audit.actor') }, { label: t('audit.object') }, { label: t('audit.payload'), class: 'full' }, { label: t('audit.hash') }];
  const list = table(shape, { caption: t('audit') });
  let before = null;
  const more = button(t('more'), () => read(before), { class: 'slim' });

  async function read(from = null) {
    try {
      const said = await get(`/api/v1/audit?${new URLSearchParams({ limit: PAGE, ...(from === null ? {} : { before: from }) })}`);
      if (from === null) list.body.replaceChildren();
      for (const each of said.entries) {
        list.body.append(cells(shape, [
          known(`did.${each.action}`) ?? each.action, moment(each.at), h('span', { class: 'wrap' }, short(each.actor, 40)), h('span', { class: 'wrap small' }, short(`${each.object} ${each.object_id}`, 50)),
          h('span', { class: 'small dim wrap' }, short(words(each.payload), 220)), h('span', { class: 'mono small nowrap', title: each.hash }, each.hash.slice(0, 10)),
        ]));
      }
      before = said.next_before;
      more.hidden = before === null;
      fill(audit.inside, list.body.children.length ? [h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': t('audit') }, list.whole), h('div', { class: 'row end body' }, more)] : empty(t('audit.none')));
    } catch (problem) {
      complain(problem);
    }
  }

  function draw() {
    const found = store.state.log.slice(0, 150);
    if (found.length === 0) {
      fill(log.inside, empty(t('log.none'), t('log.none.hint')));
      return;
    }
    const columns = [{ label: t('event'), class: 'full lead' }, { label: t('time') }, { label: t('audit.payload'), class: 'full' }];
    const events = table(columns, { caption: t('log') });
    for (const each of found) {
      const { id, symbol, state, status, detail_status: detail, code, event, detail: said, severity } = each.data;
      events.body.append(cells(columns, [known(`event.${each.type}`) ?? each.type, moment(each.at), h('span', { class: 'small wrap' }, [id && `#${id}`, symbol, event, known(`state.${state ?? status}`) ?? state ?? status, detail, severity, code, said].filter(Boolean).map((part) => short(part, 120)).join(' · '))]));
    }
    fill(log.inside, h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': t('log') }, events.whole));
  }

  const off = store.on('log', draw);
  read();
  draw();
  return off;
}

const words = (payload) => Object.entries(payload ?? {}).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(' · ');
