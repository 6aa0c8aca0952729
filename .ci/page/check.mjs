// Opens the pages that the binary draws in headless Chromium, from disk, and holds them to what they promise: nothing is
// loaded and nothing complains, every case of the JSON is there with its figures, axe finds nothing serious in light and
// dark, the keyboard reaches all, nothing overflows, print shows what is folded, and hostile strings stay text.
//
// node check.mjs BINARY PROJECT OUT: pages and screenshots go into OUT.
import { chromium } from 'playwright-core';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { hostile, hostileRecords } from './hostile.mjs';

const [binary, project, out] = process.argv.slice(2).map((p) => resolve(p));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);

// Histories, and the pages drawn of them.

const lastresort = (dir, ...args) => {
  try {
    return execFileSync(binary, ['--policy', join(dir, 'policy.toml'), '--store', join(dir, 'history.db'), ...args], { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (e) {
    if (e.status === 4) return e.stdout; // a guard holds something back
    throw new Error(`lastresort ${args.join(' ')}: ${e.stderr}`);
  }
};

const at = '2026-11-02T02:00:00Z';
const night = (name, fill) => {
  const dir = join(out, name);
  mkdirSync(dir, { recursive: true });
  fill(dir);
  const draw = (file, ...args) => {
    lastresort(dir, ...args, '--html', join(dir, file));
    return { name: `${name} ${file}`, file: join(dir, file), json: JSON.parse(lastresort(dir, ...args, '--json')) };
  };
  return [
    { kind: 'review', ...draw('review.html', 'review', '--at', at) },
    { kind: 'backtest', ...draw('backtest.html', 'backtest', '--from', '2026-10-18', '--to', '2026-11-02') },
  ];
};
const pages = [
  ...night('demo', (dir) => {
    for (const f of ['records.jsonl', 'auth.log']) copyFileSync(join(project, 'testdata/demo', f), join(dir, f));
    const policy = readFileSync(join(project, 'testdata/demo/policy.toml'), 'utf8').replace('path = "', `path = "${dir}/`);
    writeFileSync(join(dir, 'policy.toml'), policy);
    lastresort(dir, 'import', join(dir, 'records.jsonl'));
    lastresort(dir, 'observe');
  }),
  ...night('hostile', (dir) => {
    writeFileSync(join(dir, 'policy.toml'), '[guard]\nnew_ranges = 1\n');
    writeFileSync(join(dir, 'records.jsonl'), hostileRecords().map((r) => JSON.stringify(r) + '\n').join(''));
    lastresort(dir, 'import', join(dir, 'records.jsonl'));
  }),
  ...night('empty', (dir) => {
    writeFileSync(join(dir, 'policy.toml'), '');
    writeFileSync(join(dir, 'records.jsonl'), '');
    lastresort(dir, 'import', join(dir, 'records.jsonl'));
  }),
];

// What a page says, by its elements' values.

const said = (page, prop) =>
  page.evaluate((prop) => {
    const value = (e) => e.getAttribute('value') ?? e.getAttribute('datetime') ?? e.textContent;
    return [...document.querySelectorAll(`[itemscope][itemprop="${prop}"]`)].map((item) => {
      const props = {};
      for (const e of item.querySelectorAll('[itemprop]'))
        if (e.parentElement.closest('[itemscope]') === item && !e.hasAttribute('itemscope')) (props[e.getAttribute('itemprop')] ??= []).push(value(e));
      return props;
    });
  }, prop);

const compare = (where, got, want) => {
  for (const [key, v] of Object.entries(want)) {
    const list = (Array.isArray(v) ? v : v === null ? [] : [v]).map(String);
    if (JSON.stringify(got?.[key]?.map((x) => (typeof v === 'number' ? String(Number(x)) : x)) ?? []) !== JSON.stringify(list))
      fail(where, `${key} is ${JSON.stringify(got?.[key])} on the page and ${JSON.stringify(v)} in the JSON`);
  }
};

async function figures(p, page) {
  if (p.kind === 'review') {
    const cases = await said(page, 'cases');
    if (cases.length !== p.json.cases.length) fail(p.name, `${cases.length} cases on the page and ${p.json.cases.length} in the JSON`);
    for (const c of p.json.cases)
      compare(`${p.name}: ${c.netblock}`, cases.find((x) => x.netblock[0] === c.netblock), {
        verdict: c.verdict, rule: c.rule, until: c.until, ranges: c.ranges, 'danger.per_day': c.danger.per_day, 'danger.level': c.danger.level,
        'loss.per_day': c.loss.per_day, approval: c.approval, spared: c.spared ?? [], protected: c.protected ?? [],
      });
    const guards = await said(page, 'guards');
    p.json.guards.forEach((g, i) => compare(`${p.name}: guard ${g.guard}`, guards[i], { guard: g.guard, value: g.value, limit: g.limit }));
    return;
  }
  const scores = await said(page, 'scores');
  if (scores.length !== p.json.scores.length) fail(p.name, `${scores.length} ways on the page and ${p.json.scores.length} in the JSON`);
  p.json.scores.forEach((s, i) =>
    compare(`${p.name}: ${s.name}`, scores[i], {
      name: s.name, 'stopped.two_way': s.stopped.two_way, 'stopped.honest': s.stopped.honest, 'through.two_way': s.through.two_way, ranges_mean: s.ranges_mean, ranges_most: s.ranges_most, changes_a_night: s.changes_a_night,
    }));
}

// What a person needs of it.

async function accessible(where, page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const v of found.violations)
    if (['serious', 'critical'].includes(v.impact)) fail(where, `axe: ${v.id}, ${v.impact}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

async function fits(where, page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) fail(where, `${over} pixels wider than the window`);
}

const openAll = (page, open) =>
  page.evaluate((open) => { for (const d of document.querySelectorAll('details')) d.open = open; }, open);

async function keyboard(p, page) {
  await openAll(page, false);
  const summaries = await page.locator('details:not(details details) > summary').count();
  const reached = new Set();
  for (let i = 0; i < 400 && reached.size < summaries; i++) {
    await page.keyboard.press('Tab');
    const n = await page.evaluate(() => [...document.querySelectorAll('details:not(details details) > summary')].indexOf(document.activeElement));
    if (n < 0 || reached.has(n)) continue;
    reached.add(n);
    await page.keyboard.press('Enter');
    if (!(await page.evaluate(() => document.activeElement.parentElement.open))) fail(p.name, `Enter doesn't open summary ${n}`);
    await page.keyboard.press('Enter');
  }
  if (reached.size !== summaries) fail(p.name, `the keyboard reaches ${reached.size} of ${summaries} that fold`);
  const links = page.locator('a[href^="#case-"]:visible');
  if ((await links.count()) > 0) {
    const to = (await links.first().getAttribute('href')).slice(1);
    await links.first().focus();
    await page.keyboard.press('Enter');
    if (!(await page.evaluate((id) => document.getElementById(id).checkVisibility(), to))) fail(p.name, `the link to ${to} doesn't open it`);
  }
}

async function print(p, page) {
  await openAll(page, false);
  await page.emulateMedia({ media: 'print' });
  const hidden = await page.evaluate(() => [...document.querySelectorAll('.dossier, .zoom figure, .nights table')].filter((e) => !(e.getBoundingClientRect().height > 0 && e.checkVisibility())).length);
  if (hidden > 0) fail(p.name, `${hidden} folded parts don't print`);
  await page.pdf({ path: p.file.replace(/html$/, 'pdf'), format: 'A4', margin: { top: '14mm', bottom: '14mm', left: '12mm', right: '12mm' } });
  await page.emulateMedia({ media: 'screen' });
}

async function plain(p, page) {
  const odd = await page.evaluate(() => ({
    elements: document.querySelectorAll('script, iframe, img, object, embed, link, form, base, foreignObject').length,
    handlers: [...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames().filter((n) => /^on|^style$|^src/.test(n))).length,
    links: [...document.querySelectorAll('[href]')].filter((e) => !e.getAttribute('href').startsWith('#')).length,
    pwned: window.pwned,
  }));
  for (const [what, n] of Object.entries(odd)) if (n) fail(p.name, `${n} ${what} that a page mustn't have`);
  if (!p.name.startsWith('hostile review')) return;
  const holders = (await said(page, 'cases')).map((c) => c.holder?.[0]);
  const text = (s) => s.replace(/[^\P{C}\n]|[\u2028\u2029]/gu, '\ufffd');
  for (const s of hostile) if (!holders.includes(text(s))) fail(p.name, `${JSON.stringify(s.slice(0, 40))} isn't there as text`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const looks = [['1280', 1280, 'light'], ['400', 400, 'light'], ['dark', 1280, 'dark']];
for (const p of pages) {
  const url = `file://${p.file}`;
  for (const [look, width, colorScheme] of p.name.startsWith('demo') || p.kind === 'review' ? looks : looks.slice(0, 1)) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    page.on('console', (m) => fail(p.name, `console: ${m.text()}`));
    page.on('pageerror', (e) => fail(p.name, `error: ${e}`));
    page.on('request', (r) => r.url().split('#')[0] !== url && fail(p.name, `request: ${r.url()}`));
    page.on('dialog', (d) => { fail(p.name, `dialog: ${d.message()}`); d.dismiss(); });
    await page.goto(url);
    await fits(`${p.name}, ${look}, folded`, page);
    await page.screenshot({ path: p.file.replace(/\.html$/, `-${look}.png`), fullPage: true });
    if (look === '1280') await accessible(`${p.name}, ${look}, folded`, page);
    await openAll(page, true);
    await fits(`${p.name}, ${look}, open`, page);
    if (p.name.startsWith('demo')) await page.screenshot({ path: p.file.replace(/\.html$/, `-${look}-open.png`), fullPage: true });
    await accessible(`${p.name}, ${look}, open`, page);
    if (look === '1280') {
      await figures(p, page);
      await plain(p, page);
      await keyboard(p, page);
      await print(p, page);
    }
    await context.close();
  }
}
await browser.close();
if (failures.length > 0) {
  console.error(failures.slice(0, 60).join('\n'));
  process.exit(1);
}
console.log(`${pages.length} pages, ${pages.reduce((n, p) => n + (p.json.cases?.length ?? 0), 0)} cases: as they should be`);
