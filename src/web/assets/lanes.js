// A picture of the lanes. Slots are dealt to them round robin; every owner's is a row, and a column is a
// round of slots. What this process has applied is filled, what a majority has beyond that is outlined.
import { make, setText, svg } from './dom.js';

const COLUMNS = 32;
const AHEAD = 4;  // columns that are free at the right when all is applied
const WIDTH = 10;  // of a cell in the drawing
const HEIGHT = 16;
const STRIPE = 5;  // columns of one shade, so that one sees them move

export class Lanes {
  constructor(body, empty) {
    this.body = body;
    this.empty = empty;
    this.rows = [];
  }

  /** lanes: of the status document; nameOf(id): what to call a process. */
  draw(lanes, nameOf) {
    this.empty.hidden = lanes.length > 0;
    this.body.closest('table').hidden = lanes.length === 0;
    while (this.rows.length > lanes.length) this.rows.pop().row.remove();
    while (this.rows.length < lanes.length) this.rows.push(this.addRow());
    const newest = Math.max(0, ...lanes.map(({ applied, chosen }) => Math.max(applied, chosen)));
    const first = Math.max(0, Math.floor(newest / (lanes.length || 1)) - COLUMNS + AHEAD);
    lanes.forEach((lane, i) => this.fill(this.rows[i], lane, i, lanes.length, first, nameOf));
  }

  addRow() {
    const cells = Array.from({ length: COLUMNS }, (_, i) =>
      svg('rect', { x: i * WIDTH + 1, y: 1, width: WIDTH - 2, height: HEIGHT - 2, rx: 2 }));
    const drawing = svg('svg', { viewBox: `0 0 ${COLUMNS * WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'lane', 'aria-hidden': 'true' }, ...cells);
    const made = {
      cells, owner: make('th', { scope: 'row' }), ahead: make('td', { className: 'number' }),
      waiting: make('td', { className: 'number' }),
    };
    made.row = make('tr', {}, made.owner, make('td', { className: 'lane-cell' }, drawing), made.ahead, made.waiting);
    this.body.append(made.row);
    return made;
  }

  fill(made, lane, index, count, first, nameOf) {
    setText(made.owner, nameOf(lane.owner));
    let ahead = 0;
    made.cells.forEach((cell, i) => {
      const slot = (first + i) * count + index;
      const state = slot < lane.applied ? 'applied' : slot < lane.chosen ? 'chosen' : 'open';
      const stripe = Math.floor((first + i) / STRIPE) % 2 === 0 ? 'even' : 'odd';
      cell.setAttribute('class', `${state} ${stripe}`);
    });
    if (lane.chosen > lane.applied) {
      // Of the slots in between, every count-th is this lane's.
      const upTo = (end) => Math.floor((end - index + count - 1) / count);
      ahead = Math.max(0, upTo(lane.chosen) - upTo(lane.applied));
    }
    setText(made.ahead, ahead.toLocaleString('en'));
    setText(made.waiting, lane.pending.toLocaleString('en'));
  }
}
