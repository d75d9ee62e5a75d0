import { ProtocolError } from '../../protocol/errors.ts'
import type { SourceRead } from '../../protocol/pipe.ts'

/** The answer to one `source.read`, as the kernel's source worker gives it. */
export type KernelAnswer = { result: unknown; body: Uint8Array }

const CLUSTERS = ['B', 'T', 'NK', 'Mono', 'DC']
const GENES = ['CD3D', 'MS4A1', 'NKG7', 'LYZ', 'ACTB']

/**
 * A dataset in a kernel's memory, computed on request: `X_umap`, the obs fields `cluster` and `score`, five genes of
 * which the last is dense. Cell i is of cluster i mod 5; gene g is i + g in every tenth cell.
 */
export function smallDataset(cellCount = 700): (read: SourceRead) => KernelAnswer {
  return (read) => {
    switch (read.what) {
      case 'describe':
        return { result: description(cellCount), body: new Uint8Array() }
      case 'obsm':
        return array(read.columns, read.start, read.end)
      case 'obs':
        return read.key === 'cluster' ? clusters(cellCount) : dense(scores(cellCount))
      case 'var':
        return dense(expression(read.index, cellCount))
      case 'varNames':
        return { result: {}, body: json(GENES) }
      case 'obsNames':
        return { result: {}, body: json(cellNames(read.start, read.end)) }
      default:
        throw new ProtocolError('bad_request', 'No such read.')
    }
  }
}

function description(nObs: number) {
  return {
    nObs,
    nVar: GENES.length,
    version: '1',
    obsm: [{ key: 'X_umap', columns: 2, version: '1' }],
    obs: [
      { key: 'cluster', kind: 'categorical', version: '1' },
      { key: 'score', kind: 'continuous', version: '1' },
    ],
    varColumns: [],
    varColumnVersions: [],
    matrices: [{ matrix: { in: 'X' }, genes: GENES.length, version: '1' }],
    colorCycle: null,
    defaultEmbedding: null,
    notes: [],
  }
}

/** Points on a spiral, so that no two are the same. */
function array(columns: number, start: number, end: number): KernelAnswer {
  const positions = new Float32Array((end - start) * columns)
  for (let row = start; row < end; row++) {
    for (let column = 0; column < columns; column++) {
      positions[(row - start) * columns + column] = (row / 100) * (column === 0 ? Math.cos(row) : Math.sin(row))
    }
  }
  return { result: { form: 'array', dtype: 'f4', rows: end - start, columns, version: '1' }, body: bytesOf(positions) }
}

function clusters(n: number): KernelAnswer {
  const codes = Uint8Array.from({ length: n }, (_, cell) => cell % CLUSTERS.length)
  const facts = { form: 'codes', width: 1, n, categories: CLUSTERS, ordered: false, colors: null, version: '1' }
  return { result: facts, body: codes }
}

const scores = (n: number) => Float32Array.from({ length: n }, (_, cell) => cell / n)
const expression = (gene: number, n: number) =>
  Float32Array.from({ length: n }, (_, cell) => (gene === GENES.length - 1 || cell % 10 === 0 ? cell + gene : 0))

function dense(values: Float32Array): KernelAnswer {
  return { result: { form: 'dense', dtype: 'f4', n: values.length, version: '1' }, body: bytesOf(values) }
}

function cellNames(start: number, end: number): string[] {
  return Array.from({ length: end - start }, (_, i) => `cell-${start + i}`)
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
