// The page in a real browser: web.md and docs/web.md, The page.
//
//   node tests/web/page_test.mjs --doozerd=build/release/bin/doozerd --modules=build/browser \
//       --output=build/release/screenshots [--only=part of a name]
import assert from 'node:assert/strict';
import { certificateFlags, live, row, run, shownPaths, until } from './browser.mjs';

async function shows_what_there_is(lab) {
  const server = await lab.server();
  await server.put('/service/db/a', '10.0.0.7:5432');
  await server.put('/service/db/b', new Uint8Array([0, 255, 1]));
  await server.put('/service/empty', '');
  const page = await lab.page(server);
  assert.equal(await page.title(), '/ – Doozer');
  assert.equal(await row(page, '/service/db/a').locator('.body').textContent(), '10.0.0.7:5432');
  assert.match(await row(page, '/service/db/a').locator('.rev').textContent(), /^\(\d+\)$/);
  assert.equal(await row(page, '/service/db/b').locator('.body').textContent(), '3 bytes, not text');
  assert.equal(await row(page, '/service/empty').locator('.body').textContent(), 'empty');
  assert.ok((await page.locator('.row.directory').allTextContents()).includes('/service/db/'));
  await lab.shot(page, 'light');
  await lab.accessible(page);

  await page.locator('.row.directory', { hasText: '/service/db/' }).click();
  await live(page);
  assert.equal(new URL(page.url()).pathname, '/service/db/');
  assert.deepEqual(await shownPaths(page), ['/service/db/a', '/service/db/b']);
  assert.deepEqual(await page.locator('#crumbs a').allTextContents(), ['/', 'service', 'db']);
}

async function is_live(lab) {
  const server = await lab.server();
  await server.put('/d/b', 'one');
  const page = await lab.page(server, { at: '/d/' });
  await server.put('/d/b', 'two');
  await row(page, '/d/b').locator('.body', { hasText: 'two' }).waitFor();
  assert.ok(await row(page, '/d/b').evaluate((r) => r.classList.contains('flash')));
  await server.put('/d/a', 'new');
  await row(page, '/d/a').waitFor();
  assert.deepEqual(await shownPaths(page), ['/d/a', '/d/b']);
  await server.delete('/d/b');
  await row(page, '/d/b').waitFor({ state: 'detached' });
  await server.delete('/d/a');
  await page.getByText('There is no file below /d/ yet.').waitFor();
  await server.put('/d/c', 'again');
  await row(page, '/d/c').waitFor();
}

async function comes_back_when_the_server_does(lab) {
  const server = await lab.server();
  await server.put('/d/kept', 'before');
  await server.put('/d/lost', 'before');
  const page = await lab.page(server, { at: '/d/' });
  await server.stop();
  await page.locator('#state[data-state=lost]').waitFor();
  assert.match(await page.locator('#lost-text').textContent(), /^The connection is lost\. Trying again in \d+ s\.$/);
  assert.ok(await row(page, '/d/kept').isVisible(), 'what was known stays, in grey');
  await lab.shot(page, 'lost');
  await lab.accessible(page);

  const again = await lab.server({ web: server.web });
  await again.put('/d/kept', 'after');
  await page.locator('#try-now').click();
  await live(page);
  await row(page, '/d/kept').locator('.body', { hasText: 'after' }).waitFor();
  await row(page, '/d/lost').waitFor({ state: 'detached' });
  assert.ok(await page.locator('#lost').isHidden());
}

async function comes_back_by_itself(lab) {
  const server = await lab.server();
  const page = await lab.page(server, { at: '/d/' });
  await server.stop();
  await page.locator('#state[data-state=lost]').waitFor();
  await lab.server({ web: server.web });
  await live(page);
}

