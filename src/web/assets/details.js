// One file, looked at closely: its value in several forms, its history, and, where the server allows
// it, changing it. Every change names the revision it was made for.
import { make } from './dom.js';
import { bytesOf, hexDump, prettyJson, sizeText, preview, valueOf } from './values.js';

const HISTORY_ENTRIES = 50;

// Not in the address's path, where names such as ".." would mean something else.
function url(endpoint, path) {
  return `/v1/${endpoint}?path=${encodeURIComponent(path)}`;
}

async function ask(method, address, options = {}) {
  try {
    const response = await fetch(address, { method, cache: 'no-store', ...options });
    const answer = response.status === 204 ? {} : await response.json();
    return { ok: response.ok, status: response.status, answer };
  } catch {
    const made = method === 'GET' ? '' : ' The change may have been made, and it may not.';
    return { ok: false, status: 0, answer: { detail: `The server does not answer.${made}` } };
  }
}

/** The ends of the lines in a text, or null if they differ: an editor knows one kind only. */
function lineEndOf(text) {
  if (!text.includes('\r')) return '\n';
  return /\r(?!\n)|(?<!\r)\n/.test(text) ? null : '\r\n';
}

/** Whether the text is in the clipboard now. */
async function copyText(text) {
  // Over HTTP, browsers have the clipboard for pages of their own machine only.
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = make('textarea', { value: text, className: 'unseen', ariaLabel: 'Path' });
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return isCopied;
}

