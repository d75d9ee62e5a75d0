import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Block } from '../../../data/compare/block.ts'
import { type BlockSource, compareGroups, type GeneTable, type Method } from '../../../data/compare/compare-groups.ts'
import type { Layout } from '../../../data/compare/layout.ts'
import { logTwoSidedNormal, logTwoSidedT } from '../../../data/compare/tails.ts'

type Numbers = (number | null)[]
type Case = {
  name: string
  method: Method
  cells: number
  genes: number
  inside: number
  base: number | null
  values: number[]
  scanpy: Record<'scores' | 'logfoldchanges' | 'pvals' | 'pvals_adj' | 'pct_nz_group' | 'pct_nz_reference', Numbers>
  scipy: { score: Numbers; p: Numbers }
}
const { cases, tails } = JSON.parse(readFileSync(new URL('comparison.json', import.meta.url), 'utf8')) as {
  cases: Case[]
  tails: { t: [number, number, number][]; z: [number, number][] }
}

type Form = 'dense' | 'csr' | 'csc' | 'csr twice'
const FORMS: Form[] = ['dense', 'csr', 'csc', 'csr twice']
const turn = async () => undefined
const progress = () => undefined

/** A matrix in a form, handed out in blocks of `size` rows or columns. */
function sourceOf({ cells, genes, values, base }: Case, form: Form, size: number): BlockSource {
  const major = form === 'csc' ? 'columns' : 'rows'
  const count = major === 'rows' ? cells : genes
  const width = major === 'rows' ? genes : cells
  const at = (i: number, j: number) => values[major === 'rows' ? i * genes + j : j * genes + i] ?? 0
  const layout: Layout = { major, cells, genes, stored: cells * genes, isWide: true, logBase: base }
  const block = async (start: number): Promise<Block> => {
    const end = Math.min(count, start + size)
    const flat = Array.from({ length: end - start }, (_, i) =>
      Array.from({ length: width }, (__, j) => at(start + i, j)),
    )
    if (form === 'dense') return { form: 'dense', major, start, end, width, values: Float64Array.from(flat.flat()) }
    const pointers = [0]
    const indices: number[] = []
    const stored: number[] = []
    for (const row of flat) {
      // Backwards, and each value in two halves, as a file may hold them.
      const places = [...row.keys()].filter((j) => row[j] !== 0 || j % 7 === 0)
      for (const j of form === 'csr twice' ? [...places, ...places].reverse() : places) {
        indices.push(j)
        stored.push((row[j] ?? 0) / (form === 'csr twice' ? 2 : 1))
      }
      pointers.push(indices.length)
    }
    return {
      form: 'sparse',
      major,
      start,
      end,
      pointers: Float64Array.from(pointers),
      indices: Int32Array.from(indices),
      values: Float64Array.from(stored),
    }
  }
  return { layout, block }
}

function compared(each: Case, form: Form, size = 1000, passBytes = 1 << 20): Promise<GeneTable> {
  const codes = Uint8Array.from({ length: each.cells }, (_, cell) => (cell < each.inside ? 1 : 2))
  return compareGroups(sourceOf(each, form, size), { method: each.method, codes }, { turn, progress, passBytes })
}

function expectNear(found: Float64Array, expected: Numbers, within: number, what: string): void {
  expected.forEach((value, gene) => {
    if (value !== null)
      expect(Math.abs((found[gene] ?? 0) - value), `${what} of gene ${gene}`).toBeLessThanOrEqual(within)
  })
}

/** Genes that are constant inside each group: in scanpy 1.11 their score is noise. */
function isConstant({ values, genes, inside, cells }: Case, gene: number): boolean {
  const column = Array.from({ length: cells }, (_, cell) => values[cell * genes + gene] ?? 0)
  return new Set(column.slice(0, inside)).size === 1 && new Set(column.slice(inside)).size === 1
}

