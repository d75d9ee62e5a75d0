import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type CellsHead, decodeCells, encodeCells } from '../../../protocol/cells.ts'
import type { Command } from '../../../protocol/commands.ts'
import { type PageState, SELECTION } from '../../../protocol/state.ts'
import { filesOf } from '../../server/sources/anndata-files.ts'
import type { Heard } from '../../stage/kernel-end.ts'
import type { OpenedViewer } from '../../stage/start-server.ts'
import { openPageStage, type PageStage, said, says, showInHost } from './page-stage.ts'

const CELLS = 700
let stage: PageStage
beforeAll(async () => {
  stage = await openPageStage()
})
afterEach(async () => {
  for (const page of stage.context.pages()) await page.close()
  expect(stage.errors.splice(0)).toEqual([])
})
afterAll(() => stage.stop())

/** A new viewer over the small dataset, and its page. */
async function openViewer(color: string | null = 'cluster'): Promise<{ viewer: OpenedViewer; page: Page }> {
  const options = { name: 'small', color, embedding: null, geneSymbols: null, matrix: null }
  const viewer = await stage.server.openViewer({ options })
  const page = await stage.open(viewer.url)
  if (color !== null) await says(page, 'color', color) // on a busy machine it comes after the picture
  return { viewer, page }
}

/** Send a command and wait for its answer. */
async function command({ viewerId }: OpenedViewer, seq: number, body: Command, cells?: Uint8Array) {
  stage.server.kernel.notify('viewer.command', { viewerId, seq, command: body }, cells)
  const { params } = await stage.server.kernel.hear('viewer.ack', (ack) => ack.viewerId === viewerId && ack.seq === seq)
  return { ok: params.ok, reason: params.reason }
}

/** The n-th selection that the kernel heard of. */
async function selection({ viewerId }: OpenedViewer, nth = 0): Promise<Uint32Array> {
  const isOurs = (call: Heard) =>
    call.method === 'viewer.event' && call.params.viewerId === viewerId && call.params.event.kind === 'selection'
  await expect.poll(() => stage.server.kernel.heard.filter(isOurs).length).toBeGreaterThan(nth)
  const call = stage.server.kernel.heard.filter(isOurs)[nth]
  if (call?.method !== 'viewer.event' || call.params.event.kind !== 'selection') throw new Error('no selection')
  return decodeCells(call.params.event.cells, call.body)
}

/** Drag a lasso around the canvas's middle. @param reach share of half the canvas, 1 for all of it */
async function lasso(page: Page, reach: number, modifier?: 'Alt' | 'Control'): Promise<void> {
  const box = await page.locator('canvas').boundingBox()
  if (box === null) throw new Error('the canvas has no size')
  const at = (step: number): [number, number] => {
    const angle = (step / 20) * 2 * Math.PI
    return [
      box.x + box.width * (0.5 + 0.49 * reach * Math.cos(angle)),
      box.y + box.height * (0.5 + 0.49 * reach * Math.sin(angle)),
    ]
  }
  await page.keyboard.down('Shift')
  if (modifier !== undefined) await page.keyboard.down(modifier)
  await page.mouse.move(...at(0))
  await page.mouse.down()
  for (let step = 1; step <= 20; step++) await page.mouse.move(...at(step))
  await page.mouse.up()
  if (modifier !== undefined) await page.keyboard.up(modifier)
  await page.keyboard.up('Shift')
}

