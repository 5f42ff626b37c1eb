// What the tests of the pages stand on: real servers on free ports, a real browser, deadlines.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const options = Object.fromEntries(process.argv.slice(2).map((word) => word.replace(/^--/, '').split('=')));
for (const name of ['doozerd', 'modules', 'output']) {
  if (!options[name]) throw new Error(`usage: ${path.basename(process.argv[1])} --doozerd=PATH --modules=FOLDER --output=FOLDER [--only=PART]`);
}
const require = createRequire(path.resolve(options.modules) + '/');
const { chromium } = require('playwright-core');
const axePath = require.resolve('axe-core/axe.min.js');
fs.mkdirSync(options.output, { recursive: true });

// Seconds of silence after which a member is replaced.
const CLUSTER_FLAGS = ['-webwrite', '-timeout', '3'];
const DEADLINE = 15000;  // milliseconds for what takes far less when all is well

function freePort() {
  return new Promise((resolve) => {
    const listener = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

/** Makes a certificate for this machine in a folder of its own; returns doozerd's flags for it. */
export function certificateFlags() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'doozer-web-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true }));
  const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
    '-out', certificate, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  return ['-tlscert', certificate, '-tlskey', key];
}

export class Server {
  static async start({ flags = ['-webwrite'], env = {}, web, pulse = '3600' } = {}) {
    const server = new Server();
    server.web = web ?? (await freePort());
    server.url = `${flags.includes('-tlscert') ? 'https' : 'http'}://127.0.0.1:${server.web}`;
    server.address = `127.0.0.1:${await freePort()}`;
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DOOZER_')));
    const words = ['-l', server.address, '-w', `127.0.0.1:${server.web}`, '-pulse', pulse, ...flags];
    // It must not outlive the test, whatever ends that.
    server.process = spawn('setpriv', ['--pdeathsig', 'KILL', options.doozerd, ...words],
      { env: { ...clean, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    server.log = '';
    server.ended = new Promise((resolve) => server.process.on('exit', resolve));
    await new Promise((resolve, reject) => {
      server.process.stderr.on('data', (data) => {
        server.log += data;
        if (server.log.includes('the web view is at')) resolve();
      });
      server.ended.then(() => reject(new Error(`doozerd ended: ${server.log}`)));
    });
    return server;
  }

  async put(file, value, headers = {}) {
    const response = await fetch(`${this.url}/v1/file?path=${encodeURIComponent(file)}`, { method: 'PUT', body: value, headers });
    if (!response.ok) throw new Error(`PUT ${file}: ${response.status} ${await response.text()}`);
    return (await response.json()).rev;
  }

  async get(file, headers = {}) {
    return (await fetch(`${this.url}/v1/file?path=${encodeURIComponent(file)}`, { headers })).json();
  }

  delete(file) {
    return fetch(`${this.url}/v1/file?path=${encodeURIComponent(file)}`, { method: 'DELETE' });
  }

  async status(headers = {}) {
    return (await fetch(`${this.url}/v1/cluster`, { headers })).json();
  }

  /** It hangs from now on; wake() lets it go on. */
  freeze() {
    this.process.kill('SIGSTOP');
  }

  wake() {
    this.process.kill('SIGCONT');
  }

  async stop() {
    this.process.kill('SIGTERM');
    this.wake();
    await this.ended;
  }
}

/** What a test is given: servers and pages that go when it ends. */
export class Lab {
  constructor(browser, name) {
    this.browser = browser;
    this.name = name;
    this.servers = [];
    this.contexts = [];
    this.complaints = [];
  }

  async server(settings) {
    const server = await Server.start(settings);
    this.servers.push(server);
    return server;
  }

  /** One that attaches to the cluster of `to`. */
  attach(to, { flags = [], ...settings } = {}) {
    return this.server({ flags: [...CLUSTER_FLAGS, '-a', to.address, ...flags], pulse: '0.5', ...settings });
  }

  /** So many processes that are members of one cluster, all of them in slots. */
  async cluster(count, settings = {}) {
    const founder = await this.server({ flags: CLUSTER_FLAGS, pulse: '0.5', ...settings });
    const servers = [founder];
    for (let slot = 1; slot < count; slot++) {
      servers.push(await this.attach(founder, settings));
      await founder.put(`/ctl/cal/${slot}`, '', settings.headers);
    }
    for (const server of servers) {
      await until(`${count} members`, async () => {
        const { members } = await server.status(settings.headers);
        return members.filter(({ slot, up }) => slot !== null && up).length === count;
      });
    }
    return servers;
  }

  async page(server, { at = '/', ...context } = {}) {
    const made = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
    this.contexts.push(made);
    const page = await made.newPage();
    page.setDefaultTimeout(DEADLINE);
    page.on('pageerror', (error) => this.complaints.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (/Content Security Policy|Refused to/.test(message.text())) this.complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (new URL(request.url()).host !== `127.0.0.1:${server.web}`) this.complaints.push(`loads ${request.url()}`);
    });
    page.on('dialog', (dialog) => {
      this.complaints.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    if (at !== null) {
      await page.goto(server.url + at);
      await live(page);
    }
    return page;
  }

  shot(page, what) {
    return page.screenshot({ path: path.join(options.output, `${this.name.replace(/\W+/g, '-')}-${what}.png`), fullPage: true });
  }

  /** No violation of what axe-core knows about accessibility. */
  async accessible(page) {
    // By evaluate(), since the page's policy lets no script in.
    await page.evaluate(fs.readFileSync(axePath, 'utf8'));
    const { violations } = await page.evaluate(() => window.axe.run());
    const told = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(' | ')}`);
    if (told.length > 0) throw new Error(told.join('\n'));
  }

  async end() {
    for (const context of this.contexts) await context.close();
    for (const server of this.servers) await server.stop();
    if (this.complaints.length > 0) throw new Error(this.complaints.join('\n'));
  }
}

/** Asks again and again until the answer is true. */
export async function until(what, ask) {
  const end = Date.now() + DEADLINE;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`not within ${DEADLINE} ms: ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

export const live = (page) => page.waitForSelector('#state[data-state=live]');
export const row = (page, file) => page.locator(`.row.file[data-path="${file}"]`);
export const shownPaths = (page) => page.$$eval('.row.file', (rows) => rows.map((r) => r.dataset.path));

/** Runs the tests one after the other; the process's exit code says how it went. */
export async function run(tests) {
  const chosen = tests.filter((test) => test.name.includes(options.only ?? ''));
  const browser = await chromium.launch({
    executablePath: options.chromium ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  let failed = 0;
  for (const test of chosen) {
    const lab = new Lab(browser, test.name);
    const began = Date.now();
    let wrong = null;
    try {
      await test(lab);
    } catch (error) {
      wrong = error;
      for (const context of lab.contexts) {
        for (const page of context.pages()) await lab.shot(page, 'failed').catch(() => {});
      }
    }
    await lab.end().catch((error) => (wrong ??= error));
    console.log(`${wrong === null ? 'ok    ' : 'FAILED'} ${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${test.name}`);
    if (wrong !== null) {
      failed += 1;
      console.log(wrong.stack);
      for (const server of lab.servers) console.log(server.log);
    }
  }
  await browser.close();
  console.log(`${chosen.length - failed} passed, ${failed} failed`);
  process.exit(failed === 0 && chosen.length > 0 ? 0 : 1);
}
