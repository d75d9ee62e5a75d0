import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataSource } from '../../../data/data-source.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { startKernel } from './kernel-process.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const SCRIPT = 'make_scanpy_colors.py'
const LIGHT_GREY = [211, 211, 211, 255]
const signal = new AbortController().signal
const refuse = () => Promise.reject(new Error('a file does not ask the kernel'))

type Rgba = readonly number[]
/** Field → the colour of every cell. */
type Drawn = Record<string, Rgba[]>
type Answers = { usual: Drawn; afterSetFigureParams: Drawn; heldInMemoryOnly: string[] }

const CASES = [
  { name: 'an .h5ad', file: 'colors.h5ad', kernel: null },
  { name: 'a zarr store', file: 'colors.zarr', kernel: null },
  { name: 'an AnnData in memory', file: null, kernel: 'usual' },
  { name: 'an AnnData in memory after sc.set_figure_params()', file: null, kernel: 'after' },
] as const

describe.each(CASES)('$name', ({ file, kernel }) => {
  let source: DataSource
  let drawn: Drawn
  let stop: (() => void) | null = null

  beforeAll(async () => {
    const folder = await filesOf(SCRIPT)
    // Written by the script in this very form.
    const answers = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Answers
    drawn = kernel === 'after' ? answers.afterSetFigureParams : answers.usual
    if (file !== null) {
      for (const field of answers.heldInMemoryOnly) delete drawn[field]
      source = await openSource({ kind: 'path', path: join(folder, file) }, NO_OPTIONS, refuse)
    } else {
      const running = startKernel(`${SCRIPT}:${kernel}`)
      stop = running.stop
      source = await openSource({ kind: 'kernel', sourceId: 's' }, NO_OPTIONS, running.read)
      await source.identity(signal) // The kernel has to import scanpy first.
    }
  }, MADE_WITHIN_MS)

  afterAll(async () => {
    await source.close()
    stop?.()
  })

  test('every cell has the colour that scanpy draws it in', async () => {
    const wrong: string[] = []
    for (const [field, expected] of Object.entries(drawn)) {
      const found = await cellColors(source, field)
      const at = expected.findIndex((color, cell) => color.join() !== found[cell]?.join())
      if (at >= 0) wrong.push(`${field}: cell ${at} is ${found[at]?.join()}, in scanpy ${expected[at]?.join()}`)
    }
    expect(wrong).toEqual([])
  })

  test('colours that are not used are named with the reason, those that are used are not', async () => {
    for (const field of ['too few', 'one is none', 'dict', 'RGB to 255', 'enough', 'too many', '103 categories']) {
      await source.obs(field, signal)
    }
    const { notes } = await source.identity(signal)
    expect(notes).toEqual(
      expect.arrayContaining([
        expect.stringContaining('uns "too few_colors" has 2 colours for 3 categories: the default palette is used'),
        expect.stringContaining('uns "one is none_colors" holds "nonsense", which is no colour'),
        expect.stringContaining('uns "dict_colors" holds the category "a", as a dict does'),
        expect.stringContaining(
          'uns "RGB to 255_colors" holds (255, 0, 0), which is no colour; its parts go from 0 to 1',
        ),
        expect.stringContaining('obs "103 categories" has 103 categories'),
      ]),
    )
    expect(notes.join('\n')).not.toMatch(/enough_colors|too many_colors/)
    expect(await source.obs('too few', signal)).toMatchObject({ colorNote: expect.stringContaining('2 colours') })
  })
})

async function cellColors(source: DataSource, field: string): Promise<Rgba[]> {
  const column = await source.obs(field, signal)
  if (column.kind !== 'codes') throw new Error(`${field} has no categories`)
  const colors = column.colors.map(rgba)
  return Array.from(column.codes, (code) => colors[code] ?? LIGHT_GREY)
}

function rgba(color: string): Rgba {
  return [1, 3, 5, 7].map((at) => Number.parseInt(color.slice(at, at + 2) || 'ff', 16))
}
