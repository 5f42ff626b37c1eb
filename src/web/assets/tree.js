// The files of the page: what is known of them, in which order they stand, and the rows of those
// that are on the screen. With 10,000 files there are some forty rows.

const FLASH_MS = 1600;
const FIRST_LOOK_MS = 100;  // from one look at what has come so far to the next
const ROWS_BEYOND = 10;
const FEW = 64;  // so many new files are put in their places one by one; with more, all are sorted

/** A glob as the server understands it, as a regular expression. */
export function globPattern(glob) {
  let out = '';
  for (let i = 0; i < glob.length; i++) {
    if (glob[i] === '*' && glob[i + 1] === '*') {
      out += '.*';
      i += 1;
    } else if (glob[i] === '*') out += '[^/]*';
    else if (glob[i] === '?') out += '[^/]';
    else out += glob[i].replace(/[.\\+^$()[\]{}|]/g, '\\$&');
  }
  return new RegExp(`^${out}$`);
}

/** What the filter's text lets through. */
export function filterOf(text) {
  const wanted = text.trim();
  if (wanted === '') return () => true;
  if (/^\/.*[*?]/.test(wanted)) {
    const pattern = globPattern(wanted);
    return (path) => pattern.test(path);
  }
  const part = wanted.toLowerCase();
  return (path) => path.toLowerCase().includes(part);
}

function split(path) {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, slash + 1), path.slice(slash + 1)];
}

