// Small live charts: lines over the last minutes, with what they say in words beside them.
import { make, setText, svg } from './dom.js';

export const MINUTES = 5;  // that are kept; until so many have passed, what there is fills the drawing
const SHORTEST = 60000;    // milliseconds across
const WIDTH = 300;  // of the drawing, whatever its size on the screen; it is stretched
const HEIGHT = 72;
const GAP = 4000;  // milliseconds without a sample after which a line is interrupted

/** 1, 2 or 5 times a power of ten, not below `value`. */
export function roundUp(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

export class Chart {
  /**
   * series: [{name, className, of(sample)}], where of() gives a number or null; format(number) a text.
   */
  constructor(figure, { title, series, format }) {
    this.title = title;
    this.series = series;
    this.format = format;
    this.latest = series.map(({ className }) => make('span', { className }));
    this.now = make('p', { className: 'chart-now' }, ...this.latest.flatMap((span) => [span, ' ']));
    this.top = make('span', { className: 'chart-top', ariaHidden: 'true' });
    this.lines = series.map(({ className }) => svg('path', { class: `line ${className}` }));
    this.drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' },
      svg('path', { class: 'grid', d: `M0 0.5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}` }), ...this.lines);
    this.begin = make('span');
    const ends = make('p', { className: 'chart-ends', ariaHidden: 'true' }, this.begin, make('span', { textContent: 'now' }));
    figure.append(
      make('figcaption', {}, make('h3', { textContent: title }), this.now),
      make('div', { className: 'chart-area' }, this.drawing, this.top), ends);
  }

  /** samples: [{at, ...}], oldest first. */
  draw(samples, now) {
    const values = this.series.map(({ of }) => samples.map(of));
    const known = values.flat().filter((value) => value !== null);
    const top = roundUp(Math.max(0, ...known));
    const across = Math.max(SHORTEST, now - (samples[0]?.at ?? now));
    values.forEach((line, i) => this.lines[i].setAttribute('d', this.path(samples, line, top, { now, across })));
    setText(this.top, this.format(top));
    const ago = Math.round(across / 1000);
    const began = ago < 120 ? `${ago} seconds ago` : `${Math.round(ago / 60)} minutes ago`;
    setText(this.begin, began);
    this.describe(values, began);
  }

  path(samples, line, top, { now, across }) {
    let d = '';
    let last = -Infinity;
    samples.forEach(({ at }, i) => {
      if (line[i] === null) return;
      const x = WIDTH * (1 - (now - at) / across);
      const y = HEIGHT - 1 - (HEIGHT - 2) * (line[i] / top);
      d += `${at - last > GAP ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      last = at;
    });
    return d;
  }

  describe(values, began) {
    const parts = this.series.map(({ name }, i) => {
      const known = values[i].filter((value) => value !== null);
      const latest = values[i].at(-1) ?? null;
      const now = `${name} ${latest === null ? 'none' : this.format(latest)}`.trim();
      setText(this.latest[i], now);
      if (known.length === 0) return now;
      return `${now} now, between ${this.format(Math.min(...known))} and ${this.format(Math.max(...known))}`;
    });
    this.drawing.setAttribute('aria-label', `${this.title}, from ${began} to now: ${parts.join('; ')}.`);
  }
}