async function filters(lab) {
  const server = await lab.server();
  for (const name of ['/f/a/one', '/f/a/two', '/f/b/one', '/f/b/c/one']) await server.put(name, '');
  const page = await lab.page(server, { at: '/f/' });
  const filter = page.locator('#filter');
  const counted = (shown, all) => page.locator('#count', { hasText: new RegExp(`^${shown} of ${all} files$`) }).waitFor();
  const expect = async (text, paths) => {
    await filter.fill(text);
    // The count alone may be that of the filter before.
    await until(`${paths} shown`, async () => String(await shownPaths(page)) === String(paths));
    await counted(paths.length, 4);
  };
  await expect('/f/*/one', ['/f/a/one', '/f/b/one']);
  await expect('/f/b/**', ['/f/b/one', '/f/b/c/one']);
  await expect('TWO', ['/f/a/two']);
  await expect('/f/?/two', ['/f/a/two']);
  await server.put('/f/a/two-more', '');
  await counted(1, 5);
  assert.deepEqual(await shownPaths(page), ['/f/a/two'], 'what comes is filtered, too');
  await filter.fill('nothing like it');
  await page.getByText('No file matches the filter.').waitFor();
  await filter.fill('/f/a/*');
  await page.waitForURL((url) => url.searchParams.get('filter') === '/f/a/*');
  await page.reload();
  await live(page);
  assert.equal(await filter.inputValue(), '/f/a/*');
  assert.deepEqual(await shownPaths(page), ['/f/a/one', '/f/a/two', '/f/a/two-more']);
}

async function shows_values_in_several_forms(lab) {
  const server = await lab.server();
  await server.put('/v/json', '{"b":[1,2],"a":null}');
  await server.put('/v/long', ' {"id":12345678901234567890, "id":1.10, "e":[], "s":"\\"{"}');
  await server.put('/v/text', 'plain {text}\nin lines');
  await server.put('/v/binary', new Uint8Array([0x64, 0x00, 0xff]));
  await server.put('/v/json', '{"b":[1,2,3]}');
  const page = await lab.page(server, { at: '/v/', permissions: ['clipboard-read', 'clipboard-write'] });
  await row(page, '/v/json').click();
  const value = page.locator('#value');
  await value.waitFor();
  assert.equal(await value.textContent(), '{\n  "b": [\n    1,\n    2,\n    3\n  ]\n}');
  await page.getByRole('button', { name: 'Text', exact: true }).click();
  assert.equal(await value.textContent(), '{"b":[1,2,3]}');
  await page.getByRole('button', { name: 'Hex' }).click();
  assert.match(await value.textContent(), /^000000 {2}7b 22 62 22 3a 5b 31 2c {2}32 2c 33 5d 7d .*\{"b":\[1,2,3\]\}$/);
  assert.equal(await page.locator('.history li').count(), 2);
  await lab.accessible(page);
  await lab.shot(page, 'hex');
  await page.locator('#copy-path').click();
  await page.getByText('Copied').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '/v/json');

  await row(page, '/v/long').click();
  await page.locator('#details-path', { hasText: '/v/long' }).waitFor();
  await page.getByRole('button', { name: 'JSON' }).click();
  assert.equal(await value.textContent(), '{\n  "id": 12345678901234567890,\n  "id": 1.10,\n  "e": [],\n  "s": "\\"{"\n}');

  await row(page, '/v/text').click();
  await page.locator('#details-path', { hasText: '/v/text' }).waitFor();
  assert.equal(await value.textContent(), 'plain {text}\nin lines');
  assert.equal(await page.getByRole('button', { name: 'JSON' }).count(), 0);
  await row(page, '/v/binary').click();
  await page.locator('#value', { hasText: '64 00 ff' }).waitFor();
  assert.ok(await page.locator('#edit').isDisabled());

  await server.put('/v/binary', 'text now');
  await page.locator('#value', { hasText: 'text now' }).waitFor();
  await server.delete('/v/binary');
  await page.getByText('This file does not exist any more.').waitFor();
  assert.equal(await page.locator('.history .gone').count(), 1);
}

