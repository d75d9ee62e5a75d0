import { ProtocolError } from '../../protocol/errors.ts'
import type { SourceRead } from '../../protocol/pipe.ts'
import type { KernelAnswer } from './small-dataset.ts'

/** Cell types of blood with their share of the cells, their place in UMAP, and a gene that marks them. */
const TYPES: readonly (readonly [name: string, share: number, x: number, y: number, marker: string])[] = [
  ['CD14+ monocytes', 17, -8.2, 1.4, 'LYZ'],
  ['CD16+ monocytes', 5, -5.6, 3.6, 'FCGR3A'],
  ['Conventional DC', 3, -6.4, -2.4, 'FCER1A'],
  ['Plasmacytoid DC', 1.2, -2.4, -6.4, 'LILRA4'],
  ['Naive B cells', 8, 4.6, -7.4, 'MS4A1'],
  ['Memory B cells', 5, 6.8, -6.2, 'CD79A'],
  ['Plasma cells', 1.2, 9.2, -8.6, 'MZB1'],
  ['Naive CD4 T cells', 16, 4.2, 3.6, 'CCR7'],
  ['Central memory CD4 T', 11, 2.4, 1.6, 'IL7R'],
  ['Regulatory T cells', 3, 1.2, 4.6, 'FOXP3'],
  ['Naive CD8 T cells', 8, 7, 4.4, 'CD8B'],
  ['Effector CD8 T cells', 8, 5.6, 0.6, 'GZMK'],
  ['MAIT cells', 2, 3.4, -1.2, 'SLC4A10'],
  ['γδ T cells', 2, 7.2, -1, 'TRDC'],
  ['NK cells', 9, 10, 1.2, 'NKG7'],
  ['CD56bright NK', 1.6, 11.4, 3.2, 'XCL1'],
  ['Platelets', 2, -10.4, -5.2, 'PPBP'],
  ['Erythroid', 1, -11.6, 5.8, 'HBB'],
  ['HSPC', 0.8, -1.4, -1.2, 'CD34'],
]
const PHASES = ['G1', 'S', 'G2M']
const DONORS = Array.from({ length: 12 }, (_, i) => `donor ${String(i + 1).padStart(2, '0')}`)
const GENES = [...TYPES.map(([, , , , marker]) => marker), 'CD3D', 'ACTB', 'MALAT1']
const T_CELLS = TYPES.flatMap(([name], type) => (/ T\b|MAIT/.test(name) ? [type] : []))
const TOTAL = TYPES.reduce((sum, [, share]) => sum + share, 0)

/**
 * A dataset in a kernel's memory that looks like blood, the same each time: `X_umap`, `X_umap_3d`, `X_pca`, the
 * obs fields `cell_type`, `donor`, `phase`, `n_counts` and `percent_mito` (missing in every 50th cell), a marker gene
 * for each cell type. For pictures, and for tests that want more than the small dataset has.
 */
export function bloodDataset(cellCount: number): (read: SourceRead) => KernelAnswer {
  const types = typesOf(cellCount)
  return (read) => {
    switch (read.what) {
      case 'describe':
        return { result: description(cellCount), body: new Uint8Array() }
      case 'obsm':
        return positions(types, read)
      case 'obs':
        return field(read.key, types)
      case 'var':
        return dense(expression(read.index, types))
      case 'varNames':
        return {
          result: {},
          body: json(
            read.column === null ? GENES.map((_, i) => `ENSG${String(167_286 + i).padStart(11, '0')}`) : GENES,
          ),
        }
      case 'obsNames':
        return { result: {}, body: json(names(read.start, read.end)) }
      default:
        throw new ProtocolError('bad_request', 'No such read.')
    }
  }
}

function description(nObs: number) {
  const field = (key: string, kind: string) => ({ key, kind, version: '1' })
  return {
    nObs,
    nVar: GENES.length,
    version: '1',
    obsm: [
      { key: 'X_umap', columns: 2, version: '1' },
      { key: 'X_umap_3d', columns: 3, version: '1' },
      { key: 'X_pca', columns: 2, version: '1' },
    ],
    obs: [
      field('cell_type', 'categorical'),
      field('donor', 'categorical'),
      field('phase', 'categorical'),
      field('n_counts', 'continuous'),
      field('percent_mito', 'continuous'),
    ],
    varColumns: ['gene_symbols'],
    varColumnVersions: ['1'],
    matrices: [{ matrix: { in: 'X' }, genes: GENES.length, version: '1' }],
    colorCycle: null,
    defaultEmbedding: null,
    notes: [],
  }
}

