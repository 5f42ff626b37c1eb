// The page: what it knows it is told over the socket; what it does it asks of /v1.
import { Details } from './details.js';
import { Socket } from './socket.js';
import { Tree } from './tree.js';
import { preview } from './values.js';

const BODY_BYTES = 512;  // of each value, for its row; the rest is asked for when it is looked at

const element = (id) => document.getElementById(id);
const directory = decodeURIComponent(location.pathname);
const base = directory.slice(0, -1);
let newest = 0;

function showCrumbs() {
  const crumbs = element('crumbs');
  const names = base.split('/').slice(1);
  const link = (text, href) => {
    const a = document.createElement('a');
    a.textContent = text;
    a.href = href;
    return a;
  };
  crumbs.append(link('/', '/'));
  let path = '/';
  for (const name of names) {
    if (name === '') continue;
    path += `${name}/`;
    crumbs.append(link(name, path));
    const slash = document.createElement('span');
    slash.textContent = '/';
    crumbs.append(slash);
  }
  document.title = `${directory} – Doozer`;
}

function showState(state, text) {
  const shown = element('state');
  if (shown.dataset.state === state && shown.textContent === text) return;
  shown.dataset.state = state;
  shown.textContent = text;
  document.body.classList.toggle('is-lost', state === 'lost');
}

function showRevision(seqn) {
  newest = Math.max(newest, seqn);
  element('revision').textContent = `revision ${newest}`;
}

const number = new Intl.NumberFormat('en').format;

function showCount(shown, all) {
  const files = all === 1 ? 'file' : 'files';
  element('count').textContent = shown === all ? `${number(all)} ${files}` : `${number(shown)} of ${number(all)} ${files}`;
  const empty = element('empty');
  empty.hidden = shown > 0;
  element('tree').hidden = shown === 0;
  empty.textContent = all === 0 ? `There is no file below ${directory} yet.` : 'No file matches the filter.';
}

function fileOf(message) {
  if (message.Body64 !== undefined) {
    const size = message.Len ?? Math.floor(message.Body64.replace(/=+$/, '').length * 0.75);
    return { rev: message.Rev, preview: `${number(size)} bytes, not text`, isBinary: true, isEmpty: false };
  }
  const text = preview(message.Body);
  const isEmpty = message.Body === '';
  return { rev: message.Rev, preview: isEmpty ? 'empty' : text, isBinary: false, isEmpty };
}

const details = new Details(element('details'), element('dialog'), directory);
const tree = new Tree(element('tree'), element('rows'), base, {
  selected: (file) => details.follow(file),
  opened: (file) => details.open(file),
  entered: (below) => {
    // An address cannot name "." and "..", which are ordinary names here.
    if (!/\/\.{1,2}\//.test(below)) location.assign(below);
  },
  counted: showCount,
});
details.onClose = () => element('tree').focus();
details.onDrafts = showDrafts;

/** What was edited and not saved stays in sight, whatever is looked at. */
function showDrafts() {
  const links = [...details.drafts.keys()].map((path) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = path;
    button.addEventListener('click', () => details.resume(path));
    return button;
  });
  element('drafts').replaceChildren(links.length === 0 ? '' : 'Not saved yet: ', ...links);
  element('drafts').hidden = links.length === 0;
}

window.addEventListener('beforeunload', (event) => {
  if (details.hasUnsaved) event.preventDefault();
});

const allowed = { webwrite: false, write: false, authenticated: false };
let standing = { Majority: true, Writes: true };
let isLoaded = false;

/** Says whether what is seen is what the cluster has, and whether it may be changed. */
function showStanding() {
  if (!isLoaded) return;
  showState(standing.Majority ? 'live' : 'stuck', standing.Majority ? 'Live' : 'No majority');
  element('stuck').hidden = standing.Majority;
  const { webwrite, write, authenticated } = allowed;
  let whyNot = '';
  if (!standing.Majority) whyNot = 'This process hears no majority of the members: nothing can be written now';
  else if (!standing.Writes) whyNot = 'This process accepts no writes: go to the page of a member';
  // Who gave no secret is asked for one by the browser when it is needed.
  else if (!write && authenticated) whyNot = 'The secret you gave is for reading only';
  details.setAllowed(webwrite, whyNot);
  element('new-file').hidden = !webwrite;
  element('new-file').disabled = whyNot !== '';
  element('new-file').title = whyNot;
  element('read-only').hidden = !webwrite || whyNot === '' || !standing.Majority;
  element('read-only').textContent = whyNot;
}

const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
const socket = new Socket(`${scheme}//${location.host}/$events${directory}?mark&body=${BODY_BYTES}`, {
  connecting() {
    isLoaded = false;
    showState('connecting', 'Connecting');
    tree.startAfresh();
  },
  opened() {
    element('lost').hidden = true;
    newest = 0;  // another server may lag behind the last one
    showState('connecting', 'Loading');
  },
  message(message) {
    if (message.Majority !== undefined) {
      standing = message;
      showStanding();
      return;
    }
    showRevision(message.Seqn);
    if (message.Loaded !== undefined) {
      tree.loaded();
      isLoaded = true;
      showStanding();
      details.refresh();
      learnWhatIsAllowed();
      return;
    }
    tree.put(message.Path, message.Rev === 0 ? null : fileOf(message));
    details.changed(base + message.Path, message.Rev, message.Seqn);
  },
  lost(seconds) {
    element('stuck').hidden = true;
    showState('lost', 'Not connected');
    element('lost').hidden = false;
    element('lost-text').textContent = `The connection is lost. Trying again in ${seconds} s.`;
  },
});

element('try-now').addEventListener('click', () => socket.tryNow());

// The filter is a part of the address, so that it can be passed on.
const filter = element('filter');
filter.value = new URLSearchParams(location.search).get('filter') ?? '';
if (filter.value !== '') tree.filter(filter.value);
filter.addEventListener('input', () => {
  tree.filter(filter.value);
  const query = filter.value === '' ? '' : `?filter=${encodeURIComponent(filter.value)}`;
  history.replaceState(null, '', location.pathname + query);
});
filter.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown' || event.key === 'Enter') element('tree').focus();
});

document.addEventListener('keydown', (event) => {
  const isTyping = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    filter.focus();
  } else if (event.key === 'Escape' && !element('dialog').open) {
    details.close();
  }
});

element('new-file').addEventListener('click', () => details.create());

/** After every start of the server: it may be started differently. */
async function learnWhatIsAllowed() {
  try {
    const self = await (await fetch('/v1/self', { cache: 'no-store' })).json();
    for (const name of Object.keys(allowed)) allowed[name] = self[name];
    showStanding();
  } catch {
    // The connection is lost again: the next one asks anew.
  }
}

showCrumbs();
