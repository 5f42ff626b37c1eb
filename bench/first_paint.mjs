// How long it takes until something is seen of a directory's page, until its rows are there, and until
// it holds all files. Each load is that of a browser that has been here never before.
//
//   node bench/first_paint.mjs --modules=build/browser --url=http://127.0.0.1:8000 [--files=10000] [--loads=5]
//
// The server must have been started with -webwrite: the files are put below /paint first.
import { createRequire } from 'node:module';
import path from 'node:path';

const options = Object.fromEntries(process.argv.slice(2).map((word) => word.replace(/^--/, '').split('=')));
if (!options.modules || !options.url) throw new Error('usage: first_paint.mjs --modules=FOLDER --url=URL [--files=N] [--loads=N]');
const files = Number(options.files ?? 10000);
const loads = Number(options.loads ?? 5);
const { chromium } = createRequire(path.resolve(options.modules) + '/')('playwright-core');

async function putFiles() {
  const names = Array.from({ length: files }, (_, i) => `/paint/${i % 100}/${i}`);
  while (names.length > 0) {
    await Promise.all(names.splice(0, 100).map(async (name) => {
      const { ok, status } = await fetch(`${options.url}/v1/file${name}`, { method: 'PUT', body: `value of ${name}` });
      if (!ok) throw new Error(`PUT ${name}: ${status}`);
    }));
  }
}

/** Milliseconds from entering the address; runs in the page, before its own scripts. */
function watchPage() {
  const times = {};
  window.paintTimes = times;
  const look = () => {
    if (times.rows === undefined && document.querySelector('.row.file')) times.rows = performance.now();
    if (times.live === undefined && document.querySelector('#state[data-state=live]')) times.live = performance.now();
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') times.paint = entry.startTime;
  }).observe({ type: 'paint', buffered: true });
}

async function load(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(watchPage);
  await page.goto(`${options.url}/paint/`);
  const times = await (await page.waitForFunction(() => {
    const { paint, rows, live } = window.paintTimes;
    return paint && rows && live && window.paintTimes;
  })).jsonValue();
  await context.close();
  return times;
}

await putFiles();
const browser = await chromium.launch({
  executablePath: options.chromium ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
await load(browser);  // the browser's own start does not count
const all = [];
for (let i = 0; i < loads; i++) all.push(await load(browser));
await browser.close();
for (const [name, what] of [['paint', 'first paint'], ['rows', 'first rows'], ['live', 'all files loaded']]) {
  const times = all.map((times) => times[name]).sort((a, b) => a - b).map(Math.round);
  console.log(`${what.padEnd(17)} ${times[Math.floor(times.length / 2)]} ms (${times[0]} to ${times.at(-1)})`);
}
