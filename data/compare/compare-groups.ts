import type { Turn } from '../stored-tree.ts'
import { benjaminiHochberg } from './adjusted.ts'
import { type Block, eachStored } from './block.ts'
import { GeneSums, GROUP_A, GROUP_B, type Moments } from './gene-sums.ts'
import type { Layout } from './layout.ts'
import { type NumberList, rankSumScore } from './rank-sum.ts'
import { logTwoSidedNormal, logTwoSidedT } from './tails.ts'

export type Method = 't-test' | 'wilcoxon'

export interface BlockSource {
  readonly layout: Layout
  /** Whole rows or columns from `start` on, as many as fit. @throws DataError */
  block(start: number): Promise<Block>
}

/** @param codes the group of each cell: 0 neither, 1 A, 2 B */
export type Plan = { method: Method; codes: Uint8Array }

/** One value for each gene, in the order of the matrix. */
export type GeneTable = {
  scores: Float64Array
  logFoldChanges: Float64Array
  p: Float64Array
  adjusted: Float64Array
  meansA: Float64Array
  meansB: Float64Array
  sharesA: Float64Array
  sharesB: Float64Array
  looksLikeCounts: boolean
  hasNegative: boolean
  /** Genes with NaN in a cell of the groups. */
  missing: number
}

/** Values of the genes of one pass: 96 MB. */
const PASS_BYTES = 96 << 20
/** Genes that are ranked between two turns. */
const RANKED_VALUES = 1 << 20
/** So that log fold changes are finite, as in scanpy. */
const PSEUDO_COUNT = 1e-9

/** @param progress hears the share that is done, 0 to 1 */
export async function compareGroups(
  source: BlockSource,
  { method, codes }: Plan,
  { turn, progress, passBytes = PASS_BYTES }: { turn: Turn; progress: (done: number) => void; passBytes?: number },
): Promise<GeneTable> {
  const { layout } = source
  const sums = new GeneSums(codes, layout.genes)
  const scores = new Float64Array(layout.genes)
  const cells = [countOf(codes, GROUP_A), countOf(codes, GROUP_B)] as const
  const isRanked = method === 'wilcoxon'
  const needsPasses = isRanked && layout.major === 'rows'
  const itemBytes = layout.isWide ? 8 : 4
  const guessed = needsPasses ? Math.ceil((layout.stored * itemBytes) / passBytes) : 0
  await eachBlock(source, codes, turn, (block, done) => {
    sums.add(block)
    if (isRanked && !needsPasses) rankColumns(block, { codes, cells, sums, layout, scores })
    progress(done / (1 + guessed))
  })
  if (needsPasses) {
    const ranges = geneRanges(sums.counts, layout.genes, passBytes / itemBytes)
    for (const [pass, [start, end]] of ranges.entries()) {
      const values = new GeneValues(sums.counts, start, end, layout.isWide)
      await eachBlock(source, codes, turn, (block, done) => {
        values.add(block, codes)
        progress((1 / (1 + guessed)) * (1 + guessed * ((pass + done * 0.8) / ranges.length)))
      })
      let ranked = 0
      for (let gene = start; gene < end; gene++) {
        ranked += (sums.counts[gene * 2] ?? 0) + (sums.counts[gene * 2 + 1] ?? 0)
        if (!sums.isMissing(gene)) scores[gene] = rankSumScore(...values.of(gene), ...cells)
        if (ranked < RANKED_VALUES) continue
        ranked = 0
        await turn()
      }
    }
  }
  progress(1)
  return table(sums, { method, cells, scores, logBase: layout.logBase })
}

/** Ranges of rows without a cell of either group are not read. */
async function eachBlock(
  source: BlockSource,
  codes: Uint8Array,
  turn: Turn,
  see: (block: Block, done: number) => void,
): Promise<void> {
  const { major, cells, genes } = source.layout
  const count = major === 'rows' ? cells : genes
  const next = (from: number) => {
    let start = from
    if (major === 'rows') while (start < count && codes[start] === 0) start++
    return start
  }
  for (let start = next(0); start < count; ) {
    await turn()
    const block = await source.block(start)
    see(block, block.end / count)
    start = next(block.end)
  }
}

type Ranking = {
  codes: Uint8Array
  cells: readonly [number, number]
  sums: GeneSums
  layout: Layout
  scores: Float64Array
}

/** Whole columns are ranked as they come. */
function rankColumns(block: Block, { codes, cells, sums, layout, scores }: Ranking): void {
  const values = new GeneValues(sums.counts, block.start, block.end, layout.isWide)
  values.add(block, codes)
  for (let gene = block.start; gene < block.end; gene++) {
    if (!sums.isMissing(gene)) scores[gene] = rankSumScore(...values.of(gene), ...cells)
  }
}