async function copies_a_path_where_there_is_no_clipboard(lab) {
  const server = await lab.server();
  const page = await lab.page(server, { at: null });
  // As it is for a page that comes over HTTP from another machine.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto(server.url);
  await row(page, '/ctl/name').click();
  await page.locator('#copy-path').click();
  await page.getByText('Copied').waitFor();
  await page.locator('#filter').focus();
  await page.keyboard.press('Control+V');
  assert.equal(await page.locator('#filter').inputValue(), '/ctl/name');
}

async function is_used_with_the_keyboard_alone(lab) {
  const server = await lab.server();
  for (const name of ['a', 'b', 'c']) await server.put(`/k/${name}`, `value of ${name}`);
  const page = await lab.page(server, { at: '/k/' });
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'filter');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'tree');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator('.row.selected').getAttribute('data-path'), '/k/b');
  assert.equal(await page.locator('.row.selected').getAttribute('id'),
    await page.locator('#tree').getAttribute('aria-activedescendant'));
  await page.keyboard.press('Enter');
  await page.locator('#value', { hasText: 'value of b' }).waitFor();
  await page.keyboard.press('End');
  await page.locator('#value', { hasText: 'value of c' }).waitFor();
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#details').isHidden());
  assert.equal(await page.evaluate(() => document.activeElement.id), 'tree');
}

async function writes(lab) {
  const server = await lab.server();
  const page = await lab.page(server, { at: '/w/' });
  await page.locator('#new-file').click();
  assert.equal(await page.locator('#new-path').inputValue(), '/w/');
  await page.locator('#new-path').fill('/w/config');
  await page.locator('#new-value').fill('workers = 8');
  await lab.accessible(page);
  await lab.shot(page, 'new');
  await page.getByRole('button', { name: 'Create' }).click();
  await row(page, '/w/config').click();
  await page.locator('#edit').click();
  await page.locator('#editor').fill('workers = 16');
  await lab.accessible(page);
  await page.locator('#save').click();
  await page.locator('#value', { hasText: 'workers = 16' }).waitFor();
  assert.equal((await server.get('/w/config')).value, 'workers = 16');

  await page.locator('#new-file').click();
  await page.locator('#new-path').fill('/w/config');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Conflict: there is a file of this name already.').waitFor();
  await page.locator('#new-path').fill('/w/not_a_path');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('A path is made of names').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();

  await page.locator('#delete').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await row(page, '/w/config').waitFor({ state: 'detached' });
  assert.equal((await server.get('/w/config')).error, 'NOENT');
}

async function changes_no_line_ends(lab) {
  const server = await lab.server();
  await server.put('/w/dos', 'one\r\ntwo\r\n');
  await server.put('/w/mixed', 'one\r\ntwo\n');
  const page = await lab.page(server, { at: '/w/' });
  await row(page, '/w/dos').click();
  await page.locator('#edit').click();
  await page.locator('#editor').press('Control+End');
  await page.locator('#editor').pressSequentially('three\n');
  await page.locator('#save').click();
  await page.locator('#value', { hasText: 'three' }).waitFor();
  assert.equal((await server.get('/w/dos')).value, 'one\r\ntwo\r\nthree\r\n');

  await row(page, '/w/mixed').click();
  await page.locator('#details-path', { hasText: '/w/mixed' }).waitFor();
  assert.ok(await page.locator('#edit').isDisabled());
  assert.match(await page.locator('#edit').getAttribute('title'), /lines/);
}

async function says_when_nobody_answers(lab) {
  const server = await lab.server();
  await server.put('/w/f', 'first');
  const page = await lab.page(server, { at: '/w/' });
  await row(page, '/w/f').click();
  await page.locator('#edit').click();
  await page.locator('#editor').fill('mine');
  await server.stop();
  await page.locator('#save').click();
  await page.getByText('The server does not answer. The change may have been made, and it may not.').waitFor();
  assert.equal(await page.locator('#editor').inputValue(), 'mine');
}

