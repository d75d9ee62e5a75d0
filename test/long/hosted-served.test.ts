import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { FrameLocator, Page } from 'playwright-core'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { namesOf } from '../../server/access/served-hosts.ts'
import { filesOf } from '../server/sources/anndata-files.ts'
import { CommandLine } from '../stage/command-line.ts'
import { type HostedSite, hostedSite, type SiteMode } from '../stage/hosted-site.ts'
import { quietBrowser } from '../stage/quiet-browser.ts'

const PICTURES = resolve(import.meta.dirname, '../../dist/e2e/hosted-served')

/** The hosted viewer started at a terminal, in a tab: a stand-in for its site and its page. */
const tab = quietBrowser({ width: 900, height: 600 })
let data = ''

beforeAll(async () => {
  data = await filesOf('make_refused.py')
  rmSync(PICTURES, { recursive: true, force: true })
  mkdirSync(PICTURES, { recursive: true })
})

type Served = { run: CommandLine; upstream: HostedSite; page: Page; hosted: FrameLocator; link: URL; place: string }

type How = { mode?: SiteMode; isTerminal?: boolean; flags?: readonly string[] }

async function serve(path: string, { mode = 'healthy', isTerminal = false, flags = [] }: How = {}): Promise<Served> {
  const upstream = await hostedSite('one', mode)
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-served-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const place = join(folder, 'hosted')
  const hostedFlags = ['--ui', 'hosted', '--web-source-url', upstream.url]
  const run = new CommandLine(['serve', path, ...hostedFlags, '--no-open', ...flags], {
    cwd: data,
    env: { CELLUCID_WEB_PROXY_CACHE_DIR: place },
    isTerminal,
  })
  onTestFinished(() => run.stop())
  const link = await run.link()
  const page = await tab.context.newPage()
  await page.goto(link.href)
  return { run, upstream, page, hosted: page.locator('iframe').contentFrame(), link, place }
}

async function drawn(hosted: FrameLocator, cells = 12): Promise<void> {
  await hosted.locator(`html[data-drawn="true"][data-cells="${cells}"]`).waitFor({ state: 'attached' })
}

/** Light and dark, as the system says. */
async function photograph(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.locator(`html[data-theme="${colorScheme}"]`).waitFor({ state: 'attached' })
    await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`) })
  }
}

test('a dataset is shown in the hosted page, also when it is loaded again, and the address keeps no secret', async () => {
  const { run, page, hosted, upstream } = await serve('good.h5ad')
  expect(run.output).toContain(`Shown by cellucid's hosted viewer, from ${upstream.url}.`)
  await drawn(hosted)
  await page.screenshot({ path: join(PICTURES, 'drawn.png') })
  expect(page.url()).not.toMatch(/viewerToken|[0-9a-f]{64}/)
  upstream.mode = 'gone'
  await page.reload()
  await drawn(hosted)
  run.interrupt()
  expect(await run.ended).toBe(0)
  tab.errors = tab.errors.filter((line) => !line.includes('ERR_CONNECTION_REFUSED'))
}, 60_000)

test('the hosted page saves its session to the disk of whoever looks, and loads it again', async () => {
  const { page, hosted } = await serve('good.h5ad')
  await drawn(hosted)
  const downloading = page.waitForEvent('download')
  await hosted.getByRole('button', { name: 'Save session' }).click()
  const file = await (await downloading).path()
  expect(readFileSync(file, 'utf8')).toMatch(/^CELLUCID_SESSION\n\w+$/)
  const kept = join(data, 'kept.cellucid-session')
  writeFileSync(kept, 'CELLUCID_SESSION\nas it was')
  await hosted.getByLabel('Load session').setInputFiles(kept)
  await hosted.locator('html[data-restored="as it was"]').waitFor({ state: 'attached' })
}, 60_000)

const outside = namesOf('0.0.0.0').find((name) => isIP(name) === 4)

test.runIf(outside !== undefined)(
  'other machines see it too, by the address that was printed',
  async () => {
    const { run, page, link } = await serve('good.h5ad', { flags: ['--host', '0.0.0.0'] })
    const there = new RegExp(`http://${outside?.replaceAll('.', '\\.')}:\\d+/\\S+`).exec(run.output)?.[0]
    expect(there?.split('?')[1]).toBe(link.search.slice(1))
    await page.goto(there ?? '')
    await drawn(page.locator('iframe').contentFrame())
    expect(new URL(page.url()).hostname).toBe(outside)
    // Of a plain address that is not this machine's own, Chromium says that it leaves this header out.
    tab.errors = tab.errors.filter((line) => !line.includes('Cross-Origin-Opener-Policy header has been ignored'))
  },
  60_000,
)

test('each of several datasets is shown in a hosted page of its own', async () => {
  const { page, hosted } = await serve('good.h5ad', { flags: [join(data, 'truncated.h5ad'), copyOf('good.h5ad')] })
  await page.getByRole('link', { name: 'copy.h5ad' }).click()
  await drawn(hosted)
  await page.goBack()
  await page.getByRole('link', { name: 'good.h5ad', exact: true }).click()
  await drawn(hosted)
}, 60_000)

function copyOf(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-served-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(join(data, name), join(folder, 'copy.h5ad'))
  return join(folder, 'copy.h5ad')
}

test('where the hosted page cannot be fetched the terminal warns, and the tab has every way out', async () => {
  const { run, page, hosted, upstream, place } = await serve('good.h5ad', { mode: 'gone' })
  const warned = await run.says(/^warning: The hosted viewer is not there: .*$/m)
  expect(warned).toContain(`${upstream.url} broke the connection`)
  expect(warned).toMatch(/embedded viewer at a click, or run this again without --ui\.$/)
  await page.getByRole('heading', { name: 'Viewer UI unavailable' }).waitFor()
  const said = (await page.locator('main').textContent()) ?? ''
  for (const part of [`${upstream.url} broke the connection`, place, 'the machine where cellucid-notebook runs']) {
    expect(said).toContain(part)
  }
  expect(said).not.toMatch(/kernel|notebook runs .* cell/)
  await photograph(page, 'unavailable')

  upstream.mode = 'slow'
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('progressbar', { name: 'Files fetched' }).waitFor()
  await page.getByText(/^[1-5] of [456] files/).waitFor()
  await photograph(page, 'fetching')
  await drawn(hosted)
}, 60_000)

test.each(['gone', 'stall at the end'] as const)(
  'the embedded viewer is a click away while the site is "%s", and stays when the tab is loaded again',
  async (mode) => {
    const { page, upstream } = await serve('good.h5ad', { mode: 'gone' })
    if (mode !== 'gone') {
      upstream.mode = mode
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByText('4 of 5 files').waitFor()
    }
    await page.getByRole('button', { name: 'Use the embedded viewer' }).click()
    await page.locator('html[data-ready="true"][data-cells="12"]').waitFor({ state: 'attached' })
    await page.screenshot({ path: join(PICTURES, `embedded-instead-of-${mode.replaceAll(' ', '-')}.png`) })
    await page.reload()
    await page.locator('html[data-ready="true"][data-cells="12"]').waitFor({ state: 'attached' })
  },
  60_000,
)

test.runIf(existsSync('/usr/bin/script'))(
  'a terminal shows how far fetching is',
  async () => {
    const { run, hosted } = await serve('good.h5ad', { mode: 'slow', isTerminal: true })
    expect(run.output).toMatch(/Fetching the hosted viewer from \S+: [1-5] of [456] files, \d/)
    await drawn(hosted)
  },
  60_000,
)