describe('the first picture', () => {
  test('stands, the kernel hears of it, and the address keeps no secret', async () => {
    const { viewer, page } = await openViewer()
    const { params } = await stage.server.kernel.hear(
      'viewer.event',
      ({ viewerId, event }) => viewerId === viewer.viewerId && event.kind === 'ready',
    )
    expect(params.event).toEqual({ kind: 'ready', nCells: CELLS, dimensions: 2 })
    expect(await said(page, 'cells')).toBe(String(CELLS))
    expect(page.url()).toBe(`${stage.server.base}?jupyter=true&viewerId=${viewer.viewerId}`)
    expect(await page.content()).not.toContain(viewer.viewerToken)
  })

  test('says what is in the way where the address opens nothing', async () => {
    const { viewer } = await openViewer()
    const nameless = await stage.context.newPage()
    await nameless.goto(viewer.url.replace(/[&#]viewerToken=.*/, ''))
    await nameless.getByRole('alert').filter({ hasText: 'Open viewer.viewer_url from the notebook' }).waitFor()
    const other = await stage.context.newPage()
    await other.goto(viewer.url.replace(viewer.viewerToken, 'f'.repeat(64)))
    await other.getByRole('alert').filter({ hasText: 'Run the cell or the command again' }).waitFor()
  })

  test('is the one that was left, in a second page', async () => {
    const { viewer, page } = await openViewer()
    await lasso(page, 0.6)
    const cells = await selection(viewer)
    await page.getByRole('button', { name: /^NK/ }).click()
    await command(viewer, 1, { kind: 'setColorBy', field: 'cluster' })
    const second = await stage.open(viewer.url)
    await says(second, 'selected', String(cells.length))
    await says(second, 'color', 'cluster')
    await second.getByRole('button', { name: /^NK/, pressed: false }).waitFor()
  })
})

describe('by keyboard alone', () => {
  test('a gene is found, shown, and explained by its scale', async () => {
    const { page } = await openViewer()
    await page.locator('canvas').focus()
    await page.keyboard.press('/')
    await page.keyboard.type('cd3d')
    await page.keyboard.press('Enter')
    await says(page, 'color', 'CD3D')
    await page.getByRole('img', { name: 'From 0 to 690, viridis' }).waitFor()
  })

  test('arrows walk through fields and genes, Escape leaves the list and the box', async () => {
    const { page } = await openViewer()
    const box = page.getByRole('combobox', { name: 'Colour by' })
    await box.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await box.getAttribute('aria-activedescendant')).toBe(
      await page.getByRole('option', { name: 'score' }).getAttribute('id'),
    )
    await page.keyboard.press('Enter')
    await says(page, 'color', 'score')
    await page.keyboard.type('ly')
    await page.getByRole('option', { name: 'LYZ' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await box.getAttribute('aria-expanded')).toBe('false')
    expect(await box.inputValue()).toBe('score')
    await page.keyboard.press('Escape')
    expect(await box.evaluate((element) => element === document.activeElement)).toBe(false)
    expect(await said(page, 'color')).toBe('score')
  })

  test('a name that nothing matches says so', async () => {
    const { page } = await openViewer()
    await page.getByRole('combobox', { name: 'Colour by' }).fill('CD3X')
    await page.getByText('No field or gene matches “CD3X”.').waitFor()
  })

  test('a category is hidden, alone, and selected', async () => {
    const { viewer, page } = await openViewer()
    await page.getByRole('button', { name: /^Mono 140/ }).focus()
    await page.keyboard.press('Space')
    expect(await page.getByRole('button', { name: /^Mono/ }).getAttribute('aria-pressed')).toBe('false')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await selection(viewer)).toEqual(Uint32Array.from({ length: 140 }, (_, i) => i * 5 + 3))
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const pressed = await page.locator('.category').evaluateAll((rows) => rows.map((row) => row.ariaPressed))
    expect(pressed).toEqual(['false', 'false', 'false', 'true', 'false'])
    await page.getByRole('button', { name: 'Show all', exact: true }).click()
    expect(await page.locator('.category[aria-pressed="false"]').count()).toBe(0)
  })

  test('the help sheet opens, holds focus and gives it back', async () => {
    const { page } = await openViewer()
    await page.locator('canvas').focus()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys and gestures' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await page.locator('canvas').evaluate((element) => element === document.activeElement)).toBe(true)
  })
})

describe('the lasso', () => {
  test('sends the very cells that the page counts; Alt takes away, Ctrl adds, Escape clears', async () => {
    const { viewer, page } = await openViewer()
    await lasso(page, 0.8)
    const large = await selection(viewer, 0)
    expect(large.length).toBeGreaterThan(10)
    await says(page, 'selected', String(large.length))
    await lasso(page, 0.4, 'Alt')
    const ring = await selection(viewer, 1)
    const inner = large.filter((cell) => !ring.includes(cell))
    expect(inner.length).toBeGreaterThan(0)
    await lasso(page, 0.4)
    expect(await selection(viewer, 2)).toEqual(inner)
    await lasso(page, 0.8, 'Control')
    expect(await selection(viewer, 3)).toEqual(large)
    await page.locator('canvas').focus()
    await page.keyboard.press('Escape')
    expect(await selection(viewer, 4)).toHaveLength(0)
    await says(page, 'selected', '0')
  })

  test('left with Escape in the middle selects nothing', async () => {
    const { page } = await openViewer()
    await page.locator('canvas').focus()
    await page.keyboard.press('l')
    await page.mouse.move(200, 200)
    await page.mouse.down()
    await page.mouse.move(400, 200)
    await page.mouse.move(400, 400)
    await page.keyboard.press('Escape')
    await page.mouse.up()
    expect(await said(page, 'selected')).toBe('0')
  })
})

describe('a command from the kernel', () => {
  test('changes the picture, and is acknowledged after the state that it changed', async () => {
    const { viewer, page } = await openViewer()
    expect(await command(viewer, 1, { kind: 'setColorBy', field: 'CD3D' })).toEqual({ ok: true })
    expect(await said(page, 'color')).toBe('CD3D')
    const heard = stage.server.kernel.heard.filter(
      ({ params }) => 'viewerId' in params && params.viewerId === viewer.viewerId,
    )
    const acknowledged = heard.findIndex(({ method }) => method === 'viewer.ack')
    const state = heard.slice(0, acknowledged).findLast((call) => call.method === 'viewer.state')
    expect(state?.params).toMatchObject({ state: { color: { axis: 'var', key: 'CD3D' } } })
  })

  test('that names nothing is refused with a sentence, and the old picture stays', async () => {
    const { viewer, page } = await openViewer()
    const answer = await command(viewer, 1, { kind: 'setColorBy', field: 'CD3X' })
    expect(answer).toEqual({ ok: false, reason: expect.stringContaining('CD3X') })
    expect(await said(page, 'color')).toBe('cluster')
  })

  test('selects cells without an echo to the hooks', async () => {
    const { viewer, page } = await openViewer()
    const { head, body } = encodeCells(Uint32Array.of(1, 2, 699), CELLS)
    expect(await command(viewer, 1, { kind: 'select', cells: head }, body)).toEqual({ ok: true })
    expect(await said(page, 'selected')).toBe('3')
    const kept = await stage.server.kernel.hear('viewer.cellSet', ({ viewerId }) => viewerId === viewer.viewerId)
    expect(kept.params).toMatchObject({ name: 'selection', cells: { count: 3 } })
    const events = stage.server.kernel.heard.filter(
      (call) => call.method === 'viewer.event' && call.params.viewerId === viewer.viewerId,
    )
    expect(events.map((call) => call.method === 'viewer.event' && call.params.event.kind)).not.toContain('selection')
  })
})

describe('a frozen picture', () => {
  const hasContext = (page: Page) =>
    page.evaluate(() => document.querySelector('canvas')?.getContext('webgl2')?.isContextLost() === false)

  test('needs no graphics card until the user touches it; commands and pictures go on', async () => {
    const { viewer, page } = await openViewer()
    expect(await hasContext(page)).toBe(true)
    expect(await command(viewer, 1, { kind: 'freeze' })).toEqual({ ok: true })
    expect(await hasContext(page)).toBe(false)
    await page.locator('img.still').waitFor()
    await command(viewer, 2, { kind: 'setColorBy', field: 'CD3D' })
    await command(viewer, 3, { kind: 'screenshot', requestId: 'shot', scale: 1 })
    const { body } = await stage.server.kernel.hear('viewer.snapshot', ({ requestId }) => requestId === 'shot')
    const [first, again] = await Promise.all([colorsOf(page, body), page.locator('canvas').screenshot()])
    expect(first).toBeGreaterThan(10)
    await expect.poll(() => hasContext(page)).toBe(false)
    expect(await page.locator('img.still').count()).toBe(1)
    await page.locator('canvas').click()
    await expect.poll(() => page.locator('img.still').count()).toBe(0)
    expect(await hasContext(page)).toBe(true)
    expect((await page.locator('canvas').screenshot()).equals(again), 'now CD3D is seen').toBe(false)
  })
})

/** How many colours a PNG has. */
function colorsOf(page: Page, png: Uint8Array): Promise<number> {
  return page.evaluate(
    async (bytes) => {
      const image = await createImageBitmap(new Blob([Uint8Array.from(bytes)]))
      const context = new OffscreenCanvas(image.width, image.height).getContext('2d')
      context?.drawImage(image, 0, 0)
      const { data } = context?.getImageData(0, 0, image.width, image.height) ?? { data: new Uint8ClampedArray() }
      return new Set(new Uint32Array(data.buffer)).size
    },
    [...png],
  )
}

test('pictures for the notebook file are sent where they are wanted, and nowhere else', async () => {
  const { viewer, page } = await openViewer()
  const options = { name: 'small', color: 'cluster', embedding: null, geneSymbols: null, matrix: null }
  const without = await stage.server.openViewer({ options, savesPictures: false })
  const other = await stage.open(without.url)
  const pictures = (of: OpenedViewer) =>
    stage.server.kernel.heard.filter(
      ({ method, params }) => method === 'viewer.snapshot' && params.viewerId === of.viewerId,
    ).length
  await expect.poll(() => pictures(viewer)).toBe(1)
  await command(without, 1, { kind: 'setColorBy', field: 'CD3D' })
  await command(viewer, 1, { kind: 'setColorBy', field: 'CD3D' })
  await expect.poll(() => pictures(viewer)).toBe(2)
  expect(pictures(without)).toBe(0)
  expect([await said(page, 'color'), await said(other, 'color')]).toEqual(['CD3D', 'CD3D'])
})

/** The sets of cells that a kernel has after it was told this. */
function keptSets(told: readonly Heard[]): Map<string, { cells: CellsHead; body: Uint8Array }> {
  const kept = new Map<string, { cells: CellsHead; body: Uint8Array }>()
  for (const { body, ...call } of told) {
    if (call.method === 'viewer.cellSet') kept.set(call.params.name, { cells: call.params.cells, body })
    if (call.method !== 'viewer.event' || call.params.event.kind !== 'selection') continue
    kept.set(SELECTION, { cells: call.params.event.cells, body })
  }
  return kept
}

test('a session holds what is on screen at that moment, and puts it back', async () => {
  const { viewer, page } = await openViewer()
  await lasso(page, 0.6)
  const selected = (await selection(viewer)).length
  const { head, body } = encodeCells(Uint32Array.of(1, 5), CELLS)
  await command(viewer, 1, { kind: 'highlight', cells: head, color: '#ff0000' }, body)
  await page.locator('canvas').focus()
  await page.keyboard.press('+')
  await page.getByRole('button', { name: /^NK/ }).click()
  // Asked at once, before the state would have been told by itself.
  expect(await command(viewer, 2, { kind: 'requestSessionBundle', requestId: 'out' })).toEqual({ ok: true })
  const told = stage.server.kernel.heard.filter(
    ({ params }) => 'viewerId' in params && params.viewerId === viewer.viewerId,
  )
  const state =
    told.flatMap((call): PageState[] => (call.method === 'viewer.state' ? [call.params.state] : [])).at(-1) ?? {}
  expect(state).toMatchObject({ hiddenCategories: { cluster: ['NK'] } })
  expect(state.camera?.zoom).toBeGreaterThan(1)
  const kept = keptSets(told)
  expect([...kept.keys()].sort()).toEqual(['highlight/#ff0000', 'selection'])

  const other = await openViewer('score')
  await lasso(other.page, 0.2)
  const sets = [...kept].map(([name, { cells, body }]) => ({ name, bytes: body.byteLength, cells }))
  const session = { kind: 'loadSession', requestId: 'in', state, sets } as const
  const cells = Buffer.concat([...kept.values()].map((call) => call.body))
  expect(await command(other.viewer, 1, session, cells)).toEqual({ ok: true })
  expect(await said(other.page, 'color')).toBe('cluster')
  expect(await said(other.page, 'selected')).toBe(String(selected))
  expect(await other.page.getByRole('button', { name: /^NK/ }).getAttribute('aria-pressed')).toBe('false')
  const again = await stage.open(other.viewer.url)
  await says(again, 'selected', String(selected)) // a second page starts there
})

test('a tab without WebSocket says what is in the way, and sends nothing', async () => {
  const viewer = await stage.server.openViewer()
  const page = await stage.context.newPage()
  await page.addInitScript(() => {
    window.WebSocket = class {
      constructor() {
        throw new DOMException('blocked', 'SecurityError')
      }
    } as unknown as typeof WebSocket
  })
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await page.goto(viewer.url)
  await page.getByRole('alert').filter({ hasText: 'lets no WebSocket through' }).waitFor()
  expect(asked).toEqual(['/'])
})

test('the wheel belongs to the notebook until the picture has focus', async () => {
  const { page } = await openViewer()
  const zoomed = async () => {
    await page.mouse.move(300, 300)
    return page.locator('canvas').evaluate((canvas) => {
      const wheel = new WheelEvent('wheel', { deltaY: -100, cancelable: true, bubbles: true })
      canvas.dispatchEvent(wheel)
      return wheel.defaultPrevented
    })
  }
  expect(await zoomed()).toBe(false)
  await page.locator('canvas').click({ position: { x: 20, y: 300 } })
  expect(await zoomed()).toBe(true)
})

test.each([
  [320, 300],
  [900, 560],
])('nothing is cut off at %i x %i', async (width, height) => {
  const viewer = await stage.server.openViewer()
  const page = await stage.context.newPage()
  await page.setViewportSize({ width, height })
  await page.goto(viewer.url)
  await says(page, 'ready', 'true')
  const overflow = await page.evaluate(() => {
    const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement
    return [scrollWidth - clientWidth, scrollHeight - clientHeight]
  })
  expect(overflow).toEqual([0, 0])
  const toggle = page.getByRole('button', { name: 'Panel' })
  expect(await toggle.getAttribute('aria-pressed')).toBe(String(width > 560))
  if (width < 560) await toggle.click()
  await page.getByRole('combobox', { name: 'Colour by' }).click()
})

test('a key that is held on the height handle counts each time, however late the cell follows', async () => {
  const { url } = await stage.server.openViewer()
  const page = await stage.context.newPage()
  await showInHost(page, url)
  const handle = page.frameLocator('iframe').getByRole('separator', { name: 'Height of the cell' })
  for (let i = 0; i < 3; i++) await handle.press('ArrowDown')
  const asked = () =>
    page.evaluate(() => window.heard.flatMap((message) => (message.kind === 'resize' ? [message.height] : [])))
  // A frame as browsers make it, 150 px high, and no less than 200 px are asked for. This host changes nothing.
  await expect.poll(asked).toEqual([200, 220, 240])
  stage.errors.splice(0) // For the browser this host has no address of this computer: no WebSocket from it.
})

test('the panel is open where there is room, also where that comes late, until the user says otherwise', async () => {
  const viewer = await stage.server.openViewer()
  const page = await stage.context.newPage()
  await page.setViewportSize({ width: 300, height: 560 })
  await page.goto(viewer.url)
  await says(page, 'ready', 'true')
  const panel = page.getByRole('complementary', { name: 'Panel' })
  expect(await panel.isVisible()).toBe(false)
  await page.setViewportSize({ width: 900, height: 560 })
  await panel.waitFor()
  await page.getByRole('button', { name: 'Panel' }).click()
  await panel.waitFor({ state: 'hidden' })
  await command(viewer, 1, { kind: 'resetCamera' })
  const second = await stage.open(viewer.url)
  expect(await second.getByRole('complementary', { name: 'Panel' }).isVisible()).toBe(false)
})

test('a pasted list of genes colours by their mean, and the list is there again in a second page', async () => {
  const { viewer, page } = await openViewer()
  await page.getByRole('combobox', { name: 'Colour by' }).fill('CD3D, LYZ')
  await page.getByRole('option', { name: 'Mean of 2 genes' }).click()
  await says(page, 'color', 'CD3D + LYZ')
  await page.getByRole('img', { name: /^From 0 to 691.5/ }).waitFor()
  await command(viewer, 1, { kind: 'resetCamera' })
  const second = await stage.open(viewer.url)
  await says(second, 'color', 'CD3D + LYZ')
})

test('what was selected and hidden is undone and redone by keys', async () => {
  const { page } = await openViewer()
  await lasso(page, 0.7)
  const selected = (await said(page, 'selected')) ?? ''
  await page.getByRole('button', { name: /^DC/ }).click()
  await page.getByRole('button', { name: 'Remove filter: cluster: 1 hidden' }).waitFor()
  await page.keyboard.press('Control+z')
  expect(await page.locator('.category[aria-pressed="false"]').count()).toBe(0)
  await page.keyboard.press('Control+z')
  await says(page, 'selected', '0')
  await page.keyboard.press('Control+Shift+z')
  await says(page, 'selected', selected)
})

test('what could not be read is named in the panel, with the reason', async () => {
  const path = join(await filesOf('make_hostile.py'), 'external_link.csr.h5ad')
  const options = { name: null, color: 'cluster', embedding: null, geneSymbols: null, matrix: null }
  const viewer = await stage.server.openViewer({ source: { kind: 'path', path }, options })
  const page = await stage.open(viewer.url)
  await page.getByText('A note on the data').click()
  await page.getByText('score: "/obs/score" is a link to another file, which is not followed.').waitFor()
}, 300_000)