function compare(a, b) {
  if (a.directory !== b.directory) return a.directory < b.directory ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

export class Tree {
  /** handlers: selected(file or null), opened(file), entered(directory), counted(shown, all) */
  constructor(view, rows, base, handlers) {
    this.view = view;
    this.rows = rows;
    this.base = base;  // the directory of the page, "" for "/"
    this.handlers = handlers;
    this.files = new Map();
    this.coming = null;  // what a fresh start has brought so far
    this.sorted = [];  // the files that the filter lets through
    this.items = [];  // a row each: a directory's heading or a file
    this.added = [];
    this.elements = new Map();
    this.accepts = () => true;
    this.selected = null;
    this.full = false;
    this.drawing = false;
    view.addEventListener('scroll', () => this.draw(), { passive: true });
    view.addEventListener('keydown', (event) => this.onKey(event));
    rows.addEventListener('click', (event) => this.onClick(event));
    new ResizeObserver(() => this.draw()).observe(view);
  }

  /**
   * What comes from here on is everything anew; it is shown when it is complete, or now and then where
   * nothing was shown before.
   */
  startAfresh() {
    this.coming = new Map();
    this.shownAt = this.files.size === 0 ? performance.now() : Infinity;
  }

  loaded() {
    if (this.coming === null) return;
    this.files = this.coming;
    this.coming = null;
    this.rearrange();
  }

  /** A file as the server has it now; null if it is gone. */
  put(path, file) {
    if (this.coming !== null) {
      if (file === null) this.coming.delete(path);
      else this.coming.set(path, this.make(path, file, false));
      if (performance.now() - this.shownAt > FIRST_LOOK_MS) this.showSome();
      return;
    }
    const known = this.files.get(path);
    if (file === null) {
      if (known === undefined) return;
      this.files.delete(path);
      this.changed = true;
    } else if (known !== undefined) {
      Object.assign(known, file, { flashed: performance.now() });
    } else {
      const made = this.make(path, file, true);
      this.files.set(path, made);
      this.added.push(made);
    }
    this.draw();
  }

  showSome() {
    this.shownAt = performance.now();
    this.files = this.coming;
    this.rearrange();
  }

  make(path, file, flash) {
    const [directory, name] = split(this.base + path);
    return { path: this.base + path, directory, name, flashed: flash ? performance.now() : -Infinity, ...file };
  }

  filter(text) {
    this.accepts = filterOf(text);
    this.rearrange();
    this.view.scrollTop = 0;
  }

  rearrange() {
    this.full = true;
    this.draw();
  }

  draw() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.arrange();
      this.render();
    });
  }

  /** Brings the order up to date with the files. */
  arrange() {
    const added = this.added.filter((file) => this.files.get(file.path.slice(this.base.length)) === file);
    if (!this.full && !this.changed && added.length === 0) return;
    if (this.full || added.length > FEW) {
      this.sorted = [...this.files.values()].filter((file) => this.accepts(file.path)).sort(compare);
    } else {
      if (this.changed) {
        this.sorted = this.sorted.filter((file) => this.files.get(file.path.slice(this.base.length)) === file);
      }
      for (const file of added) {
        if (this.accepts(file.path)) this.sorted.splice(this.placeOf(file), 0, file);
      }
    }
    this.full = this.changed = false;
    this.added = [];
    this.items = [];
    let directory = null;
    for (const file of this.sorted) {
      if (file.directory !== directory) {
        directory = file.directory;
        this.items.push({ directory });
      }
      file.index = this.items.length;
      this.items.push(file);
    }
    if (this.selected !== null && !this.isHere(this.selected)) this.moveSelection();
    this.handlers.counted(this.sorted.length, this.files.size);
  }

  isHere(file) {
    return this.items[file.index] === file;
  }

  /** The one that took the place of what is gone, or a file of the same name that came anew. */
  moveSelection() {
    const again = this.files.get(this.selected.path.slice(this.base.length));
    this.select(again !== undefined && this.isHere(again) ? again : null);
  }

  placeOf(file) {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.sorted[middle], file) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  rowHeight() {
    return parseFloat(getComputedStyle(this.view).getPropertyValue('--row')) || 32;
  }

  render() {
    const height = this.rowHeight();
    this.rows.style.height = `${this.items.length * height}px`;
    const first = Math.max(0, Math.floor(this.view.scrollTop / height) - ROWS_BEYOND);
    const last = Math.min(
      this.items.length,
      Math.ceil((this.view.scrollTop + this.view.clientHeight) / height) + ROWS_BEYOND,
    );
    const unused = new Map(this.elements);
    const wanted = [];
    for (let i = first; i < last; i++) {
      const item = this.items[i];
      const key = item.path ?? item.directory;
      wanted.push([i, item, key]);
      unused.delete(key);
    }
    for (const [key, element] of unused) {
      element.remove();
      this.elements.delete(key);
    }
    let before = null;
    for (const [i, item, key] of wanted) {
      let element = this.elements.get(key);
      if (element === undefined) {
        element = item.path === undefined ? this.headingRow(item) : this.fileRow();
        this.elements.set(key, element);
      }
      if (item.path !== undefined) this.fill(element, item);
      element.style.transform = `translateY(${i * height}px)`;
      element.setAttribute('aria-posinset', i + 1);
      element.setAttribute('aria-setsize', this.items.length);
      element.dataset.index = i;
      // In the order of the rows also for those who do not see them.
      const place = before === null ? this.rows.firstChild : before.nextSibling;
      if (place !== element) this.rows.insertBefore(element, place);
      before = element;
    }
    this.markSelected();
  }

  headingRow(item) {
    const row = document.createElement('div');
    row.className = 'row directory';
    row.setAttribute('role', 'treeitem');
    row.setAttribute('aria-level', 1);
    row.setAttribute('aria-selected', 'false');
    row.textContent = item.directory;
    row.id = `row${++Tree.lastId}`;
    return row;
  }

  fileRow() {
    const row = document.createElement('div');
    row.className = 'row file';
    row.setAttribute('role', 'treeitem');
    row.setAttribute('aria-level', 2);
    for (const name of ['name', 'rev', 'body']) {
      const cell = document.createElement('span');
      cell.className = name;
      row.append(cell);
    }
    row.id = `row${++Tree.lastId}`;
    return row;
  }

  fill(row, file) {
    if (row.file === file && row.rev === file.rev) return;
    const [name, rev, body] = row.children;
    name.textContent = file.name;
    name.title = file.path;
    rev.textContent = `(${file.rev})`;
    body.textContent = file.preview;
    body.className = `body ${file.isBinary ? 'binary' : ''} ${file.isEmpty ? 'nothing' : ''}`;
    row.dataset.path = file.path;
    const age = performance.now() - file.flashed;
    row.classList.remove('flash');
    if (age < FLASH_MS) {
      void row.offsetWidth;  // so that it flashes again
      row.style.animationDelay = `${-Math.max(0, age)}ms`;
      row.classList.add('flash');
    }
    row.file = file;
    row.rev = file.rev;
  }

  markSelected() {
    for (const element of this.elements.values()) {
      if (element.file === undefined) continue;
      const isSelected = element.file === this.selected;
      element.classList.toggle('selected', isSelected);
      element.setAttribute('aria-selected', isSelected ? 'true' : 'false');
    }
    const row = this.selected === null ? undefined : this.elements.get(this.selected.path);
    if (row === undefined) this.view.removeAttribute('aria-activedescendant');
    else this.view.setAttribute('aria-activedescendant', row.id);
  }

  select(file) {
    if (file === this.selected) return;
    this.selected = file;
    if (file !== null) this.scrollTo(file);
    this.markSelected();
    this.handlers.selected(file);
  }

  scrollTo(file) {
    const height = this.rowHeight();
    const top = file.index * height;
    if (top < this.view.scrollTop + height) this.view.scrollTop = Math.max(0, top - height);
    const bottom = top + height;
    if (bottom > this.view.scrollTop + this.view.clientHeight) this.view.scrollTop = bottom - this.view.clientHeight;
    this.draw();
  }

  onClick(event) {
    const row = event.target.closest('.row');
    const item = row === null ? undefined : this.items[Number(row.dataset.index)];
    if (item === undefined) return;
    if (item.path === undefined) return this.handlers.entered(item.directory);
    this.select(item);
    this.handlers.opened(item);
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.view.clientHeight / this.rowHeight()) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === 'Enter' && this.selected !== null) this.handlers.opened(this.selected);
    else if (event.key in steps) this.step(steps[event.key]);
    else return;
    event.preventDefault();
  }

  step(by) {
    if (this.sorted.length === 0) return;
    const at = this.selected === null ? (by > 0 ? -1 : this.sorted.length) : this.placeOf(this.selected);
    this.select(this.sorted[Math.min(this.sorted.length - 1, Math.max(0, at + by))]);
  }
}

Tree.lastId = 0;