/** The type of each cell, shares kept, order mixed. */
function typesOf(cellCount: number): Uint8Array {
  const ends = TYPES.map((_, i) => TYPES.slice(0, i + 1).reduce((sum, [, share]) => sum + share, 0) / TOTAL)
  return Uint8Array.from({ length: cellCount }, (_, cell) => {
    const at = chance(cell, 0)
    return Math.max(
      0,
      ends.findIndex((end) => at < end),
    )
  })
}

function positions(
  types: Uint8Array,
  { key, columns, start, end }: Extract<SourceRead, { what: 'obsm' }>,
): KernelAnswer {
  const values = new Float32Array((end - start) * columns)
  for (let cell = start; cell < end; cell++) {
    const [, share, x, y] = TYPES[types[cell] ?? 0] ?? ['', 1, 0, 0, '']
    const wide = 0.35 + 0.28 * Math.sqrt(share)
    const [a, b, c] = [normal(cell, 1), normal(cell, 2), normal(cell, 3)]
    // A bent cloud, as UMAP makes them.
    const place =
      key !== 'X_pca'
        ? [x + wide * a, y + wide * (0.75 * b + 0.3 * (a * a - 1)), 0.25 * y + wide * c]
        : [x * 0.6 + 2 * a, y * 0.5 + 2 * b]
    for (let column = 0; column < columns; column++) values[(cell - start) * columns + column] = place[column] ?? 0
  }
  return { result: { form: 'array', dtype: 'f4', rows: end - start, columns, version: '1' }, body: bytesOf(values) }
}

function field(key: string, types: Uint8Array): KernelAnswer {
  const cells = [...types.keys()]
  if (key === 'cell_type')
    return codes(
      types,
      TYPES.map(([name]) => name),
    )
  if (key === 'donor')
    return codes(
      cells.map((cell) => Math.floor(chance(cell, 4) ** 1.4 * DONORS.length)),
      DONORS,
    )
  if (key === 'phase')
    return codes(
      cells.map((cell) => (chance(cell, 5) < 0.7 ? 0 : chance(cell, 6) < 0.6 ? 1 : 2)),
      PHASES,
    )
  if (key === 'n_counts')
    return dense(Float32Array.from(cells, (cell) => Math.round(Math.exp(7.6 + 0.45 * normal(cell, 7)))))
  return dense(
    Float32Array.from(cells, (cell) => (cell % 50 === 0 ? Number.NaN : Math.abs(0.03 + 0.02 * normal(cell, 8)))),
  )
}

/** The gene's own type has much of it, the others little; CD3D is every T cell's, the last two are everybody's. */
function expression(gene: number, types: Uint8Array): Float32Array {
  return Float32Array.from(types, (type, cell) => {
    const isOwn = gene === type || (GENES[gene] === 'CD3D' && T_CELLS.includes(type)) || gene > TYPES.length
    const level = isOwn
      ? 2.6 + 0.7 * normal(cell, 20 + gene)
      : chance(cell, 50 + gene) < 0.06
        ? 0.8 * chance(cell, 80 + gene)
        : 0
    return Math.max(0, level)
  })
}

function codes(of: ArrayLike<number>, categories: readonly string[]): KernelAnswer {
  const facts = { form: 'codes', width: 1, n: of.length, categories, ordered: false, colors: null, version: '1' }
  return { result: facts, body: Uint8Array.from(of) }
}

function dense(values: Float32Array): KernelAnswer {
  return { result: { form: 'dense', dtype: 'f4', n: values.length, version: '1' }, body: bytesOf(values) }
}

function names(start: number, end: number): string[] {
  const letters = 'ACGT'
  return Array.from({ length: end - start }, (_, i) => {
    const barcode = Array.from({ length: 16 }, (_, at) => letters[Math.floor(4 * chance(start + i, 200 + at))]).join('')
    return `${barcode}-1`
  })
}

/** From 0 to 1, the same for the same cell and question each time (a hash after Mulberry32 by Tommy Ettinger). */
function chance(cell: number, question: number): number {
  let t = (cell * 0x9e3779b1 + question * 0x85ebca6b + 0x6d2b79f5) >>> 0
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

function normal(cell: number, question: number): number {
  return Math.sqrt(-2 * Math.log(1 - chance(cell, question))) * Math.cos(2 * Math.PI * chance(cell, question + 1000))
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
