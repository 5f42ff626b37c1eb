// The cluster's page: it asks /v1/cluster of the process it came from and shows what that knows.
import { Chart, MINUTES } from './charts.js';
import { setRows, setText } from './dom.js';
import { Lanes } from './lanes.js';
import { microsText, namer, number, showFacts, showFollowers, showMatrix, showMembers } from './members.js';
import { Poll } from './poll.js';
import { moodOf, Timeline } from './timeline.js';

const TABLE_STEP = 10000;  // milliseconds from row to row of the figures as a table

const element = (id) => document.getElementById(id);
const samples = [];  // {at, id, total, rate, p50, p99, lag}, oldest first, of the last MINUTES
let told = null;     // [id, seq] of the newest event that was there

const rateText = (rate) => (rate >= 100 || rate === 0 ? number(Math.round(rate)) : rate.toFixed(1));
const charts = [
  new Chart(element('chart-writes'), {
    title: 'Writes a second, accepted here', format: rateText,
    series: [{ name: '', className: 'first', of: ({ rate }) => rate }],
  }),
  new Chart(element('chart-commit'), {
    title: 'Time of a write', format: microsText,
    series: [
      { name: 'median', className: 'first', of: ({ p50 }) => p50 },
      { name: '99 % within', className: 'second', of: ({ p99 }) => p99 },
    ],
  }),
  new Chart(element('chart-lag'), {
    title: 'Greatest lag, in revisions', format: (lag) => number(Math.round(lag)),
    series: [{ name: '', className: 'first', of: ({ lag }) => lag }],
  }),
];
const lanes = new Lanes(element('lanes').tBodies[0], element('no-lanes'));
const timeline = new Timeline(element('timeline'), element('events'), element('span'));

function showState(state, text) {
  const shown = element('state');
  shown.dataset.state = state;
  setText(shown, text);
  document.body.classList.toggle('is-lost', state === 'lost');
}

function heardOf(status) {
  return status.members.filter((m) => m.up || m.self).length;
}

/** What is wrong, as [heading, what it means], or null. */
function trouble(status) {
  if (status.role === 'attaching') {
    return ['Not attached yet', 'This process is looking for its cluster, or copying it. What it shows is not complete.'];
  }
  if (status.role === 'founding') return ['Being founded', 'This process is founding the cluster.'];
  if (status.quorum) return null;
  const heard = `${heardOf(status)} of ${status.voters} members heard, ${status.majority} needed`;
  if (status.role === 'follower') {
    return ['No majority', `This follower hears no majority of the cluster (${heard}). What it shows may be old.`];
  }
  return ['No majority', `${heard}. Nothing that is written is applied until enough members are back; reading goes on. ` +
    'If they are lost for good, see the operations manual: “The majority is lost”.'];
}

function showTrouble(status) {
  const what = trouble(status);
  element('trouble').hidden = what === null;
  if (what !== null) {
    setText(element('trouble-title'), what[0]);
    setText(element('trouble-text'), what[1]);
  }
  document.title = `${what === null ? '' : `${what[0]} – `}cluster ${status.cluster} – Doozer`;
}

function showStatus(status) {
  const heard = heardOf(status);
  setText(element('title'), `Cluster ${status.cluster}`);
  setText(element('revision'), `revision ${status.revision}`);
  showFacts(element('facts'), [
    ['Majority', status.quorum ? `${heard} of ${status.voters} heard` : `lost: ${heard} of ${status.voters} heard`, status.quorum ? 'good' : 'bad'],
    ['Revision', number(status.revision)],
    ['Epoch', number(status.epoch)],
    ['Followers', number(status.followers.length)],
    ['Free slots', number(status.free_slots.length)],
    ['Writes accepted here', number(status.writes.total)],
    ['Connections', number(status.connections)],
    ['Waiting', number(status.waiters)],
  ]);
  showFacts(element('self'), [
    ['Answering', `${status.role} ${status.id}`],
    ['Address', status.address],
    ['Version', status.version],
    ['Rules', number(status.protocol?.rules ?? 1)],
    ['Lineage', status.lineage],
  ]);
  showMembers(element('members').tBodies[0], status);
  showFollowers(element('followers'), element('no-followers'), status.followers);
  showMatrix(element('matrix'), status);
  lanes.draw(status.lanes, namer(status.members));
  timeline.show(status.events, status.id);
}

/** Since the last sample; over some seconds, as the server tells it, where there is none to compare with. */
function rateSince(status, now) {
  const last = samples.at(-1);
  if (last === undefined || last.id !== status.id || now - last.at < 100) return status.writes.per_second;
  return ((status.writes.total - last.total) * 1000) / (now - last.at);
}

function addSample(status) {
  const now = Date.now();
  const lags = [...status.members, ...status.followers].map(({ lag }) => lag).filter((lag) => lag !== null);
  samples.push({
    at: now,
    id: status.id,
    total: status.writes.total,
    rate: rateSince(status, now),
    p50: status.commit_us?.p50 ?? null,
    p99: status.commit_us?.p99 ?? null,
    lag: lags.length === 0 ? null : Math.max(...lags),
  });
  while (now - samples[0].at > MINUTES * 60000) samples.shift();
  for (const chart of charts) chart.draw(samples, now);
  if (element('figures').open) showFigures();
}

/** The charts once more, for those who would rather read numbers. */
function showFigures() {
  const rows = [];
  let last = Infinity;
  for (const sample of [...samples].reverse()) {
    if (last - sample.at < TABLE_STEP) continue;
    last = sample.at;
    rows.push([
      { text: new Date(sample.at).toLocaleTimeString('en-GB'), scope: 'row' },
      ...[rateText(sample.rate), microsText(sample.p50), microsText(sample.p99), sample.lag === null ? '–' : number(sample.lag)]
        .map((text) => ({ text, className: 'number' })),
    ]);
  }
  setRows(element('figures-table').tBodies[0], rows);
}

/** Says aloud, to those who listen instead of looking, what has gone wrong or has been mended. */
function tellNews(status) {
  const newest = status.events.at(-1)?.seq ?? 0;
  if (told !== null && told[0] === status.id) {
    const news = status.events.filter(({ seq, kind }) => seq > told[1] && moodOf(kind) !== 'plain');
    if (news.length > 0) setText(element('news'), news.map(({ kind, text }) => `${kind}: ${text}`).join('. '));
  }
  told = [status.id, newest];
}

const poll = new Poll('/v1/cluster', {
  got(status) {
    showState('live', 'Live');
    element('lost').hidden = true;
    element('content').hidden = false;
    showTrouble(status);
    showStatus(status);
    addSample(status);
    tellNews(status);
  },
  silent(seconds, left, why) {
    showState('lost', seconds === 0 ? 'No contact' : `No contact for ${seconds} s`);
    element('lost').hidden = false;
    const next = left > 0 ? `Trying again in ${left} s.` : 'Trying now.';
    const old = element('content').hidden ? '' : ' What is shown is from before.';
    setText(element('lost-text'), `No contact with this process for ${seconds} s.${old} ${why} ${next}`.replace(/ +/g, ' '));
  },
});

element('try-now').addEventListener('click', () => poll.tryNow());
element('figures').addEventListener('toggle', showFigures);