for (const each of cases) {
  for (const form of FORMS) {
    test(`${each.method} on ${each.name} as ${form} is scanpy's`, async () => {
      const found = await compared(each, form)
      const asked = (values: Numbers) =>
        values.map((value, gene) => (each.method === 't-test' && isConstant(each, gene) ? null : value))
      expectNear(found.scores, asked(each.scanpy.scores), 1e-6 * 40, 'score')
      expectNear(found.logFoldChanges, each.scanpy.logfoldchanges, 1e-5, 'log fold change')
      const logs = (values: Numbers) =>
        values.map((value) => (value === null || value < 1e-300 ? null : Math.log(value)))
      expectNear(found.p.map(Math.log), asked(logs(each.scanpy.pvals)), 1e-6, 'ln p')
      expectNear(found.p.map(Math.log), asked(logs(each.scipy.p)), 1e-6, 'ln p of scipy')
      if (each.method === 'wilcoxon') expectNear(found.adjusted, each.scanpy.pvals_adj, 1e-9, 'adjusted p')
      if (each.method === 't-test') expectNear(found.scores, asked(each.scipy.score), 1e-6, 'score of scipy')
      expect([...found.sharesA]).toEqual(each.scanpy.pct_nz_group)
      expect([...found.sharesB]).toEqual(each.scanpy.pct_nz_reference)
    })
  }

  test(`${each.method} on ${each.name} is the same in blocks of any size and passes of few genes`, async () => {
    const whole = await compared(each, 'csr')
    for (const size of [1, 7]) expect(await compared(each, 'csr', size, 800)).toEqual(whole)
    for (const form of FORMS) expect((await compared(each, form)).p).toEqual(whole.p)
  })
}

test('a gene that is constant inside each group has an infinite score, or 0 where both are the same', async () => {
  const counts = cases.find(({ name, method }) => name === 'counts' && method === 't-test')
  if (counts === undefined) throw new Error('no case')
  const { scores, p } = await compared(counts, 'csr')
  expect([scores[5], p[5]]).toEqual([Number.POSITIVE_INFINITY, 0])
  expect([scores[8], p[8]]).toEqual([Number.POSITIVE_INFINITY, 0])
  expect([scores[3], p[3], scores[4], p[4]]).toEqual([0, 1, 0, 1])
})

test('a gene with NaN has score 0, p 1 and no fold change, and is counted', async () => {
  for (const each of cases.filter(({ name }) => name === 'logs')) {
    const values = each.values.with(2, Number.NaN)
    const found = await compared({ ...each, values }, 'csr')
    expect([found.scores[2], found.p[2], found.logFoldChanges[2], found.missing]).toEqual([0, 1, Number.NaN, 1])
  }
})

test('cells of neither group do not count', async () => {
  for (const each of cases.filter(({ name }) => name === 'logs')) {
    const extra = { ...each, cells: each.cells + 5, values: [...each.values, ...Array(5 * each.genes).fill(9)] }
    const codes = Uint8Array.from({ length: extra.cells }, (_, cell) =>
      cell < each.inside ? 1 : cell < each.cells ? 2 : 0,
    )
    const found = await compareGroups(sourceOf(extra, 'csr', 1000), { method: each.method, codes }, { turn, progress })
    expect(found).toEqual(await compared(each, 'csr'))
  }
})

test('counts are told from logarithms, and negative values are told', async () => {
  const flags = async (name: string) => {
    const each = cases.find((found) => found.name === name)
    if (each === undefined) throw new Error('no case')
    const { looksLikeCounts, hasNegative } = await compared(each, 'csr')
    return [looksLikeCounts, hasNegative]
  }
  expect(await flags('seven')).toEqual([true, false])
  expect(await flags('logs')).toEqual([false, false])
  expect(await flags('negative')).toEqual([false, true])
})

test('a turn that throws ends the comparison, and progress grows to 1', async () => {
  const [each] = cases
  if (each === undefined) throw new Error('no case')
  const codes = Uint8Array.from({ length: each.cells }, (_, cell) => (cell < each.inside ? 1 : 2))
  const heard: number[] = []
  const plan = { method: 'wilcoxon', codes } as const
  await compareGroups(sourceOf(each, 'csr', 1), plan, { turn, progress: (done) => heard.push(done), passBytes: 64 })
  expect(heard).toEqual([...heard].sort((a, b) => a - b))
  expect(heard.at(-1)).toBe(1)
  let turns = 0
  const stops = async () => {
    if (turns++ === 2) throw new Error('stopped')
  }
  await expect(compareGroups(sourceOf(each, 'csr', 1), plan, { turn: stops, progress })).rejects.toThrow('stopped')
  expect(turns).toBe(3)
})

test('two-sided tails of t and of the normal distribution are right to ten digits, also where p is 0', () => {
  for (const [t, degrees, expected] of tails.t) {
    expect(Math.abs(logTwoSidedT(t, degrees) - expected), `t ${t}, ${degrees}`).toBeLessThan(
      1e-10 * Math.max(1, Math.abs(expected)),
    )
  }
  for (const [z, expected] of tails.z) {
    expect(Math.abs(logTwoSidedNormal(z) - expected), `z ${z}`).toBeLessThan(1e-10 * Math.max(1, Math.abs(expected)))
  }
})