/** What is not zero of a range of genes, by gene and group. */
class GeneValues {
  readonly #start: number
  readonly #end: number
  /** Where each gene and group begins among the values, and where its next one goes. */
  readonly #begins: Float64Array
  readonly #next: Float64Array
  readonly #values: NumberList

  constructor(counts: Float64Array, start: number, end: number, isWide: boolean) {
    this.#start = start
    this.#end = end
    this.#begins = new Float64Array((end - start) * 2 + 1)
    for (let i = 0; i < (end - start) * 2; i++) {
      this.#begins[i + 1] = (this.#begins[i] ?? 0) + (counts[start * 2 + i] ?? 0)
    }
    this.#next = this.#begins.slice()
    this.#values = new (isWide ? Float64Array : Float32Array)(this.#begins.at(-1) ?? 0)
  }

  add(block: Block, codes: Uint8Array): void {
    const start = this.#start
    const end = this.#end
    const next = this.#next
    const values = this.#values
    eachStored(block, codes, (cell, gene, value) => {
      if (gene < start || gene >= end) return
      const place = (gene - start) * 2 + (codes[cell] ?? 0) - GROUP_A
      const at = next[place] ?? 0
      values[at] = value
      next[place] = at + 1
    })
  }

  of(gene: number): [NumberList, NumberList] {
    const place = (gene - this.#start) * 2
    const [a = 0, b = 0, end = 0] = this.#begins.subarray(place, place + 3)
    return [this.#values.subarray(a, b), this.#values.subarray(b, end)]
  }
}

/** Genes one after the other, so many that their values fit; one alone where it does not. */
function geneRanges(counts: Float64Array, genes: number, most: number): [number, number][] {
  const ranges: [number, number][] = []
  let start = 0
  let held = 0
  for (let gene = 0; gene < genes; gene++) {
    const values = (counts[gene * 2] ?? 0) + (counts[gene * 2 + 1] ?? 0)
    if (gene > start && held + values > most) {
      ranges.push([start, gene])
      start = gene
      held = 0
    }
    held += values
  }
  if (genes > start) ranges.push([start, genes])
  return ranges
}

type Found = { method: Method; cells: readonly [number, number]; scores: Float64Array; logBase: number | null }

function table(sums: GeneSums, { method, cells, scores: ranked, logBase }: Found): GeneTable {
  const genes = ranked.length
  const column = () => new Float64Array(genes)
  const [scores, logFoldChanges, p, meansA, meansB, sharesA, sharesB] = [
    column(),
    column(),
    column(),
    column(),
    column(),
    column(),
    column(),
  ]
  let missing = 0
  for (let gene = 0; gene < genes; gene++) {
    const a = sums.moments(gene, GROUP_A, cells[0])
    const b = sums.moments(gene, GROUP_B, cells[1])
    const { score, logP } = method === 't-test' ? welch(a, b, cells) : normal(ranked[gene] ?? 0)
    scores[gene] = score
    p[gene] = Math.exp(logP)
    logFoldChanges[gene] = logFoldChange(a.mean, b.mean, logBase)
    meansA[gene] = a.mean
    meansB[gene] = b.mean
    sharesA[gene] = a.expressing
    sharesB[gene] = b.expressing
    if (sums.isMissing(gene)) missing++
  }
  const { looksLikeCounts, hasNegative } = sums
  const found = { scores, logFoldChanges, p, adjusted: benjaminiHochberg(p), meansA, meansB, sharesA, sharesB }
  return { ...found, looksLikeCounts, hasNegative, missing }
}

/** Of two constants that differ the score is infinite; where nothing can be said it is 0 and p is 1, as in scanpy 1.12. */
function welch(a: Moments, b: Moments, [cellsA, cellsB]: readonly [number, number]): { score: number; logP: number } {
  const partA = a.variance / cellsA
  const partB = b.variance / cellsB
  const score = (a.mean - b.mean) / Math.sqrt(partA + partB)
  if (Number.isNaN(score)) return { score: 0, logP: 0 }
  const degrees = (partA + partB) ** 2 / (partA ** 2 / (cellsA - 1) + partB ** 2 / (cellsB - 1))
  return { score, logP: logTwoSidedT(score, Number.isNaN(degrees) ? 1 : degrees) }
}

function normal(score: number): { score: number; logP: number } {
  return { score, logP: logTwoSidedNormal(score) }
}

function logFoldChange(meanA: number, meanB: number, logBase: number | null): number {
  const counts = (mean: number) => Math.expm1(mean * (logBase === null ? 1 : Math.log(logBase))) + PSEUDO_COUNT
  const change = Math.log2(counts(meanA) / counts(meanB))
  return Number.isFinite(meanA) && Number.isFinite(meanB) ? change : Number.NaN
}

function countOf(codes: Uint8Array, group: number): number {
  let count = 0
  for (const code of codes) if (code === group) count++
  return count
}
