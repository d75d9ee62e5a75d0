import type { ContenderName } from './bundles.ts'
import type { StepName, StepResult } from './viewer-round.ts'

export type Sample = { name: ContenderName; cells: number } & (
  | ({ step: StepName; cpuMs: number } & StepResult)
  | { step: 'kept'; keptBytes: number }
)

type Measure = {
  name: ContenderName
  cells: number
  step: string
  /** number and sum of the cells that were found */
  found: string | null
  cpuMs: Spread
  wallMs: Spread
  bytes: Spread
}
type Spread = { median: number; low: number; high: number; count: number }

/** Medians with their ranges, and what we take as a part of the best peer that has the operation. */
export function report(samples: readonly Sample[]): { measures: Measure[]; ratios: Ratio[]; text: string } {
  const groups = Map.groupBy(samples, ({ cells, step, name }) => `${cells} ${step} ${name}`)
  const measures = [...groups.values()].flatMap((group) => (group[0] ? [measureOf(group[0], group)] : []))
  const ratios = ratiosOf(measures)
  return { measures, ratios, text: textOf(measures, ratios) }
}

type Ratio = { cells: number; step: string; peer: ContenderName; cpu: number; wall: number; bytes: number }

function ratiosOf(measures: readonly Measure[]): Ratio[] {
  return measures
    .filter(({ name }) => name === 'own')
    .flatMap((own) => {
      // While its camera moves a peer draws what it always draws.
      const step = own.step === 'moving' ? 'frame' : own.step
      const peers = measures.filter((other) => other.name !== 'own' && other.cells === own.cells && other.step === step)
      // A wrong answer has no time.
      const isSame = own.found === null || peers.some(({ found }) => found === own.found)
      if (own.step === 'lasso' && !isSame) return []
      const [best] = peers.toSorted((a, b) => a.cpuMs.median - b.cpuMs.median || a.bytes.median - b.bytes.median)
      if (best === undefined) return []
      const part = (key: 'cpuMs' | 'wallMs' | 'bytes') => {
        const least = Math.min(...peers.map((peer) => peer[key].median))
        return least > 0 ? own[key].median / least : Number.NaN
      }
      return [
        {
          cells: own.cells,
          step: own.step,
          peer: best.name,
          cpu: part('cpuMs'),
          wall: part('wallMs'),
          bytes: part('bytes'),
        },
      ]
    })
}

function measureOf({ name, cells, step }: Sample, group: readonly Sample[]): Measure {
  const spread = (of: (sample: Sample) => number) => spreadOf(group.map(of))
  return {
    name,
    cells,
    step,
    found: foundBy(group),
    cpuMs: spread((sample) => (sample.step === 'kept' ? 0 : sample.cpuMs)),
    wallMs: spread((sample) => (sample.step === 'kept' ? 0 : sample.wallMs)),
    bytes: spread((sample) => (sample.step === 'kept' ? sample.keptBytes : sample.sentBytes)),
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

function textOf(measures: readonly Measure[], ratios: readonly Ratio[]): string {
  const row = (cells: readonly string[]) =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(18) : cell.padStart(22))).join('')
  const range = ({ median, low, high }: Spread) => `${short(median)} (${short(low)}-${short(high)})`
  const lines = measures.map(({ name, cells, step, cpuMs, wallMs, bytes }) =>
    row([`${cells / 1e6}M ${step}`, name, range(cpuMs), range(wallMs), short(bytes.median / cells)]),
  )
  const parts = ratios.map(({ cells, step, peer, cpu, wall, bytes }) =>
    row([`${cells / 1e6}M ${step}`, peer, short(cpu), short(wall), short(bytes)]),
  )
  return [
    row(['operation', '', 'CPU ms', 'wall ms', 'bytes a cell']),
    ...lines.toSorted(),
    '',
    row(['ours as a part of', 'the best peer', 'CPU', 'wall', 'bytes']),
    ...parts,
    ...measures.flatMap(({ cells, name, found }) => (found ? [`${cells / 1e6}M lasso, ${name}: ${found}`] : [])),
    'CPU: main thread, workers not counted. Wall: software drawing, each operation waited for by reading one pixel.',
    'three and ours draw opaque squares of 2 px, regl-scatterplot and embedding-atlas soft discs.',
  ].join('\n')
}

function short(value: number): string {
  return Number.isNaN(value) ? '-' : value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
