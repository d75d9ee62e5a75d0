import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { decodeCells } from '../../../protocol/cells.ts'
import type { Command } from '../../../protocol/commands.ts'
import { bloodDataset } from '../../stage/blood-dataset.ts'
import type { OpenedViewer } from '../../stage/start-server.ts'
import { openPageStage, type PageStage, says } from './page-stage.ts'

export const BLOOD_CELLS = 3_000

/** The page over blood, and what the kernel hears of it. */
export type BloodStage = PageStage & {
  show(
    color?: string | null,
    embedding?: string,
    prepare?: (page: Page) => Promise<void>,
  ): Promise<{ viewer: OpenedViewer; page: Page }>
  /** Send a command; resolves when the page has acknowledged it. */
  command(viewer: OpenedViewer, command: Command): Promise<void>
  /** The latest of the set's cells that the kernel heard of; asked again until `fits`. */
  cellSet(viewer: OpenedViewer, name: string): Promise<Uint32Array>
  /** The latest selection that the user made. */
  selected(viewer: OpenedViewer): Uint32Array
}

export async function openBloodStage(): Promise<BloodStage> {
  const stage = await openPageStage({ read: bloodDataset(BLOOD_CELLS) })
  let seq = 0
  const { kernel } = stage.server
  return {
    ...stage,
    async show(color = 'cell_type', embedding = 'X_umap', prepare) {
      const options = { name: 'Blood', color, embedding, geneSymbols: 'gene_symbols', matrix: null }
      const viewer = await stage.server.openViewer({ options })
      const page = await stage.open(viewer.url, prepare)
      if (color !== null) await says(page, 'color', color) // on a busy machine it comes after the picture
      return { viewer, page }
    },
    async command({ viewerId }, command) {
      const wanted = ++seq
      kernel.notify('viewer.command', { viewerId, seq: wanted, command })
      const { params } = await kernel.hear('viewer.ack', (ack) => ack.viewerId === viewerId && ack.seq === wanted)
      expect(params).toMatchObject({ ok: true })
    },
    async cellSet({ viewerId }, name) {
      const { params, body } = await kernel.hear(
        'viewer.cellSet',
        (set) => set.viewerId === viewerId && set.name === name,
      )
      return decodeCells(params.cells, body)
    },
    selected({ viewerId }) {
      const cells = kernel.heard.flatMap((call) => {
        if (call.method !== 'viewer.event' || call.params.viewerId !== viewerId) return []
        const { event } = call.params
        return event.kind === 'selection' ? [decodeCells(event.cells, call.body)] : []
      })
      return cells.at(-1) ?? new Uint32Array(0)
    },
  }
}

/** Press, move through all points, release. */
export async function drag(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  const [first, ...rest] = points
  if (first === undefined) return
  await page.mouse.move(...first)
  await page.mouse.down()
  for (const point of rest) await page.mouse.move(...point)
  await page.mouse.up()
}
