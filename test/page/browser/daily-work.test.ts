import { readFile } from 'node:fs/promises'
import type { Page, WebSocketRoute } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encodeMessage } from '../../../protocol/frame.ts'
import { countColors, parseHex } from '../../stage/picture.ts'
import type { OpenedViewer } from '../../stage/start-server.ts'
import { BLOOD_CELLS, type BloodStage, drag, openBloodStage } from './blood-stage.ts'
import { answerAsks, said, says } from './page-stage.ts'

let stage: BloodStage
beforeAll(async () => {
  stage = await openBloodStage()
  await stage.context.grantPermissions(['clipboard-read', 'clipboard-write'])
})
afterEach(async () => {
  for (const page of stage.context.pages()) await page.close()
  expect(stage.errors.splice(0)).toEqual([])
})
afterAll(() => stage.stop())

const categories = (page: Page) => page.locator('.category .name').allTextContents()
/** By the legend. The button is there for the eye when it or its row has the focus. */
async function choose(page: Page, category: string, modifiers: ('Alt' | 'Control')[] = []): Promise<void> {
  const button = page.getByRole('button', { name: `Select ${category}` })
  await button.focus()
  await button.click({ modifiers })
}

/** The pointer over a cell, as `Platelets` lie where their name stands. @returns its place on the page */
async function pointAtACell(page: Page): Promise<[x: number, y: number]> {
  const box = await page.locator('.labels text', { hasText: 'Platelets' }).boundingBox()
  if (box === null) throw new Error('no name')
  for (let turn = 0; turn < 200; turn++) {
    const place: [number, number] = [
      box.x + box.width / 2 + turn * Math.cos(turn) * 0.2,
      box.y + box.height / 2 + turn * Math.sin(turn) * 0.2,
    ]
    await page.mouse.move(...place)
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
    if ((await page.locator('.tooltip').count()) > 0) return place
  }
  throw new Error('no cell near the name')
}

/** A finger on the page: down at the first point, through all others, up. */
async function swipe(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const [first, ...rest] = points.map(([x, y]) => [{ x, y }])
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: first ?? [] })
  for (const touchPoints of rest) await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints })
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
}

/** What is left in the browser of this page, by name. */
async function keptByBrowser(): Promise<string[]> {
  const databases = (await indexedDB.databases()).map(({ name }) => name ?? '')
  const cookies = document.cookie.split('; ').filter((cookie) => cookie !== '')
  return [
    ...Object.keys(localStorage),
    ...Object.keys(sessionStorage),
    ...databases,
    ...(await caches.keys()),
    ...cookies,
  ]
}

/** The latest state that the kernel heard of. */
const stateOf = ({ viewerId }: OpenedViewer) =>
  stage.server.kernel.heard
    .flatMap((call) => (call.method === 'viewer.state' && call.params.viewerId === viewerId ? [call.params.state] : []))
    .at(-1)

describe('finding', () => {
  test('a gene is found by its symbol or its id, called by its symbol, and offered again as a recent one', async () => {
    const { page } = await stage.show()
    const box = page.getByRole('combobox', { name: 'Colour by' })
    await box.fill('ensg00000167305')
    await page.getByRole('option', { name: /^CD3D/ }).waitFor()
    await page.keyboard.press('Enter')
    await says(page, 'color', 'CD3D')
    await box.fill('cell_type')
    await page.keyboard.press('Enter')
    await says(page, 'color', 'cell_type')
    await box.fill('')
    const recent = page.getByRole('group', { name: 'Recent' })
    await recent.getByRole('option', { name: 'CD3D' }).click()
    await says(page, 'color', 'CD3D')
  })
})

