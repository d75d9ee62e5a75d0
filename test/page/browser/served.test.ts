import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { filesOf, MADE_WITHIN_MS } from '../../server/sources/anndata-files.ts'
import { CommandLine } from '../../stage/command-line.ts'
import { quietBrowser } from '../../stage/quiet-browser.ts'
import { says } from './page-stage.ts'

const PICTURES = resolve(import.meta.dirname, '../../../dist/browser/served')

/** What a person at a terminal starts, in a browser. */
const tab = quietBrowser({ width: 900, height: 560 })
let data = ''

beforeAll(async () => {
  data = await filesOf('make_refused.py')
  mkdirSync(PICTURES, { recursive: true })
}, MADE_WITHIN_MS)

async function served(path: string): Promise<{ run: CommandLine; page: Page; link: string }> {
  const run = new CommandLine(['serve', path], { cwd: data })
  onTestFinished(() => run.stop())
  const { href } = await run.link()
  const page = await tab.context.newPage()
  await page.goto(href)
  return { run, page, link: href }
}

describe('a dataset served from the terminal', () => {
  test('stays as it was when its page is loaded again, and the address keeps no secret', async () => {
    const { page, link } = await served('good.h5ad')
    await says(page, 'ready', 'true')
    expect(page.url()).not.toContain('viewerToken')
    await page.getByRole('combobox', { name: 'Colour by' }).fill('leiden')
    await page.getByRole('option', { name: 'leiden' }).click()
    await says(page, 'color', 'leiden')
    await page.getByRole('button', { name: 'Select a' }).click()
    await says(page, 'selected', '6')
    // A second tab knows it too, so the server does.
    const second = await tab.context.newPage()
    await second.goto(link)
    await says(second, 'selected', '6')
    await second.close()
    // More often than there are keys for one viewer.
    for (let round = 0; round < 10; round++) {
      await page.reload()
      await says(page, 'ready', 'true')
    }
    await says(page, 'color', 'leiden')
    await says(page, 'selected', '6')
    expect(page.url()).not.toMatch(/viewerToken|[0-9a-f]{64}/)
    await page.screenshot({ path: join(PICTURES, 'viewer.png') })
  })

  test('says that its server is gone when the program was ended', async () => {
    const { run, page } = await served('good.h5ad')
    await says(page, 'ready', 'true')
    run.interrupt()
    await run.ended
    await page.getByText('The connection to the server is lost').waitFor()
    await page.screenshot({ path: join(PICTURES, 'ended.png') })
    tab.errors = tab.errors.filter((line) => !line.includes('ERR_CONNECTION_REFUSED'))
  })
})

describe('a folder of datasets served from the terminal', () => {
  test('is a list to choose from by keyboard or pointer, and back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cellucid-served-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (const name of ['donor-1.h5ad', 'donor-2.h5ad', '<b>10 & "more" – a long name of a dataset.h5ad']) {
      copyFileSync(join(data, 'good.h5ad'), join(folder, name))
    }
    writeFileSync(join(folder, 'broken.h5ad'), 'no')
    const { page, link } = await served(folder)
    expect(await page.title()).toBe('4 datasets · Cellucid')
    expect(await page.getByRole('listitem').allTextContents()).toEqual([
      '<b>10 & "more" – a long name of a dataset.h5ad',
      'broken.h5ad',
      'donor-1.h5ad',
      'donor-2.h5ad',
    ])
    await page.screenshot({ path: join(PICTURES, 'list.png') })
    await page.getByRole('link', { name: 'donor-2.h5ad' }).focus()
    await page.keyboard.press('Enter')
    await says(page, 'ready', 'true')
    expect(await page.title()).toContain('donor-2.h5ad')
    expect(page.url()).not.toContain('viewerToken')
    await page.goBack()
    expect(page.url()).toBe(link)
    await page.getByText('open', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'broken.h5ad' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('is not an HDF5 file')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.screenshot({ path: join(PICTURES, 'refused-dark.png') })
    tab.errors = tab.errors.filter((line) => !line.includes('422'))
  })
})
