// The cluster's page in a real browser, with real processes: docs/web.md, The cluster's page.
//
//   node tests/web/cluster_test.mjs --doozerd=build/release/bin/doozerd --modules=build/browser \
//       --output=build/release/screenshots [--only=part of a name]
import assert from 'node:assert/strict';
import { live, run, until } from './browser.mjs';

const at = '/$cluster';
const memberRow = (page, name) => page.locator('#members tbody tr').filter({ hasText: name });
const cells = (page, selector) => page.$$eval(selector, (found) => found.map((cell) => cell.textContent));

/** Its id; a process that attaches has none at first. */
async function idOf(server) {
  let id = '';
  await until('an id', async () => (id = (await server.status()).id ?? '') !== '');
  return id;
}

async function shows_who_is_in_the_cluster(lab) {
  const servers = await lab.cluster(3);
  const page = await lab.page(servers[1], { at });
  const ids = await Promise.all(servers.map(idOf));
  await page.getByRole('heading', { name: 'Cluster local' }).waitFor();
  assert.deepEqual(await cells(page, '#members .id'), ids);
  assert.deepEqual(await cells(page, '#members td.slot'), ['0', '1', '2']);
  for (const [i, server] of servers.entries()) {
    const text = await memberRow(page, ids[i]).textContent();
    assert.ok(text.includes(server.address), text);
    assert.ok(text.includes(i === 1 ? 'this process' : 'up'), text);
  }
  assert.ok((await page.locator('#self').textContent()).includes(`member ${ids[1]}`));
  await page.locator('#facts .good', { hasText: '3 of 3 heard' }).waitFor();
  await page.getByText('None: there is nobody to take the place').waitFor();
  await servers[0].put('/ctl/cal/3', '');
  await memberRow(page, 'free').waitFor();
  assert.equal(await memberRow(page, 'free').locator('.slot').textContent(), '3');
  const fourth = await lab.attach(servers[0]);
  await memberRow(page, await idOf(fourth)).getByText('up').waitFor();
  assert.equal(await memberRow(page, 'free').count(), 0);
  await page.locator('#events li', { hasText: 'joined' }).filter({ hasText: 'member' }).first().waitFor();
}

async function draws_what_is_written(lab) {
  const servers = await lab.cluster(3);
  const page = await lab.page(servers[0], { at });
  let isWriting = true;
  const writing = (async () => {
    for (let i = 0; isWriting; i++) await servers[i % 3].put('/x', `${i}`);
  })();
  writing.catch(() => {});  // with the servers, if the test fails
  const described = (id, text) => page.locator(`#${id} svg[aria-label*="${text}"]`).waitFor();
  await page.locator('#chart-writes .chart-now', { hasText: /[1-9]/ }).waitFor();
  await described('chart-writes', 'Writes a second');
  await page.locator('#chart-commit .chart-now', { hasText: /median [\d.]+ (µs|ms)/ }).waitFor();
  await page.locator('#chart-writes .line[d*="L"]').waitFor({ state: 'attached' });
  await until('all round trips', async () => !(await cells(page, '#matrix td')).includes('–'));
  assert.equal((await cells(page, '#matrix td')).length, 9);
  // Who is slow on a busy machine loses its lane for a while.
  const [lanes, owners] = await page.evaluate(() => [document.querySelectorAll('#lanes tbody tr').length,
    document.querySelectorAll('#members .badge.plain').length]);
  assert.ok(lanes >= 1 && lanes === owners, `${lanes} lanes, ${owners} owners`);
  await page.locator('#lanes rect.applied').first().waitFor({ state: 'attached' });
  const revision = async () => Number((await page.locator('#revision').textContent()).replace('revision ', ''));
  const before = await revision();
  await until('the revision grows', async () => (await revision()) > before);
  await page.getByText('These figures as a table').click();
  await page.locator('#figures-table tbody tr').first().waitFor();
  assert.match((await cells(page, '#figures-table tbody tr td'))[0], /^[\d.,]+$/);
  await lab.shot(page, 'light');
  await lab.accessible(page);
  isWriting = false;
  await writing;
}

async function shows_a_member_that_hangs_and_its_return(lab) {
  const servers = await lab.cluster(3);
  const page = await lab.page(servers[0], { at });
  const id = await idOf(servers[2]);
  await memberRow(page, id).getByText('up').waitFor();
  servers[2].freeze();
  await memberRow(page, id).locator('.badge.bad', { hasText: /^down, silent for \d+ s$/ }).waitFor();
  await lab.shot(page, 'down');
  await lab.accessible(page);
  assert.ok(await page.locator('#trouble').isHidden(), 'two of three are a majority');
  await memberRow(page, 'free').waitFor();
  assert.equal(await memberRow(page, id).count(), 0);
  await page.locator('#events li', { hasText: 'removed' }).waitFor();
  await page.locator('#timeline .event.bad').first().waitFor({ state: 'attached' });
  await lab.shot(page, 'removed');
  servers[2].wake();
  await until('another id', async () => (await idOf(servers[2])) !== id);
  await memberRow(page, await idOf(servers[2])).getByText('up').waitFor();
  assert.equal(await memberRow(page, 'free').count(), 0);
}