export class Details {
  constructor(panel, dialog, directory) {
    this.panel = panel;
    this.dialog = dialog;
    this.directory = directory;
    this.path = null;
    this.file = null;
    this.mayWrite = false;
    this.whyNot = '';           // what stands in the way of writing, if anything does
    this.drafts = new Map();    // path -> { text, original, rev }: edits that were left and not saved
    this.newFile = null;        // what was typed into the dialog for a new file, and not saved
    this.onClose = () => {};
    this.onDrafts = () => {};
    this.asked = 0;
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** The selection has moved: an open panel goes with it. */
  follow(file) {
    if (file !== null && this.isOpen && !this.editing) this.show(file.path);
  }

  open(file) {
    this.keepDraft();
    this.editing = false;
    this.show(file.path);
    this.panel.hidden = false;
    if (matchMedia('(max-width: 760px)').matches) this.panel.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.keepDraft();
    this.panel.hidden = true;
    this.path = null;
    this.editing = false;
    this.onClose();
  }

  /** Whether anything was typed that the server does not have. */
  get hasUnsaved() {
    return this.drafts.size > 0 || this.newFile !== null || (this.editing && this.isEdited());
  }

  /** What is being edited is left for something else: it waits until it is gone on with. */
  keepDraft() {
    if (!this.editing || !this.isEdited()) return;
    this.drafts.set(this.path, { text: this.area.value, original: this.original, rev: this.editedRev });
    this.onDrafts();
  }

  dropDraft(path) {
    if (this.drafts.delete(path)) this.onDrafts();
  }

  /** Opens the file of a draft and goes on with it. */
  resume(path) {
    const draft = this.drafts.get(path);
    if (draft === undefined) return;
    this.keepDraft();
    this.asked += 1;  // no answer that is under way takes its place
    this.path = path;
    this.panel.hidden = false;
    this.edit(draft.original, draft.rev, draft.text);
    this.dropDraft(path);
  }

  draftNote() {
    if (!this.drafts.has(this.path)) return [];
    const go = make('button', { type: 'button', textContent: 'Go on editing', id: 'resume' });
    go.addEventListener('click', () => this.resume(this.path));
    const drop = make('button', { type: 'button', textContent: 'Discard', className: 'danger', id: 'discard' });
    drop.addEventListener('click', () => {
      this.dropDraft(this.path);
      this.show(this.path);
    });
    return [make('div', { className: 'note', id: 'draft' },
      make('p', { textContent: 'You have an unsaved edit of this file.' }), make('div', { className: 'bar' }, go, drop))];
  }

  /** The server allows writing, or not, and why not. */
  setAllowed(mayWrite, whyNot) {
    const isSame = this.mayWrite === mayWrite && this.whyNot === whyNot;
    this.mayWrite = mayWrite;
    this.whyNot = whyNot;
    if (!isSame) this.refresh();
  }

  /** The server told of a change. */
  changed(path, rev, seqn) {
    if (path !== this.path || (this.file !== null && seqn <= this.file.rev)) return;
    if (this.editing) this.warnOfChange();
    else this.show(path);
  }

  refresh() {
    if (this.path !== null && !this.editing) this.show(this.path);
  }

  async show(path) {
    const isAnother = this.path !== path;
    this.path = path;
    if (isAnother) this.form = null;
    const mine = ++this.asked;
    const [file, history] = await Promise.all([
      ask('GET', url('file', path)),
      ask('GET', `${url('history', path)}&limit=${HISTORY_ENTRIES}`),
    ]);
    if (mine !== this.asked || this.editing) return;  // something else is asked for by now
    this.file = file.ok ? { rev: file.answer.rev, value: valueOf(file.answer) } : null;
    this.changes = history.ok ? history.answer.changes : [];
    this.render(file.ok || file.status === 404 ? null : file.answer.detail);
  }

  head() {
    const copy = make('button', { type: 'button', textContent: 'Copy path', id: 'copy-path' });
    copy.addEventListener('click', async () => {
      copy.textContent = (await copyText(this.path)) ? 'Copied' : 'Not copied';
      setTimeout(() => (copy.textContent = 'Copy path'), 1500);
    });
    const close = make('button', { type: 'button', textContent: 'Close' });
    close.addEventListener('click', () => this.close());
    return make('header', {}, make('h2', { id: 'details-path', textContent: this.path }), copy, close);
  }

  render(trouble) {
    if (trouble !== null) {
      this.panel.replaceChildren(this.head(), make('p', { className: 'note bad', textContent: trouble }));
    } else if (this.file === null) {
      const gone = make('p', { className: 'note', textContent: 'This file does not exist any more.' });
      this.panel.replaceChildren(this.head(), ...this.draftNote(), gone, ...this.historyList());
    } else {
      const bytes = bytesOf(this.file.value);
      const facts = make('p', { className: 'facts' },
        make('span', { textContent: `revision ${this.file.rev}` }),
        make('span', { textContent: sizeText(bytes.length) }));
      this.panel.replaceChildren(
        this.head(), ...this.draftNote(), facts, this.forms(bytes), this.shown, ...this.historyList());
    }
  }

  /** The ways to show the value; this.shown is where. */
  forms(bytes) {
    const text = this.file.value.text;
    const json = text === undefined ? null : prettyJson(text);
    const possible = [];
    if (text !== undefined) possible.push(['Text', () => text]);
    if (json !== null) possible.push(['JSON', () => json]);
    possible.push(['Hex', () => hexDump(bytes)]);
    this.shown = make('pre', { id: 'value', tabIndex: 0, ariaLabel: 'Value', role: 'region' });
    const group = make('div', { className: 'forms', role: 'group', ariaLabel: 'Show as' });
    const choose = (name) => {
      const [, content] = possible.find(([n]) => n === name) ?? possible[0];
      this.shown.textContent = content();
      this.shown.classList.toggle('hex', name === 'Hex');
      for (const button of group.children) button.ariaPressed = button.textContent === name ? 'true' : 'false';
    };
    for (const [name] of possible) {
      const button = make('button', { type: 'button', textContent: name });
      button.addEventListener('click', () => {
        this.form = name;
        choose(name);
      });
      group.append(button);
    }
    const names = possible.map(([name]) => name);
    choose(names.includes(this.form) ? this.form : json !== null ? 'JSON' : names[0]);
    const bar = make('div', { className: 'bar' }, group);
    if (this.mayWrite) bar.append(...this.writeButtons());
    return bar;
  }

  writeButtons() {
    const edit = make('button', { type: 'button', textContent: 'Edit', id: 'edit' });
    const { text } = this.file.value;
    if (text === undefined) edit.title = 'This value is not text';
    else if (lineEndOf(text) === null) edit.title = 'The lines of this value end in different ways, which would be lost';
    if (this.whyNot !== '') edit.title = this.whyNot;
    edit.disabled = edit.title !== '';
    edit.addEventListener('click', () => this.edit(text, this.file.rev));
    const remove = make('button', { type: 'button', textContent: 'Delete', className: 'danger', id: 'delete' });
    remove.disabled = this.whyNot !== '';
    remove.title = this.whyNot;
    remove.addEventListener('click', () => this.confirmDelete(this.file.rev));
    return [edit, remove];
  }

  historyList() {
    const list = make('ul', { className: 'history' });
    for (const change of this.changes) {
      const body = make('span', { className: 'body' });
      if (change.kind === 'del') {
        body.textContent = 'deleted';
        body.classList.add('gone');
      } else {
        body.textContent = change.base64 === undefined ? preview(change.value) || 'empty' : 'not text';
      }
      list.append(make('li', {}, make('span', { className: 'rev', textContent: change.rev }), body));
    }
    return [make('h3', { textContent: 'History' }), list];
  }

  /** `typed`: what a draft has instead of the text. */
  edit(text, rev, typed = text) {
    this.editing = true;
    this.editedRev = rev;
    this.original = text;
    const area = make('textarea', { id: 'editor', rows: 14, value: text, ariaLabel: 'Value', spellcheck: false });
    const untouched = area.value;  // the browser has one kind of line end
    area.value = typed;
    this.area = area;
    this.isEdited = () => area.value !== untouched;
    const save = make('button', { type: 'button', textContent: 'Save', className: 'main', id: 'save' });
    const cancel = make('button', { type: 'button', textContent: 'Cancel' });
    this.note = make('div', { role: 'alert' });
    this.edited = () => area.value.replaceAll('\n', lineEndOf(text));
    save.addEventListener('click', () => this.save(this.edited(), this.editedRev));
    cancel.addEventListener('click', () => this.cancel());
    this.panel.replaceChildren(
      this.head(),
      make('p', { className: 'facts', textContent: `Your change is made only if revision ${rev} is still the newest.` }),
      area, make('div', { className: 'bar' }, save, cancel), this.note);
    area.focus();
  }

  stopEditing() {
    this.editing = false;
    this.dropDraft(this.path);
    this.show(this.path);
  }

  cancel() {
    if (!this.isEdited()) return this.stopEditing();
    this.converse('Discard your edit?', 'Discard', [], async () => {
      this.stopEditing();
      return null;
    }, true);
  }

  warnOfChange() {
    if (this.saving || this.note.childElementCount > 0) return;
    this.note.replaceChildren(make('p', { className: 'note', textContent: 'Somebody else has changed this file meanwhile.' }));
  }

  async save(text, rev) {
    const path = this.path;
    this.saving = true;
    const { ok, status, answer } = await ask('PUT', url('file', path), {
      body: text,
      headers: { 'If-Match': `"${rev}"` },
    });
    this.saving = false;
    // Another file may be shown by now; the edit of this one is then a draft.
    if (ok) this.dropDraft(path);
    if (this.path !== path || !this.editing) return ok && this.path === path ? this.show(path) : undefined;
    if (ok) return this.stopEditing();
    if (status === 412) return this.showConflict();
    this.showTrouble(answer.detail);
  }

  showTrouble(text) {
    this.note.replaceChildren(make('p', { className: 'note bad', textContent: text }));
  }

  /** What is there now, and what may be done about it. */
  async showConflict() {
    const { ok, status, answer } = await ask('GET', url('file', this.path));
    if (!ok && status !== 404) return this.showTrouble(`Conflict: your change was not made. ${answer.detail}`);
    const theirs = ok ? valueOf(answer) : null;
    const note = make('div', { className: 'note bad', id: 'conflict' });
    note.append(make('p', {
      textContent: ok
        ? `Conflict: the file has been changed meanwhile and is at revision ${answer.rev} now. Your change was not made.`
        : 'Conflict: the file has been deleted meanwhile. Your change was not made.',
    }));
    if (theirs !== null) note.append(make('pre', { textContent: theirs.text ?? hexDump(bytesOf(theirs)), tabIndex: 0 }));
    const overwrite = make('button', { type: 'button', textContent: ok ? 'Replace it with mine' : 'Create it again' });
    overwrite.addEventListener('click', () => this.save(this.edited(), ok ? answer.rev : 0));
    const take = make('button', { type: 'button', textContent: 'Give mine up' });
    take.addEventListener('click', () => this.stopEditing());
    note.append(make('div', { className: 'bar' }, overwrite, take));
    this.note.replaceChildren(note);
  }

  /** A dialog with a form; `submit` returns what is wrong, or null if all is well. */
  converse(title, action, fields, submit, isDangerous = false) {
    const trouble = make('div', { role: 'alert' });
    const ok = make('button', { type: 'submit', textContent: action, className: isDangerous ? 'danger' : 'main' });
    const cancel = make('button', { type: 'button', textContent: 'Cancel' });
    cancel.addEventListener('click', () => this.dialog.close());
    const form = make('form', { method: 'dialog' },
      make('h2', { id: 'dialog-title', textContent: title }), ...fields, trouble,
      make('div', { className: 'bar' }, ok, cancel));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const wrong = await submit();
      if (wrong === null) this.dialog.close('done');
      else trouble.replaceChildren(make('p', { className: 'note bad', textContent: wrong }));
    });
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
  }

  confirmDelete(rev) {
    const path = this.path;
    this.converse(`Delete ${path}?`, 'Delete', [], async () => {
      const { ok, status, answer } = await ask('DELETE', url('file', path), { headers: { 'If-Match': `"${rev}"` } });
      if (ok) return null;
      return status === 412 ? 'Conflict: the file has been changed meanwhile. It was not deleted.' : answer.detail;
    }, true);
  }

  create() {
    const { path: typedPath, value: typedValue } = this.newFile ?? { path: this.directory, value: '' };
    const path = make('input', { id: 'new-path', value: typedPath, required: true, spellcheck: false });
    const value = make('textarea', { id: 'new-value', rows: 8, spellcheck: false, value: typedValue });
    this.dialog.returnValue = '';
    // Closed by Escape or Cancel, it opens the next time with what was typed.
    this.dialog.addEventListener('close', () => {
      const isTyped = path.value !== this.directory || value.value !== '';
      this.newFile = this.dialog.returnValue !== 'done' && isTyped ? { path: path.value, value: value.value } : null;
    }, { once: true });
    this.converse('New file', 'Create', [make('label', {}, 'Path', path), make('label', {}, 'Value', value)], async () => {
      if (!/^(\/[A-Za-z0-9.-]+)+$/.test(path.value)) {
        return 'A path is made of names of A-Z a-z 0-9 . and -, each behind a slash.';
      }
      const { ok, status, answer } = await ask('PUT', url('file', path.value), {
        body: value.value,
        headers: { 'If-None-Match': '*' },
      });
      if (ok) return null;
      return status === 412 ? 'Conflict: there is a file of this name already.' : answer.detail;
    });
    path.setSelectionRange(path.value.length, path.value.length);
  }
}