async function shows_a_conflict_as_one(lab) {
  const server = await lab.server();
  await server.put('/w/f', 'first');
  const page = await lab.page(server, { at: '/w/' });
  await row(page, '/w/f').click();
  await page.locator('#edit').click();
  await page.locator('#editor').fill('mine');
  await server.put('/w/f', 'theirs');
  await page.getByText('Somebody else has changed this file meanwhile.').waitFor();
  await page.locator('#save').click();
  const conflict = page.locator('#conflict');
  await conflict.waitFor();
  assert.match(await conflict.textContent(), /Conflict: .*Your change was not made\..*theirs/);
  assert.equal((await server.get('/w/f')).value, 'theirs');
  await lab.shot(page, 'conflict');
  await lab.accessible(page);
  await page.getByRole('button', { name: 'Replace it with mine' }).click();
  await page.locator('#value', { hasText: 'mine' }).waitFor();
  assert.equal((await server.get('/w/f')).value, 'mine');

  await page.locator('#delete').click();
  await server.put('/w/f', 'newer');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Conflict: the file has been changed meanwhile. It was not deleted.').waitFor();
  assert.equal((await server.get('/w/f')).value, 'newer');
}

async function keeps_what_was_typed(lab) {
  const server = await lab.server();
  for (const name of ['f', 'g']) await server.put(`/w/${name}`, `first ${name}`);
  const page = await lab.page(server, { at: '/w/' });
  const editor = page.locator('#editor');
  const drafts = page.locator('#drafts');
  const write = async (name, text) => {
    await row(page, `/w/${name}`).click();
    await page.locator('#value', { hasText: `first ${name}` }).waitFor();
    await page.locator('#edit').click();
    await editor.fill(text);
  };
  await write('f', 'mine, unsaved');
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#details').isHidden());
  await drafts.getByRole('button', { name: '/w/f' }).waitFor();
  await lab.shot(page, 'draft');
  await lab.accessible(page);

  await write('g', 'mine, too');
  await row(page, '/w/f').click();
  assert.deepEqual(await drafts.getByRole('button').allTextContents(), ['/w/f', '/w/g']);
  await page.locator('#resume').click();
  assert.equal(await editor.inputValue(), 'mine, unsaved');
  await server.put('/w/f', 'theirs');
  await page.locator('#save').click();
  await page.locator('#conflict').waitFor();  // the draft is of the revision that it was begun with
  await page.getByRole('button', { name: 'Replace it with mine' }).click();
  await page.locator('#value', { hasText: 'mine, unsaved' }).waitFor();
  assert.equal((await server.get('/w/f')).value, 'mine, unsaved');

  await drafts.getByRole('button', { name: '/w/g' }).click();
  assert.equal(await editor.inputValue(), 'mine, too');
  await page.locator('#details').getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await editor.inputValue(), 'mine, too', 'it asks before it throws an edit away');
  await page.locator('#details').getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await page.locator('#value', { hasText: 'first g' }).waitFor();
  assert.ok(await drafts.isHidden());

  await page.locator('#new-file').click();
  await page.locator('#new-path').fill('/w/new');
  await page.locator('#new-value').fill('typed');
  await page.keyboard.press('Escape');
  await page.locator('#dialog').waitFor({ state: 'hidden' });
  await page.locator('#new-file').click();
  assert.equal(await page.locator('#new-path').inputValue(), '/w/new');
  assert.equal(await page.locator('#new-value').inputValue(), 'typed');
  await page.getByRole('button', { name: 'Create' }).click();
  await row(page, '/w/new').waitFor();
  await page.locator('#new-file').click();
  assert.equal(await page.locator('#new-path').inputValue(), '/w/');
}

