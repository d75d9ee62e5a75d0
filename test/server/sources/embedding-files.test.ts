import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataSource } from '../../../data/data-source.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { readJson } from '../../protocol/fixtures.ts'
import { filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { startKernel } from './kernel-process.ts'

type Fixture = {
  containers: Record<string, { drawn: boolean; columns: number }>
  first: { obsm: Record<string, unknown>; own: string | null; first: string | null }[]
}

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const SCRIPT = 'make_embeddings.py'
const CELLS = 30
const signal = new AbortController().signal
const refuse = () => Promise.reject(new Error('a file does not ask the kernel'))
const { containers, first } = readJson<Fixture>('embeddings')
let folder: string

beforeAll(async () => {
  folder = await filesOf(SCRIPT)
}, MADE_WITHIN_MS)

describe.each([
  { name: 'an .h5ad', file: 'containers.h5ad', lacks: [] },
  { name: 'a zarr store', file: 'containers.zarr', lacks: ['records'] },
  { name: 'an AnnData in memory', file: null, lacks: [] },
] as { name: string; file: string | null; lacks: string[] }[])('$name', ({ file, lacks }) => {
  let source: DataSource
  let stop: (() => void) | null = null

  beforeAll(async () => {
    if (file !== null) source = await openSource({ kind: 'path', path: join(folder, file) }, NO_OPTIONS, refuse)
    else {
      const running = startKernel(`${SCRIPT}:all`)
      stop = running.stop
      source = await openSource({ kind: 'kernel', sourceId: 's' }, NO_OPTIONS, running.read)
      await source.identity(signal)
    }
  }, MADE_WITHIN_MS)

  afterAll(async () => {
    await source.close()
    stop?.()
  })

  test('offers arrays, tables and sparse matrices of numbers, and says of all others why not', async () => {
    const { embeddings, notes } = await source.identity(signal)
    const offered = Object.fromEntries(embeddings.map(({ key, columns }) => [key, columns]))
    const expected = Object.entries(containers).filter(([key, { drawn }]) => drawn && !lacks.includes(key))
    expect(offered).toEqual(Object.fromEntries(expected.map(([key, { columns }]) => [key, columns])))
    for (const [key, { drawn }] of Object.entries(containers)) {
      const isNoted = notes.some((note) => note.startsWith(`obsm "${key}" is not drawn: `))
      expect([key, isNoted]).toEqual([key, !drawn && !lacks.includes(key)])
    }
  })

  test('draws the same coordinates from every form', async () => {
    for (const [key, { drawn, columns }] of Object.entries(containers)) {
      if (!drawn || key === 'all NaN') continue
      const dimensions = Math.min(columns, 2)
      const { positions, center, scale } = await source.embedding(key, dimensions, signal)
      const found = Array.from(positions, (value, i) => Math.round(value * scale + (center[i % dimensions] ?? 0)))
      expect([key, found]).toEqual([key, expectedPositions(key, columns, dimensions)])
    }
    expect(await source.embedding('all NaN', 2, signal)).toMatchObject({ missingCells: CELLS })
  })

  test('what cannot be drawn is refused with the reason', async () => {
    await expect(source.embedding('table with a text', 2, signal)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/column ["']b["'] holds no numbers/),
    })
  })
})

test.each(first.map((row, place) => ({ place, ...row, shown: JSON.stringify(row) })))(
  'the first one of a file: $shown',
  async ({ place, obsm, own, first: expected }) => {
    const path = join(folder, `first-${place}.h5ad`)
    const opening = openSource({ kind: 'path', path }, NO_OPTIONS, refuse)
    if (Object.keys(obsm).length === 0) {
      await expect(opening).rejects.toMatchObject({
        code: 'no_embedding',
        message: expect.stringContaining('sc.pp.pca(adata), sc.pp.neighbors(adata) and sc.tl.umap(adata)'),
      })
      return
    }
    const source = await opening
    const { defaultEmbedding, embeddings, notes } = await source.identity(signal)
    await source.close()
    expect(defaultEmbedding).toBe(expected)
    expect(embeddings.length).toBeGreaterThan(0)
    const isKept = own === null || expected === own || expected === `X_${own}`
    expect(notes.some((note) => note.includes('default_embedding'))).toBe(!isKept)
  },
)

/** As the script makes them: whole numbers, so that their width does not matter. */
function expectedPositions(key: string, columns: number, dimensions: number): number[] {
  if (key === 'table with a text behind') return Array.from({ length: CELLS }, (_, i) => [i % 17, i]).flat()
  return Array.from({ length: CELLS }, (_, row) =>
    Array.from({ length: dimensions }, (_, column) => ((row * columns + column) % 17) * (column + 1)),
  ).flat()
}