async function says_that_the_majority_is_lost(lab) {
  const servers = await lab.cluster(3);
  const page = await lab.page(servers[0], { at });
  for (const server of servers.slice(1)) server.freeze();
  await page.getByRole('alert').getByText('No majority').waitFor();
  assert.match(await page.locator('#trouble-text').textContent(), /^1 of 3 members heard, 2 needed\. Nothing that is written is applied/);
  assert.match(await page.title(), /^No majority – /);
  await page.locator('#facts .bad', { hasText: 'lost: 1 of 3 heard' }).waitFor();
  await page.locator('#timeline .lost-band').waitFor({ state: 'attached' });
  await lab.shot(page, 'lost');
  await lab.accessible(page);
  for (const server of servers.slice(1)) server.wake();
  await page.locator('#trouble').waitFor({ state: 'hidden' });
  await page.locator('#events li', { hasText: 'quorum back' }).waitFor();
}

async function works_on_a_follower(lab) {
  const servers = await lab.cluster(1);
  const follower = await lab.attach(servers[0]);
  const page = await lab.page(follower, { at });
  const id = await idOf(follower);
  assert.ok((await page.locator('#self').textContent()).includes(`follower ${id}`));
  await page.locator('#followers tbody tr', { hasText: id }).getByText('this process').waitFor();
  await memberRow(page, await idOf(servers[0])).getByText('up').waitFor();
  assert.ok(await page.locator('#trouble').isHidden());
  await lab.shot(page, 'light');
  await lab.accessible(page);
  servers[0].freeze();
  await page.locator('#trouble-text', { hasText: 'This follower hears no majority of the cluster' }).waitFor();
  servers[0].wake();
  await page.locator('#trouble').waitFor({ state: 'hidden' });
}

async function counts_the_seconds_without_contact(lab) {
  const server = await lab.server();
  const page = await lab.page(server, { at });
  const id = await idOf(server);
  await server.stop();
  await page.locator('#state', { hasText: /^No contact for [1-9]\d* s$/ }).waitFor();
  assert.match(await page.locator('#lost-text').textContent(),
    /^No contact with this process for \d+ s\. What is shown is from before\. Trying (again in \d+ s|now)\.$/);
  assert.ok(await memberRow(page, id).isVisible(), 'what was known stays, in grey');
  await lab.shot(page, 'gone');
  await lab.accessible(page);
  const again = await lab.server({ web: server.web });
  await page.locator('#try-now').click();
  await live(page);
  await memberRow(page, await idOf(again)).waitFor();
  assert.ok(await page.locator('#lost').isHidden());
  again.freeze();
  await page.locator('#state', { hasText: /^No contact for \d+ s$/ }).waitFor();
  again.wake();
  await live(page);
}

async function asks_for_the_secret(lab) {
  const server = await lab.server({ env: { DOOZER_RWSECRET: 'write', DOOZER_ROSECRET: 'read' } });
  for (const path of [at, '/v1/cluster', '/$assets/cluster.js']) assert.equal((await fetch(server.url + path)).status, 401, path);
  const page = await lab.page(server, { at, httpCredentials: { username: '', password: 'read' } });
  await memberRow(page, 'this process').waitFor();
}

async function is_reached_from_the_tree_and_with_the_keyboard(lab) {
  const server = await lab.server();
  const page = await lab.page(server);
  await page.getByRole('link', { name: 'Cluster' }).click();
  await live(page);
  assert.equal(new URL(page.url()).pathname, at);
  assert.equal(await page.getByRole('link', { name: 'Cluster' }).getAttribute('aria-current'), 'page');
  const reached = new Set();
  await page.locator('.brand').focus();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.textContent));
  }
  for (const what of ['Files', 'Table of the members', 'Table of the round trips', 'span', 'events', 'These figures as a table']) {
    assert.ok(reached.has(what), `${what} among ${[...reached]}`);
  }
  await page.locator('#span').focus();
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.locator('#span').inputValue(), '3600');
  await page.getByRole('link', { name: 'Files' }).click();
  await page.locator('.row.file').first().waitFor();
}

async function fits_a_small_screen_in_the_dark(lab) {
  const servers = await lab.cluster(3);
  const page = await lab.page(servers[0], { at, viewport: { width: 400, height: 800 }, colorScheme: 'dark' });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 400));
  assert.ok(await memberRow(page, 'this process').getByText('this process').evaluate((e) => e.getBoundingClientRect().right <= 400));
  await lab.shot(page, 'top');
  await page.locator('#events').scrollIntoViewIfNeeded();
  await lab.shot(page, 'bottom');
  await lab.accessible(page);
}

async function makes_no_markup_of_anything(lab) {
  const server = await lab.server();
  const page = await lab.page(server, { at });
  const hostile = '<img src=x onerror="alert(1)"><script>alert(1)</script>';
  // A member that is overwritten puts it right; this one does not exist.
  const nobody = 'NOBODYNOBODYNOBO';
  for (const name of ['hostname', 'version', 'addr']) await server.put(`/ctl/node/${nobody}/${name}`, hostile);
  await server.put('/ctl/cal/-.-', '');
  await page.locator('#followers tbody tr', { hasText: nobody }).getByText('<img').first().waitFor();
  await memberRow(page, '-.-').waitFor();
  await page.locator('#events li', { hasText: 'joined' }).first().waitFor();
  assert.equal(await page.locator('table img, table script, #events img').count(), 0);
}

await run([
  shows_who_is_in_the_cluster, draws_what_is_written, shows_a_member_that_hangs_and_its_return,
  says_that_the_majority_is_lost, works_on_a_follower, counts_the_seconds_without_contact, asks_for_the_secret,
  is_reached_from_the_tree_and_with_the_keyboard, fits_a_small_screen_in_the_dark, makes_no_markup_of_anything,
]);