async function says_when_the_majority_is_lost(lab) {
  const servers = await lab.cluster(3);
  const page = await lab.page(servers[0]);
  await row(page, '/ctl/name').click();
  await page.locator('#edit').waitFor();
  for (const server of servers.slice(1)) server.freeze();
  await page.locator('#state[data-state=stuck]').waitFor();
  assert.equal(await page.locator('#state').textContent(), 'No majority');
  assert.match(await page.locator('#stuck').textContent(), /^This process hears no majority of the members\./);
  await page.locator('#new-file:disabled').waitFor();
  await page.locator('#delete:disabled').waitFor();
  await lab.shot(page, 'stuck');
  await lab.accessible(page);
  for (const server of servers.slice(1)) server.wake();
  await live(page);
  await page.locator('#edit:enabled').waitFor();
  assert.ok(await page.locator('#stuck').isHidden());
}

async function offers_a_reader_nothing_but_reading(lab) {
  const server = await lab.server({ env: { DOOZER_RWSECRET: 'write', DOOZER_ROSECRET: 'read' } });
  const reader = await lab.page(server, { httpCredentials: { username: '', password: 'read' } });
  await reader.locator('#read-only', { hasText: 'The secret you gave is for reading only' }).waitFor();
  assert.ok(await reader.locator('#new-file').isDisabled());
  await row(reader, '/ctl/name').click();
  for (const id of ['#edit', '#delete']) {
    await reader.locator(`${id}:disabled`).waitFor();
    assert.match(await reader.locator(id).getAttribute('title'), /for reading only/);
  }
  await lab.accessible(reader);
  const writer = await lab.page(server, { httpCredentials: { username: '', password: 'write' } });
  await row(writer, '/ctl/name').click();
  await writer.locator('#edit:enabled').waitFor();
  assert.ok(await writer.locator('#read-only').isHidden());
}

async function offers_no_writing_where_there_is_none(lab) {
  const server = await lab.server({ flags: [] });
  const page = await lab.page(server);
  await row(page, '/ctl/name').click();
  await page.locator('#value', { hasText: 'local' }).waitFor();
  for (const id of ['#edit', '#delete', '#new-file']) assert.equal(await page.locator(`${id}:visible`).count(), 0);
}

async function asks_for_the_secret(lab) {
  const env = { DOOZER_RWSECRET: 'write', DOOZER_ROSECRET: 'read' };
  const server = await lab.server({ env });
  const stranger = await lab.page(server, { at: null });
  const answer = await stranger.goto(server.url).catch(() => null);
  // A browser without anybody to ask shows the refusal, or gives up.
  if (answer !== null) assert.equal(answer.status(), 401);

  const reader = await lab.page(server, { httpCredentials: { username: '', password: 'read' } });
  await row(reader, '/ctl/name').waitFor();
  const writer = await lab.page(server, { httpCredentials: { username: 'me', password: 'write' } });
  await writer.locator('#new-file').click();
  await writer.locator('#new-path').fill('/by/writer');
  await writer.getByRole('button', { name: 'Create' }).click();
  await row(reader, '/by/writer').waitFor();
}

async function is_served_over_https(lab) {
  const server = await lab.server({ flags: ['-webwrite', ...certificateFlags()] });
  const page = await lab.page(server, { ignoreHTTPSErrors: true });
  await page.locator('#new-file').click();
  await page.locator('#new-path').fill('/over/https');
  await page.getByRole('button', { name: 'Create' }).click();
  await row(page, '/over/https').waitFor();
  await page.goto(`${server.url}/$cluster`);
  await page.locator('#state:not([data-state=connecting])').waitFor();
}

