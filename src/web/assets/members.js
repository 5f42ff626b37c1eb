// The members, followers and free slots as rows of tables, and who is how far from whom.
import { make, setRows } from './dom.js';

const SILENCE_SHOWN = 2000;  // milliseconds: beats come far more often

export const number = new Intl.NumberFormat('en').format;

export function microsText(us) {
  if (us === null || us === undefined) return '–';
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 10000 ? 2 : 1)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

/** Enough of an id to tell it from others, the whole in the tables. */
export function shortId(id) {
  return id.slice(0, 6);
}

function slotOrder(a, b) {
  if (a.slot === b.slot) return a.id < b.id ? -1 : 1;
  if (a.slot === null || b.slot === null) return a.slot === null ? 1 : -1;
  return a.slot.localeCompare(b.slot, 'en', { numeric: true });
}

export function sorted(members) {
  return [...members].sort(slotOrder);
}

/** "slot 1 (ABCDEF)", for places where the id alone would say little. */
export function namer(members) {
  const names = new Map(members.map((m) => [m.id, m.slot === null ? shortId(m.id) : `${m.slot} · ${shortId(m.id)}`]));
  return (id) => names.get(id) ?? shortId(id);
}

function stateOf(member) {
  if (member.self) return ['this process', 'good'];
  if (member.up) return ['up', 'good'];
  if (member.silent_ms === null) return ['not heard yet', 'warn'];
  return [`down, silent for ${(member.silent_ms / 1000).toFixed(0)} s`, 'bad'];
}

function lagCell(process) {
  if (process.lag === null) return { text: '–', className: 'number' };
  return { text: number(process.lag), className: process.lag > 1000 ? 'number far' : 'number' };
}

const appliedCell = (process) => ({ text: process.applied === null ? '–' : number(process.applied), className: 'number' });

function memberRow(m) {
  const quiet = m.up && !m.self && m.silent_ms > SILENCE_SHOWN ? [[`quiet for ${(m.silent_ms / 1000).toFixed(0)} s`, 'warn']] : [];
  return [
    { text: m.slot ?? '–', className: 'slot' },
    { text: m.id, className: 'id', scope: 'row' },
    { badges: [stateOf(m), ...quiet] },
    { badges: [m.owner ? ['lane', 'plain'] : ['votes only', 'warn']] },
    { text: m.address, className: 'address' },
    appliedCell(m),
    lagCell(m),
    { text: m.self ? '–' : microsText(m.rtt_us), className: 'number' },
    { text: m.hostname, className: 'host' },
    { text: m.version, className: 'host' },
  ];
}

function freeRow(slot) {
  const nothing = { text: '', className: '' };
  return [{ text: slot, className: 'slot' }, { text: 'free', className: 'free', scope: 'row' },
    { text: 'for the next follower', className: 'free' }, ...Array(7).fill(nothing)];
}

export function showMembers(body, status) {
  setRows(body, [...sorted(status.members).map(memberRow), ...status.free_slots.map(freeRow)]);
}

export function showFollowers(table, empty, followers) {
  table.hidden = followers.length === 0;
  empty.hidden = followers.length > 0;
  setRows(table.tBodies[0], followers.map((f) => [
    { text: f.id, className: 'id', scope: 'row' },
    { text: f.address, className: 'address' },
    { badges: f.self ? [['this process', 'good']] : [] },
    appliedCell(f), lagCell(f),
    { text: f.hostname, className: 'host' }, { text: f.version, className: 'host' },
  ]));
}

/** 0 to 4, by powers of ten: under 0.2 ms, 2 ms, 20 ms, 200 ms, more. */
export function heat(us) {
  return [200, 2000, 20000, 200000].filter((limit) => us >= limit).length;
}

/** Rows and columns are the members; a cell says how long from the row's member to the column's and back. */
export function showMatrix(table, status) {
  const members = sorted(status.members);
  const nameOf = namer(members);
  setRows(table.tHead, [[{ text: 'from \\ to', scope: 'col' },
    ...members.map((m) => ({ text: nameOf(m.id), scope: 'col', className: 'id' }))]]);
  setRows(table.tBodies[0], members.map((from) => [
    { text: nameOf(from.id), scope: 'row', className: 'id' },
    ...members.map((to) => {
      if (from === to) return { text: '·', className: 'number self' };
      const us = from.rtts_us[to.id] ?? (from.self ? to.rtt_us : null);
      return us === null ? { text: '–', className: 'number' } : { text: microsText(us), className: `number heat${heat(us)}` };
    }),
  ]));
}

/** pairs: [[term, description, class], ...] for a dl */
export function showFacts(list, pairs) {
  const said = JSON.stringify(pairs);
  if (list.said === said) return;
  list.said = said;
  list.replaceChildren(...pairs.map(([term, description, className]) => make('div', { className: className ?? '' },
    make('dt', { textContent: term }), make('dd', { textContent: description }))));
}