describe('the legend', () => {
  test('is sorted, searched, isolated and coloured anew, by keys too, and all of it is undone', async () => {
    const { page } = await stage.show()
    await page.getByRole('combobox', { name: 'Order' }).selectOption('by name')
    expect((await categories(page))[0]).toBe('CD14+ monocytes')
    await page.getByRole('combobox', { name: 'Order' }).selectOption('by count')
    const counts = (await page.locator('.category .count').allTextContents()).map((text) =>
      Number(text.replace(',', '')),
    )
    expect(counts).toEqual(counts.toSorted((a, b) => b - a))
    await page.getByRole('searchbox').fill('b cells')
    expect((await categories(page)).sort()).toEqual(['Memory B cells', 'Naive B cells'])
    await page.getByRole('button', { name: 'Only Naive B cells' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('cell_type: only Naive B cells').waitFor()
    await page.getByLabel('Colour of Naive B cells').fill('#112233')
    const color = () => page.getByLabel('Colour of Naive B cells').inputValue()
    await expect.poll(color).toBe('#112233')
    await page.getByRole('button', { name: 'Undo (Ctrl+Z)' }).click()
    await expect.poll(color).not.toBe('#112233')
    await page.getByRole('button', { name: 'Undo (Ctrl+Z)' }).click()
    await expect.poll(() => page.locator('.filters').count()).toBe(0)
    await page.getByRole('button', { name: 'Redo (Ctrl+Shift+Z)' }).click()
    await page.getByRole('button', { name: 'Remove filter: cell_type: only Naive B cells' }).click()
    await expect.poll(() => page.locator('.filters').count()).toBe(0)
  })

  test('of a gene is clipped, logarithmic, of another scale, and moved by keys', async () => {
    const { page } = await stage.show('CD3D')
    const bar = page.locator('.scale')
    const before = (await bar.getAttribute('aria-label')) ?? ''
    await page.getByRole('combobox', { name: 'Clip the scale' }).selectOption('clip 5 %')
    await expect.poll(() => bar.getAttribute('aria-label')).not.toBe(before)
    await page.getByRole('combobox', { name: 'Clip the scale' }).selectOption('no clip')
    await expect.poll(() => bar.getAttribute('aria-label')).toBe(before)
    await page.getByRole('combobox', { name: 'Clip the scale' }).selectOption('clip 2 %')
    expect(await page.getByRole('combobox', { name: 'Clip the scale' }).inputValue()).toBe('clip 2 %')
    await page.getByRole('combobox', { name: 'Clip the scale' }).selectOption('no clip')
    for (const name of ['plasma', 'blues', 'greens', 'cividis']) {
      await page.getByRole('combobox', { name: 'Colour scale' }).selectOption(name)
      await expect.poll(() => bar.getAttribute('aria-label')).toContain(name)
    }
    await page.getByRole('checkbox', { name: 'log' }).check()
    await expect.poll(() => bar.getAttribute('aria-label')).toContain('logarithmic')
    await page.getByRole('slider', { name: 'Scale’s high end' }).focus()
    await page.keyboard.press('PageDown')
    await page.getByRole('combobox', { name: 'Clip the scale' }).getByText('own ends').waitFor({ state: 'attached' })
  })

  test('a histogram is brushed to a range, and the boxes below do the same for keys', async () => {
    const { page } = await stage.show('CD3D')
    const box = await page.locator('.histogram').boundingBox()
    if (box === null) throw new Error('no histogram')
    const y = box.y + box.height / 2
    await drag(page, [
      [box.x + box.width / 2, y],
      [box.x + box.width - 20, y],
      [box.x + box.width - 1, y],
    ])
    await page
      .locator('.filters')
      .getByText(/CD3D · X: /)
      .waitFor()
    await page.getByLabel('Show values from').fill('4')
    await page.keyboard.press('Enter')
    await page
      .locator('.filters')
      .getByText(/CD3D · X: 4 to/)
      .waitFor()
    await page.getByRole('button', { name: 'Select what is shown' }).click()
    const shown = await page.locator('.filters strong').textContent()
    await says(page, 'selected', (shown ?? '').replace(',', ''))
  })
})

describe('selecting', () => {
  test('by rectangle, click and legend, added, taken away, cut and inverted; a group goes to the kernel', async () => {
    const { viewer, page } = await stage.show()
    await page.locator('canvas').focus()
    await page.keyboard.press('b')
    await drag(page, [
      [200, 150],
      [350, 300],
      [420, 400],
    ])
    await expect.poll(async () => Number(await said(page, 'selected'))).toBeGreaterThan(0)
    const first = stage.selected(viewer)
    await choose(page, 'NK cells', ['Control'])
    await expect.poll(() => stage.selected(viewer).length).toBeGreaterThan(first.length)
    const both = stage.selected(viewer)
    await choose(page, 'NK cells', ['Control', 'Alt'])
    await expect.poll(() => stage.selected(viewer).length).toBeLessThan(both.length)
    const killers = stage.selected(viewer)
    await page.getByRole('button', { name: 'Invert' }).click()
    await says(page, 'selected', String(BLOOD_CELLS - killers.length))
    await choose(page, 'NK cells')
    await says(page, 'selected', String(killers.length))
    await page.getByLabel('Name of the group').fill('killers')
    await page.keyboard.press('Enter')
    expect(await stage.cellSet(viewer, 'group/killers')).toEqual(killers)
    await choose(page, 'NK cells', ['Alt'])
    await says(page, 'selected', '0')
    await page.getByRole('button', { name: 'killers', exact: true }).click()
    await says(page, 'selected', String(killers.length))
    // Of each other type it holds none: the distribution within the selection stands in the legend.
    expect(await page.getByRole('button', { name: /^Naive B cells/ }).textContent()).toMatch(/0 \/ /)
  })
})

test('a cell is added by Ctrl and a click, and taken away by Alt and a click; a click alone looks', async () => {
  const { page } = await stage.show()
  const place = await pointAtACell(page)
  await page.keyboard.down('Control')
  await page.mouse.click(...place)
  await page.keyboard.up('Control')
  await says(page, 'selected', '1')
  await page.mouse.click(...place)
  await says(page, 'selected', '1')
  await page.keyboard.down('Alt')
  await page.mouse.click(...place)
  await page.keyboard.up('Alt')
  await says(page, 'selected', '0')
  await page.keyboard.press('?')
  await page.getByText('Alt + click takes it away').waitFor()
})

describe('looking closer', () => {
  test('violins, a dot plot of a pasted list and its missing gene, the table with the fields that were chosen', async () => {
    const { page } = await stage.show('CD3D')
    await page.getByRole('button', { name: 'A closer look' }).click()
    await expect.poll(() => page.locator('.violins figure').count()).toBe(19)
    await page.getByRole('button', { name: 'Dot plot' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Genes of the dot plot').fill('NKG7, PPBP NOGENE')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'NOGENE' }).waitFor()
    await expect.poll(() => page.locator('.dots thead th').allTextContents()).toEqual(['NKG7', 'PPBP'])
    const share = await page.locator('.dots td[title^="NKG7 in NK cells"]').getAttribute('title')
    expect(share).toMatch(/(100|9\d) % above 0, mean 2\.\d+/)
    await page.getByText('Size: cells with a value above 0').waitFor()
    await page.getByRole('button', { name: 'Table' }).click()
    await page.getByText('On hover and in the table').click()
    for (const name of ['donor', 'n_counts']) await page.getByRole('checkbox', { name }).check()
    await expect
      .poll(() => page.locator('.table thead th').allTextContents())
      .toEqual(['cell', 'CD3D · X', 'donor', 'n_counts'])
    expect(await page.locator('.table tbody tr').count()).toBeLessThan(60)
    await page.locator('.table').evaluate((table) => table.scrollTo(0, table.scrollHeight))
    await page.locator(`.table tr[aria-rowindex="${BLOOD_CELLS}"]`).waitFor()
    const center = await page.locator('canvas').boundingBox()
    const hover = async () => {
      for (let x = 60; x < (center?.width ?? 0); x += 12) {
        await page.mouse.move(x, 120)
        await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
        if ((await page.locator('.tooltip').count()) > 0) return page.locator('.tooltip').textContent()
      }
      return null
    }
    await expect.poll(hover).toMatch(/CD3D · X: .*donor: donor \d\d.*n_counts: /)
  })
})

describe('taking away', () => {
  test('a PNG of any scale, an SVG with its text, the cells as CSV, a picture in the clipboard', async () => {
    const { page } = await stage.show()
    await page.getByText('Save', { exact: true }).click()
    const saved = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name, exact: true }).click(),
      ])
      return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
    }
    const width = async () => (await saved('PNG')).bytes.readUInt32BE(16)
    await page.getByRole('combobox', { name: 'Size' }).selectOption('1 × the screen')
    const one = await width()
    await page.getByRole('combobox', { name: 'Size' }).selectOption('4 × the screen')
    expect(Math.abs((await width()) - 4 * one)).toBeLessThan(4)
    const svg = (await saved('SVG')).bytes.toString()
    expect(svg).toContain('>Blood</text>')
    expect(svg).toContain('>Plasmacytoid DC</text>')
    await page.getByRole('button', { name: 'Select Platelets' }).focus()
    await page.keyboard.press('Enter')
    const csv = await saved('CSV')
    expect(csv.name).toBe('Blood.csv')
    const lines = csv.bytes.toString().trimEnd().split('\r\n')
    expect(lines[0]).toBe('cell,cell_type')
    expect(lines).toHaveLength(1 + Number(await said(page, 'selected')))
    expect(lines.slice(1).every((line) => /^[ACGT]{16}-1,Platelets$/.test(line))).toBe(true)
    await page.getByRole('button', { name: 'Copy' }).click()
    // The page may write what it is told to, and read nothing: another one looks.
    const onlooker = await page.context().newPage()
    await onlooker.goto(new URL('_cellucid/health', page.url()).href)
    const copied = () => onlooker.evaluate(async () => (await navigator.clipboard.read())[0]?.types)
    await expect.poll(copied).toEqual(['image/png'])
  })

  test('where the browser gives no clipboard, as over plain http, none is offered', async () => {
    const { viewer } = await stage.show()
    const page = await stage.context.newPage()
    await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'clipboard'))
    await page.goto(viewer.url)
    await page.getByText('Save', { exact: true }).click()
    await page.getByRole('button', { name: 'CSV' }).waitFor()
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0)
  })
})

