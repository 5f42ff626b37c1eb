// What happened to the cluster, in time: a drawing, and the same as a list.
import { make, svg } from './dom.js';

const ROWS = [
  ['Majority', ['quorum lost', 'quorum back', 'forced']],
  ['Members', ['joined', 'removed', 'demoted', 'readmitted']],
  ['Suspicion', ['suspected', 'trusted']],
  ['Epochs', ['seal', 'epoch']],
];
const BAD = new Set(['quorum lost', 'suspected', 'removed', 'demoted', 'forced']);
const GOOD = new Set(['quorum back', 'trusted', 'joined', 'readmitted']);
const ROW_HEIGHT = 26;
const LABEL_WIDTH = 84;
const RIGHT = 14;
const STEPS = [10, 30, 60, 300, 600, 1800, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600];  // seconds

/** How an event is meant: what is bad is a diamond, what is good a ring, the rest a bar. */
export function moodOf(kind) {
  return BAD.has(kind) ? 'bad' : GOOD.has(kind) ? 'good' : 'plain';
}

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'short', timeStyle: 'medium' });

function timeText(at) {
  return Date.now() - at < 12 * 3600 * 1000 ? time.format(at) : dayAndTime.format(at);
}

function marker(mood, x, y) {
  if (mood === 'bad') return svg('path', { d: `M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z`, class: 'event bad' });
  if (mood === 'good') return svg('circle', { cx: x, cy: y, r: 4.5, class: 'event good' });
  return svg('rect', { x: x - 1.5, y: y - 8, width: 3, height: 16, class: 'event plain' });
}

export class Timeline {
  constructor(drawing, list, span) {
    this.drawing = drawing;
    this.list = list;
    this.span = span;
    this.events = [];
    this.listed = '';
    span.addEventListener('change', () => this.draw());
    new ResizeObserver(() => this.draw()).observe(drawing.parentElement);
  }

  /** events: of the status document of the process `id`. */
  show(events, id) {
    this.events = events;
    this.draw();
    const newest = `${id} ${events.at(-1)?.seq ?? 0}`;
    if (newest !== this.listed) this.fillList();
    this.listed = newest;
  }

  fillList() {
    const items = [...this.events].reverse().map(({ at_ms, kind, text }) => make('li', {},
      make('time', { dateTime: new Date(at_ms).toISOString(), textContent: timeText(at_ms), title: dayAndTime.format(at_ms) }),
      make('span', { className: `badge ${moodOf(kind)}`, textContent: kind }),
      make('span', { className: 'event-text', textContent: text })));
    if (items.length === 0) items.push(make('li', { textContent: 'Nothing yet since this process was started.' }));
    this.list.replaceChildren(...items);
  }

  /** Milliseconds since 1970 at both ends. The server's clock may be ahead of this one's. */
  range() {
    const end = Math.max(Date.now(), this.events.at(-1)?.at_ms ?? 0);
    const chosen = Number(this.span.value) * 1000;
    const oldest = this.events[0]?.at_ms ?? end;
    return [chosen > 0 ? end - chosen : Math.min(oldest - 1000, end - 60000), end];
  }

  draw() {
    const width = Math.max(280, this.drawing.parentElement.clientWidth);
    const height = ROWS.length * ROW_HEIGHT + 20;
    const [begin, end] = this.range();
    const place = (at) => LABEL_WIDTH + ((width - LABEL_WIDTH - RIGHT) * (at - begin)) / (end - begin);
    const parts = [...this.lostBands(begin, end, place), ...this.ticks(begin, end, place, width)];
    ROWS.forEach(([name, kinds], i) => {
      const y = i * ROW_HEIGHT + ROW_HEIGHT / 2;
      parts.push(svg('text', { x: 0, y: y + 4, class: 'label' }, name));
      parts.push(svg('path', { d: `M${LABEL_WIDTH} ${y}H${width - RIGHT}`, class: 'grid' }));
      for (const event of this.events) {
        if (!kinds.includes(event.kind) || event.at_ms < begin) continue;
        const made = marker(moodOf(event.kind), Number(place(event.at_ms).toFixed(1)), y);
        made.append(svg('title', {}, `${timeText(event.at_ms)} ${event.text}`));
        parts.push(made);
      }
    });
    this.drawing.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.drawing.setAttribute('height', height);
    this.drawing.setAttribute('aria-label', this.words(begin));
    this.drawing.replaceChildren(...parts);
  }

  /** From every loss of the majority to its return, or to now. */
  lostBands(begin, end, place) {
    const bands = [];
    let lostAt = null;
    const add = (until) => {
      const x = Math.max(LABEL_WIDTH, place(lostAt));
      if (until > begin) bands.push(svg('rect', { x, y: 0, width: Math.max(2, place(until) - x), height: ROWS.length * ROW_HEIGHT, class: 'lost-band' }));
      lostAt = null;
    };
    for (const { kind, at_ms } of this.events) {
      if (kind === 'quorum lost') lostAt ??= at_ms;
      if (kind === 'quorum back' && lostAt !== null) add(at_ms);
    }
    if (lostAt !== null) add(end);
    return bands;
  }

  ticks(begin, end, place, width) {
    const most = Math.max(2, Math.floor((width - LABEL_WIDTH) / 90));
    const step = 1000 * (STEPS.find((s) => (end - begin) / 1000 / s <= most) ?? STEPS.at(-1));
    const offset = new Date(begin).getTimezoneOffset() * 60000;
    const made = [];
    for (let at = Math.ceil((begin - offset) / step) * step + offset; at <= end; at += step) {
      const x = place(at).toFixed(1);
      made.push(svg('path', { d: `M${x} 0V${ROWS.length * ROW_HEIGHT}`, class: 'grid' }));
      if (width - x < 36) continue;
      made.push(svg('text', { x, y: ROWS.length * ROW_HEIGHT + 15, 'text-anchor': 'middle', class: 'label' },
        step < 60000 ? time.format(at) : time.format(at).slice(0, 5)));
    }
    return made;
  }

  words(begin) {
    const shown = this.events.filter(({ at_ms }) => at_ms >= begin);
    const counts = ROWS.map(([name, kinds]) => `${name} ${shown.filter(({ kind }) => kinds.includes(kind)).length}`);
    return `Events in time: ${counts.join(', ')}. The list below has them in words.`;
  }
}
