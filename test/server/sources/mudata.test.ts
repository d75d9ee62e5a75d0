import { describe, expect, it } from 'vitest'
import { CellMap, joinedGenes } from '../../../data/mudata/cell-map.ts'
import { namedGenes, namedParts } from '../../../data/mudata/modality-names.ts'

const LACKING = new CellMap(Uint32Array.of(2, 0, 1), 2, 'rna')
const TURNED = new CellMap(Uint32Array.of(3, 1, 2), 3, 'rna')
const NAN = Number.NaN

describe('cells of a modality on all cells', () => {
  it('cells that it lacks are missing, in numbers, codes, positions and genes', () => {
    expect(LACKING.obs({ form: 'dense', values: Float32Array.of(5, 7) })).toEqual({
      form: 'dense',
      values: Float32Array.of(7, NAN, 5),
    })
    const codes = { form: 'codes', categories: ['a', 'b'], ordered: false, colors: null } as const
    expect(LACKING.obs({ ...codes, codes: Uint8Array.of(0, 1) })).toEqual({ ...codes, codes: Uint8Array.of(1, 255, 0) })
    expect(LACKING.obs({ ...codes, codes: Uint16Array.of(0, 1) })).toEqual({
      ...codes,
      codes: Uint16Array.of(1, 65_535, 0),
    })
    expect(LACKING.positions(Float32Array.of(1, 2, 3, 4), 2)).toEqual(Float32Array.of(3, 4, NAN, NAN, 1, 2))
    const sparse = { form: 'sparse', n: 2, rows: Uint32Array.of(1), values: Float32Array.of(9) } as const
    expect(LACKING.gene(sparse)).toEqual({ form: 'dense', values: Float32Array.of(9, NAN, 0) })
  })

  it('whole numbers keep their digits where cells are missing', () => {
    const values = Int32Array.of(16_777_217, -3)
    expect(LACKING.obs({ form: 'dense', values })).toEqual({
      form: 'dense',
      values: Float64Array.of(-3, NAN, 16_777_217),
    })
    expect(TURNED.obs({ form: 'dense', values: Int32Array.of(1, 2, 3) })).toEqual({
      form: 'dense',
      values: Int32Array.of(3, 1, 2),
    })
  })

  it('a sparse gene of the same cells in another order stays sparse, its rows ascending', () => {
    const gene = { form: 'sparse', n: 3, rows: Uint32Array.of(0, 2), values: Float32Array.of(4, 6) } as const
    expect(TURNED.gene(gene)).toEqual({
      form: 'sparse',
      n: 3,
      rows: Uint32Array.of(0, 1),
      values: Float32Array.of(6, 4),
    })
  })

  it.each([
    ['a row beyond its cells', Uint32Array.of(1, 3)],
    ['one row for two cells', Uint32Array.of(1, 1)],
  ])('%s is refused', (_, rows) => {
    expect(() => new CellMap(rows, 2, 'rna')).toThrow('obsmap "rna" does not fit its cells')
  })

  it('one gene of several modalities has the value of whichever has the cell', () => {
    const parts = [
      { form: 'dense', values: Float32Array.of(1, NAN, NAN) },
      { form: 'dense', values: Float32Array.of(NAN, 2, NAN) },
    ] as const
    expect(joinedGenes(parts, 3)).toEqual({ form: 'dense', values: Float32Array.of(1, 2, NAN) })
  })
})

describe('names', () => {
  it('a column keeps its name where no other has it, and is listed once where mudata pulled it', () => {
    const parts = namedParts(
      [{ key: 'sample' }, { key: 'rna:depth' }],
      [
        { name: 'rna', parts: [{ key: 'depth' }, { key: 'leiden' }, { key: 'only' }, { key: 'sample' }] },
        { name: 'prot', parts: [{ key: 'leiden' }] },
      ],
    )
    expect(parts.map(({ key, from, own }) => [key, from, own])).toEqual([
      ['sample', null, 'sample'],
      ['rna:depth', null, 'rna:depth'],
      ['rna:leiden', 'rna', 'leiden'],
      ['only', 'rna', 'only'],
      ['rna:sample', 'rna', 'sample'],
      ['prot:leiden', 'prot', 'leiden'],
    ])
  })

  it('a gene is named with its modality where another has the name, also in its other table', () => {
    const { ids, labels } = namedGenes([
      { name: 'rna', ids: ['CD3', 'CD4', 'x'], labels: null, others: [] },
      { name: 'prot', ids: ['CD3', 'y'], labels: ['CD3', 'Y'], others: ['x'] },
    ])
    expect(ids).toEqual(['rna:CD3', 'rna:CD4', 'rna:x', 'prot:CD3', 'prot:y'])
    expect(labels).toEqual(['rna:CD3', 'CD4', 'rna:x', 'prot:CD3', 'Y'])
  })
})
