import type { ContenderName } from './bundles.ts'
import { type Goals, type Row, row } from './rows.ts'
import type { StepName, StepResult } from './viewer-round.ts'

export type Sample = { name: ContenderName; cells: number } & (
  | ({ step: StepName; cpuMs: number } & StepResult)
  | { step: 'kept' | 'keptIndexed'; keptBytes: number }
)

type Step = Sample['step']
type Metric = 'cpuMs' | 'wallMs' | 'bytes'
type Spread = { median: number; low: number; high: number; count: number }

/** What one contender needed for one operation: medians with their ranges. */
export type Measure = {
  name: ContenderName
  cells: number
  step: Step
  /** number and sum of the cells that were found */
  found: string | null
  cpuMs: Spread
  wallMs: Spread
  /** a cell */
  bytes: Spread
}

/**
 * A goal is a part of the best peer's, or a number that holds without one. It is set for a million cells; where
 * `fromCells` stands, for so many and more.
 */
type Goal = { ratio?: number; atMost?: number; fromCells?: number }
type Subject = { step: Step; what: string; metric: Metric; goal?: Goal }

const SUBJECTS: readonly Subject[] = [
  { step: 'show', what: 'arrays to first frame', metric: 'cpuMs', goal: { ratio: 0.5 } },
  { step: 'show', what: 'arrays to first frame', metric: 'wallMs' },
  { step: 'show', what: 'arrays to first frame', metric: 'bytes' },
  { step: 'kept', what: 'kept beyond the received arrays', metric: 'bytes', goal: { atMost: 1 } },
  { step: 'keptIndexed', what: 'kept once the pointer was over the cells', metric: 'bytes' },
  { step: 'gene', what: 'new gene', metric: 'cpuMs', goal: { ratio: 0.7 } },
  { step: 'gene', what: 'new gene', metric: 'wallMs' },
  { step: 'gene', what: 'new gene', metric: 'bytes', goal: { atMost: 1.1 } },
  { step: 'palette', what: 'other colours of the clusters', metric: 'cpuMs' },
  { step: 'palette', what: 'other colours of the clusters', metric: 'bytes' },
  { step: 'frame', what: 'frame of all cells', metric: 'cpuMs' },
  { step: 'frame', what: 'frame of all cells', metric: 'wallMs' },
  { step: 'moving', what: 'frame while moving', metric: 'wallMs', goal: { ratio: 0.2, fromCells: 3_000_000 } },
  { step: 'hover', what: 'cell under the pointer, 2D', metric: 'wallMs', goal: { atMost: 1 } },
  { step: 'hover3d', what: 'cell under the pointer, 3D', metric: 'wallMs', goal: { atMost: 16 } },
  { step: 'lasso', what: 'lasso', metric: 'cpuMs', goal: { ratio: 0.15 } },
  { step: 'lasso', what: 'lasso', metric: 'wallMs' },
]
const METRICS = { cpuMs: ['CPU', 'ms'], wallMs: ['wall', 'ms'], bytes: ['bytes', 'B a cell'] } as const

export function measuresOf(samples: readonly Sample[]): Measure[] {
  const groups = Map.groupBy(samples, ({ cells, step, name }) => `${cells} ${step} ${name}`)
  return [...groups.values()].flatMap((group) => (group[0] ? [measureOf(group[0], group)] : []))
}

/** Ours beside the best peer's, and what is asked of it. */
export function rowsOf(measures: readonly Measure[]): { rows: Row[]; goals: Goals } {
  const goals: Record<string, Goals[string]> = {}
  const rows = [...new Set(measures.map(({ cells }) => cells))].flatMap((cells) =>
    SUBJECTS.flatMap(({ step, what, metric, goal }) => {
      const own = measures.find((one) => one.name === 'own' && one.cells === cells && one.step === step)
      if (own === undefined) return []
      const peer = bestPeer(measures, own, metric)
      const [kind, unit] = METRICS[metric]
      const operation = `${size(cells)} ${what}, ${kind}`
      const { ratio, atMost, fromCells } = goal ?? {}
      const isMeant = fromCells === undefined ? cells === 1_000_000 : cells >= fromCells
      if (isMeant && atMost !== undefined) goals[operation] = { atMost }
      else if (isMeant && ratio !== undefined) goals[operation] = ratio
      return [row(operation, unit, { ours: own[metric].median, peer })]
    }),
  )
  return { rows, goals }
}

/** `null` where no peer has the operation, or none gives the same answer: a wrong one has no time. */
function bestPeer(measures: readonly Measure[], own: Measure, metric: Metric): number | null {
  // While its camera moves a peer draws what it always draws.
  const step = own.step === 'moving' ? 'frame' : own.step
  const peers = measures.filter(
    ({ name, cells, ...other }) => name !== 'own' && cells === own.cells && other.step === step,
  )
  const fair = own.step === 'lasso' ? peers.filter(({ found }) => found === own.found) : peers
  const medians = fair.map((peer) => peer[metric].median)
  return medians.length === 0 ? null : Math.min(...medians)
}

function measureOf({ name, cells, step }: Sample, group: readonly Sample[]): Measure {
  const spread = (of: (sample: Sample) => number) => spreadOf(group.map(of))
  return {
    name,
    cells,
    step,
    found: foundBy(group),
    cpuMs: spread((sample) => ('cpuMs' in sample ? sample.cpuMs : 0)),
    wallMs: spread((sample) => ('wallMs' in sample ? sample.wallMs : 0)),
    bytes: spread((sample) => ('keptBytes' in sample ? sample.keptBytes : sample.sentBytes) / cells),
  }
}

function foundBy(group: readonly Sample[]): string | null {
  const found = group.flatMap((sample) => (sample.step === 'lasso' && sample.found ? [sample.found] : []))
  return found[0] === undefined ? null : `${found[0].count} cells, sum ${found[0].sum}`
}

function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0
  return { median: at(0.5), low: at(0), high: at(1), count: sorted.length }
}

/** Every contender's own numbers, with their ranges. */
export function textOf(measures: readonly Measure[]): string {
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(18) : cell.padStart(28))).join('')
  const range = ({ median, low, high, count }: Spread) => `${short(median)} (${short(low)}-${short(high)}) of ${count}`
  const lines = measures.map(({ name, cells, step, cpuMs, wallMs, bytes }) =>
    line([`${size(cells)} ${step}`, name, range(cpuMs), range(wallMs), short(bytes.median)]),
  )
  return [
    line(['operation', '', 'CPU ms', 'wall ms', 'bytes a cell']),
    ...lines.toSorted(),
    ...measures.flatMap(({ cells, name, found }) => (found ? [`${size(cells)} lasso, ${name}: ${found}`] : [])),
    'CPU: main thread, workers not counted. Wall: software drawing, waited for by reading one pixel; hover: the answer alone.',
    'three and ours draw opaque squares of 2 px, regl-scatterplot and embedding-atlas soft discs. A peer has no sample to',
    'move: its frame stands beside ours while moving. hover3d: three as its users write it, a ray against every point.',
  ].join('\n')
}

function size(cells: number): string {
  return `${cells / 1e6}M`
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