describe('manners', () => {
  test('nothing is lost on reload: settings, filters, groups, fields, what lies open below', async () => {
    const { viewer, page } = await stage.show()
    await page.getByText('Appearance').click()
    await page.getByRole('combobox', { name: 'Background' }).selectOption('dark')
    await page.getByRole('slider', { name: /^Point size/ }).focus()
    await page.keyboard.press('ArrowRight')
    const size = (await page.getByText(/^Point size: [\d.]+ px$/).textContent()) ?? ''
    await page.getByRole('button', { name: /^Platelets/ }).click()
    await page.getByRole('button', { name: 'Select NK cells' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Name of the group').fill('mine')
    await page.getByRole('button', { name: 'Keep' }).click()
    await page.getByText('On hover and in the table').click()
    await page.getByRole('checkbox', { name: 'donor' }).check()
    await page.getByRole('button', { name: 'A closer look' }).click()
    await page.getByRole('button', { name: 'Table' }).click()
    await expect.poll(() => stateOf(viewer)).toMatchObject({ page: { closerLook: { view: 'table' } } })
    const again = await stage.open(viewer.url)
    await says(again, 'theme', 'dark')
    await says(again, 'selected', (await said(page, 'selected')) ?? '')
    await again.getByRole('button', { name: 'mine', exact: true }).waitFor()
    await expect.poll(() => again.locator('.table thead th').allTextContents()).toEqual(['cell', 'cell_type', 'donor'])
    await again.getByRole('button', { name: /^Platelets/, pressed: false }).waitFor()
    await again.getByText('Appearance').click()
    await again.getByText(size, { exact: true }).waitFor()
    // Not by the browser, which keeps it for whoever uses this profile next.
    expect(await again.evaluate(keptByBrowser)).toEqual([])
  })

  test('the size of points goes on from what is drawn', async () => {
    const { page } = await stage.show()
    await page.getByText('Appearance').click()
    const color = parseHex(await page.getByLabel('Colour of Naive B cells').inputValue())
    const pixels = async () => (await countColors(page, await page.locator('canvas').screenshot(), [color]))[0] ?? 0
    const before = await pixels()
    await page.getByRole('slider', { name: /^Point size/ }).focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowLeft')
    await page.getByText(/^Point size: [\d.]+ px$/).waitFor()
    await expect.poll(async () => Math.abs((await pixels()) / before - 1)).toBeLessThan(0.15)
  })

  test('opacity is set by its slider, pales the cells, and is automatic again', async () => {
    const { viewer, page } = await stage.show()
    await page.getByText('Appearance').click()
    const slider = page.getByRole('slider', { name: /^Opacity/ })
    const full = parseHex(await page.getByLabel('Colour of Naive B cells').inputValue())
    const fullPixels = async () => (await countColors(page, await page.locator('canvas').screenshot(), [full]))[0]
    const before = (await fullPixels()) ?? 0
    expect(before).toBeGreaterThan(500)
    await slider.focus()
    for (let i = 0; i < 14; i++) await page.keyboard.press('ArrowLeft')
    const label = async () => (await page.locator('label', { hasText: 'Opacity' }).textContent())?.trim()
    await expect.poll(label).toBe('Opacity: 0.3')
    await expect.poll(() => stateOf(viewer)).toMatchObject({ page: { opacity: 0.3 } })
    await expect.poll(fullPixels).toBeLessThan(before * 0.8)
    await page.locator('.field', { hasText: 'Opacity' }).getByRole('button', { name: 'automatic' }).click()
    await expect.poll(label).toBe('Opacity: automatic')
    await expect.poll(fullPixels).toBe(before)
  })

  test('what is being read is said while it is on its way, and the old picture stays until then', async () => {
    const held = Promise.withResolvers<void>()
    const { page } = await stage.show(undefined, undefined, (prepared) =>
      answerAsks(prepared, async (path) => {
        if (/columns\/obs\?key=donor/.test(path)) await held.promise
        return null
      }),
    )
    await page.getByRole('combobox', { name: 'Colour by' }).fill('donor')
    await page.keyboard.press('Enter')
    const line = page.getByRole('status').filter({ hasText: 'Reading donor …' })
    await line.waitFor()
    expect(await said(page, 'color')).toBe('cell_type')
    held.resolve()
    await says(page, 'color', 'donor')
    await line.waitFor({ state: 'detached' })
  })

  test('how far the genes are sorted is said, with the percent, until it is done', async () => {
    const { url } = await stage.server.openViewer()
    const page = await stage.context.newPage()
    let stream = 1_000_000 // none that the server uses
    const toPage = Promise.withResolvers<WebSocketRoute>()
    await page.routeWebSocket(/_cellucid/, (route) => {
      route.connectToServer()
      toPage.resolve(route)
    })
    await page.goto(url)
    await says(page, 'ready', 'true')
    const route = await toPage.promise
    const tell = (done: number | null) => {
      const frames = encodeMessage({ kind: 'sorting', done, note: null }, new Uint8Array(), stream++)
      for (const frame of frames) route.send(Buffer.from(frame))
    }
    tell(0.374)
    await page.getByRole('status').filter({ hasText: 'Sorting genes for quick access: 37 %' }).waitFor()
    tell(null)
    await page.getByRole('status').filter({ hasText: 'Sorting genes' }).waitFor({ state: 'detached' })
  })

  test('where an embedding cannot be read, its list goes back to what is on screen', async () => {
    const no = { status: 500, body: { code: 'internal', message: 'A sentence.' } }
    const { page } = await stage.show(undefined, undefined, (prepared) =>
      answerAsks(prepared, async (path) => (/embedding\?key=X_pca/.test(path) ? no : null)),
    )
    const list = page.getByRole('combobox', { name: 'Embedding' })
    await list.selectOption('PCA')
    await page.getByRole('alert').waitFor()
    await expect.poll(() => list.inputValue()).toBe('UMAP')
  })

  test('where filters hide all cells, the empty picture says so and what to do', async () => {
    const { page } = await stage.show('phase')
    for (const category of await page.locator('.category').all()) await category.click()
    await page.getByRole('status').filter({ hasText: 'All cells are hidden: remove a filter' }).waitFor()
    await page.getByRole('button', { name: /^Remove filter/ }).click()
    await page.getByRole('status').filter({ hasText: 'All cells are hidden' }).waitFor({ state: 'detached' })
  })

  test('names follow their cells when the camera moves and when the picture becomes smaller', async () => {
    const { page } = await stage.show()
    const place = async () => {
      const label = page.locator('.labels text', { hasText: 'Platelets' })
      return [Math.round(Number(await label.getAttribute('x'))), Math.round(Number(await label.getAttribute('y')))]
    }
    const [x = 0, y = 0] = await place()
    await page.locator('canvas').focus()
    await page.keyboard.press('ArrowLeft')
    await expect.poll(place).toEqual([x + 40, y])
    await page.keyboard.press('r')
    await expect.poll(place).toEqual([x, y])
    await page.getByRole('button', { name: 'A closer look' }).click()
    await expect.poll(async () => (await place())[1]).toBeLessThan(y * 0.7)
  })

  test('in 3D arrows and drags turn the picture, and another embedding keeps the selection', async () => {
    const { viewer, page } = await stage.show('cell_type', 'X_umap_3d')
    await page.getByRole('button', { name: 'Select NK cells' }).focus()
    await page.keyboard.press('Enter')
    const selected = (await said(page, 'selected')) ?? ''
    await page.locator('canvas').focus()
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => stateOf(viewer)?.camera?.orbit).toBeDefined()
    const orbit = stateOf(viewer)?.camera?.orbit
    await drag(page, [
      [300, 200],
      [340, 220],
      [380, 240],
    ])
    await expect.poll(() => stateOf(viewer)?.camera?.orbit).not.toEqual(orbit)
    await page.getByRole('combobox', { name: 'Embedding' }).selectOption({ label: 'UMAP' })
    await stage.server.kernel.hear(
      'viewer.event',
      ({ viewerId, event }) => viewerId === viewer.viewerId && event.kind === 'embedding' && event.dimensions === 2,
    )
    await says(page, 'selected', selected)
  })

  test('two fingers zoom and one moves, once the picture was touched', async () => {
    const { viewer, page } = await stage.show()
    await page.locator('canvas').click({ position: { x: 15, y: 300 } })
    const session = await page.context().newCDPSession(page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: readonly (readonly [number, number])[]) =>
      session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) })
    await touch('touchStart', [
      [250, 250],
      [350, 250],
    ])
    await touch('touchMove', [
      [200, 250],
      [400, 250],
    ])
    await touch('touchMove', [
      [150, 250],
      [450, 250],
    ])
    await touch('touchEnd', [])
    await expect.poll(() => stateOf(viewer)?.camera?.zoom).toBeGreaterThan(2)
  })

  test('a finger scrolls the notebook until it has tapped the picture; it reads a cell, and draws with the lasso', async () => {
    const { page } = await stage.show()
    const x = async () => page.locator('.labels text', { hasText: 'Platelets' }).getAttribute('x')
    const [home, place] = [await x(), await pointAtACell(page)]
    await page.mouse.move(5, 300)
    await page.locator('.tooltip').waitFor({ state: 'detached' })
    const aside = [
      [300, 300],
      [350, 300],
      [400, 300],
    ] as const
    // As far as that, Chromium takes it for the way back to the page before, where it may.
    await swipe(
      page,
      [50, 300, 600, 850, 900].map((x) => [x, 300]),
    )
    await swipe(page, aside)
    expect(await x()).toBe(home)
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY')
    await swipe(page, [place])
    // Over whatever stands at the picture's border.
    await page.locator('.status ~ .tooltip', { hasText: 'cell_type: Platelets' }).waitFor()
    await swipe(page, aside)
    await expect.poll(x).not.toBe(home)
    await page.getByRole('button', { name: 'Lasso (L)' }).click()
    await swipe(page, [
      [20, 60],
      [600, 60],
      [600, 500],
      [20, 500],
    ])
    await expect.poll(async () => Number(await said(page, 'selected'))).toBeGreaterThan(1_000)
  })

  test('everything is reached by Tab', async () => {
    const { page } = await stage.show()
    await page.locator('canvas').focus()
    const seen: string[] = []
    for (let i = 0; i < 130; i++) {
      await page.keyboard.press('Tab')
      seen.push(
        await page.evaluate(
          () =>
            document.activeElement?.getAttribute('aria-label') ??
            (document.activeElement?.getAttribute('title') || document.activeElement?.textContent || ''),
        ),
      )
    }
    for (const name of ['Lasso (L)', 'Embedding', 'Find among 19 categories', 'Only HSPC', 'Save'])
      expect(seen).toContain(name)
  })

  test('a screen reader hears what is shown and what was selected', async () => {
    const { page } = await stage.show()
    await page.getByRole('button', { name: 'Select NK cells' }).focus()
    await page.keyboard.press('Enter')
    const count = Number(await said(page, 'selected')).toLocaleString('en')
    await page
      .locator('[aria-live="polite"]', { hasText: `3,000 cells, UMAP, coloured by cell_type, ${count} selected` })
      .waitFor({ state: 'attached' })
  })

  test('what the tools open is where Tab leads to from them', async () => {
    const { page } = await stage.show()
    await page.getByRole('button', { name: 'A closer look' }).press('Enter')
    await page.locator('.drawer').waitFor()
    for (let i = 0; i < 2; i++) await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Violins')
  })

  test('the table is scrolled by keys where Tab comes to it first', async () => {
    const { page } = await stage.show()
    await page.getByRole('button', { name: 'A closer look' }).click()
    await page.getByRole('button', { name: 'Table' }).click()
    await page.locator('.drawer').getByRole('button', { name: 'Close' }).focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('PageDown')
    await expect.poll(() => page.locator('.table').evaluate((table) => table.scrollTop)).toBeGreaterThan(20)
  })

  test('by keys alone a category is added to the selection, taken away, and what is in both is kept', async () => {
    const { page } = await stage.show()
    const press = (name: string, key: string) => page.getByRole('button', { name: `Select ${name}` }).press(key)
    await press('NK cells', 'Enter')
    await says(page, 'selected', '273')
    await press('Platelets', 'Control+Enter')
    await says(page, 'selected', '327')
    await press('NK cells', 'Alt+Enter')
    await says(page, 'selected', '54')
    await press('NK cells', 'Control+Alt+Enter')
    await says(page, 'selected', '0')
  })

  test('a screen reader hears how many cells a filter hides, and which groups are kept', async () => {
    const { page } = await stage.show()
    await page.getByRole('button', { name: 'Select NK cells' }).press('Enter')
    await page.getByRole('button', { name: /^Platelets/ }).press('Enter')
    const hears = (text: string) =>
      page.locator('[aria-live="polite"]', { hasText: text }).waitFor({ state: 'attached', timeout: 10_000 })
    await hears('54 hidden, 273 selected')
    await page.getByLabel('Name of the group').fill('mine')
    await page.keyboard.press('Enter')
    await hears('273 selected, groups: mine')
  })

  test('when the picture moves under the pointer, no cell is named that is not there any more', async () => {
    const { page } = await stage.show()
    const place = await pointAtACell(page)
    await page.mouse.click(...place)
    for (const move of [() => page.mouse.wheel(0, -2_000), () => page.keyboard.press('ArrowLeft')]) {
      await page.keyboard.press('r')
      await page.mouse.move(place[0] + 1, place[1])
      await page.mouse.move(...place)
      await page.locator('.tooltip', { hasText: 'cell_type: Platelets' }).waitFor()
      const named = await page.locator('.tooltip strong').textContent()
      await move()
      await expect.poll(() => page.locator('.tooltip strong', { hasText: named ?? '' }).count()).toBe(0)
    }
  })
})
