// Small live charts: lines over the last minutes, with what they say in words beside them.
import { make, setText, svg } from './dom.js';

export const MINUTES = 5;
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
    this.now = make('p', { className: 'chart-now' });
    this.top = make('span', { className: 'chart-top', ariaHidden: 'true' });
    this.lines = series.map(({ className }) => svg('path', { class: `line ${className}` }));
    this.drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' },
      svg('path', { class: 'grid', d: `M0 0.5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}` }), ...this.lines);
    const ends = make('p', { className: 'chart-ends', ariaHidden: 'true' },
      make('span', { textContent: `${MINUTES} minutes ago` }), make('span', { textContent: 'now' }));
    figure.append(
      make('figcaption', {}, make('h3', { textContent: title }), this.now),
      make('div', { className: 'chart-area' }, this.drawing, this.top), ends);
  }

  /** samples: [{at, ...}], oldest first. */
  draw(samples, now) {
    const values = this.series.map(({ of }) => samples.map(of));
    const known = values.flat().filter((value) => value !== null);
    const top = roundUp(Math.max(0, ...known));
    values.forEach((line, i) => this.lines[i].setAttribute('d', this.path(samples, line, top, now)));
    setText(this.top, this.format(top));
    this.describe(values);
  }

  path(samples, line, top, now) {
    let d = '';
    let last = -Infinity;
    samples.forEach(({ at }, i) => {
      if (line[i] === null) return;
      const x = WIDTH * (1 - (now - at) / (MINUTES * 60000));
      const y = HEIGHT - 1 - (HEIGHT - 2) * (line[i] / top);
      d += `${at - last > GAP ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      last = at;
    });
    return d;
  }

  describe(values) {
    const parts = this.series.map(({ name }, i) => {
      const line = values[i];
      const known = line.filter((value) => value !== null);
      const latest = line.at(-1) ?? null;
      const now = latest === null ? 'none' : this.format(latest);
      const words = known.length === 0 ? `${name} none`
        : `${name} ${now} now, between ${this.format(Math.min(...known))} and ${this.format(Math.max(...known))}`;
      return { short: name === '' ? now : `${name} ${now}`, words: words.trim() };
    });
    setText(this.now, parts.map(({ short }) => short).join(', '));
    this.drawing.setAttribute('aria-label', `${this.title}, last ${MINUTES} minutes: ${parts.map(({ words }) => words).join('; ')}.`);
  }
}