async function makes_no_markup_of_anything(lab) {
  const server = await lab.server();
  const values = [
    '<img src=x onerror="alert(1)">', '<script>alert(1)</script>', '"><svg onload=alert(1)>', "javascript:alert('1')",
    '{"a":"</pre><script>alert(1)</script>"}', '\u202e\u0000\u001b[31m', '${alert(1)} {{7*7}}', '&lt;b&gt;',
  ];
  // Every kind of name that the rules for paths allow.
  const names = ['/.', '/..', '/...', '/-', '/--', '/0', '/constructor', '/__proto__'.replaceAll('_', '-'), '/toString',
    '/a.b-c', '/a/../b', '/a/./b', '/c/.', `/${'x'.repeat(255)}`, '/A', '/con.html', '/v1/file'];
  for (const [i, name] of names.entries()) await server.put(`/h${name}`, values[i % values.length]);
  const page = await lab.page(server, { at: '/h/' });
  assert.deepEqual(new Set(await shownPaths(page)), new Set(names.map((name) => `/h${name}`)));
  for (const [i, name] of names.entries()) {
    await row(page, `/h${name}`).click();
    await page.locator('#details-path').filter({ hasText: `/h${name}` }).waitFor();
    await page.getByRole('button', { name: 'Text', exact: true }).click();
    const shown = await page.locator('#value').textContent();
    assert.equal(shown, values[i % values.length], name);
  }
  assert.equal(await page.locator('#value *, .row .body *').count(), 0);
  await lab.shot(page, 'hostile');
}

async function carries_ten_thousand_files(lab) {
  const server = await lab.server();
  const puts = Array.from({ length: 10000 }, (_, i) => `/many/${String(i % 100).padStart(2, '0')}/${String(i).padStart(5, '0')}`);
  while (puts.length > 0) await Promise.all(puts.splice(0, 200).map((name) => server.put(name, `value of ${name}`)));
  const page = await lab.page(server, { at: null });
  const began = Date.now();
  await page.goto(`${server.url}/many/`);
  await live(page);
  await page.locator('#count', { hasText: '10,000 files' }).waitFor();
  await page.locator('.row.file').first().waitFor();
  console.log(`       10,000 files are there after ${Date.now() - began} ms`);
  assert.ok((await page.locator('.row').count()) < 100, 'only what is on the screen is drawn');
  await page.locator('#tree').focus();
  await page.keyboard.press('End');
  await row(page, '/many/99/09999').waitFor();
  await server.put('/many/99/99999', 'the last of all');
  await page.keyboard.press('End');
  await row(page, '/many/99/99999').waitFor();
  // No frame of scrolling through everything takes long.
  const slowest = await page.evaluate(async () => {
    const view = document.getElementById('tree');
    let longest = 0;
    let last = performance.now();
    for (let i = 0; i < 60; i++) {
      view.scrollTop = (view.scrollHeight * i) / 60;
      await new Promise((next) => requestAnimationFrame(next));
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
    return longest;
  });
  console.log(`       the longest frame of scrolling took ${slowest.toFixed(0)} ms`);
  assert.ok(slowest < 500);
}

async function fits_a_small_screen_in_the_dark(lab) {
  const server = await lab.server();
  await server.put(`/s/${'long-name-'.repeat(12)}`, 'a value that is longer than a line of such a screen is wide');
  const page = await lab.page(server, { viewport: { width: 400, height: 800 }, colorScheme: 'dark' });
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= 400);
  assert.ok(await fits());
  await lab.shot(page, 'list');
  await lab.accessible(page);
  await row(page, '/ctl/name').click();
  await page.locator('#value').waitFor();
  assert.ok(await fits());
  await lab.shot(page, 'file');
  await lab.accessible(page);
  await page.getByRole('button', { name: 'Close' }).click();
  assert.ok(await page.locator('#tree').isVisible());
}

await run([
  shows_what_there_is, is_live, comes_back_when_the_server_does, comes_back_by_itself, filters,
  shows_values_in_several_forms, copies_a_path_where_there_is_no_clipboard,
  is_used_with_the_keyboard_alone, writes, changes_no_line_ends, says_when_nobody_answers, shows_a_conflict_as_one,
  keeps_what_was_typed, says_when_the_majority_is_lost, offers_a_reader_nothing_but_reading,
  offers_no_writing_where_there_is_none, asks_for_the_secret, is_served_over_https, makes_no_markup_of_anything,
  carries_ten_thousand_files, fits_a_small_screen_in_the_dark,
]);
