import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseEncoding } from '../../../data/values/column-encoding.ts'
import { type Column, decodeColumn, encodeColumn } from '../../../protocol/column-frame.ts'

const RANGE = { min: 0, max: 1, missingCells: 0 }

function dense(values: readonly number[]): Column {
  return { kind: 'dense', values: Float32Array.from(values), ...RANGE }
}

/** One value per cell, whatever the form. */
function cells(column: Column): number[] {
  if (column.kind === 'codes') return [...column.codes]
  if (column.kind === 'dense') return [...column.values]
  const values = new Array<number>(column.n).fill(0)
  column.rows.forEach((row, i) => {
    values[row] = column.values[i] ?? 0
  })
  return values
}

describe('chooseEncoding', () => {
  test('is sparse below 40 % values that are not 0, dense from there on', () => {
    const column = (stored: number) => dense(Array.from({ length: 10 }, (_, i) => (i < stored ? 1 : 0)))
    expect([0, 3, 4, 10].map((stored) => chooseEncoding(column(stored)).kind)).toEqual([
      'sparse',
      'sparse',
      'dense',
      'dense',
    ])
  })

  test('NaN is a value, not a 0', () => {
    const chosen = chooseEncoding(dense([0, Number.NaN, 0, 0]))
    expect(cells(chosen)).toEqual([0, Number.NaN, 0, 0])
  })

  test('codes stay as they are', () => {
    const codes: Column = {
      kind: 'codes',
      codes: Uint8Array.of(0),
      categories: ['a'],
      ordered: false,
      colors: ['#000'],
      missingCells: 0,
    }
    expect(chooseEncoding(codes)).toBe(codes)
  })

  test('says the same values in every form, also after the wire, for 300 seeded columns', async () => {
    const value = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.float({ noDefaultInfinity: true }))
    await fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), (values) => {
        const column = dense(values)
        const once = chooseEncoding(column)
        // -0 is 0 to a viewer.
        const expected = cells(column).map((each) => each + 0)
        expect(cells(once).map((each) => each + 0)).toEqual(expected)
        expect(cells(chooseEncoding(decodeColumn(encodeColumn(once), values.length))).map((each) => each + 0)).toEqual(
          expected,
        )
      }),
      { numRuns: 300, seed: 11 },
    )
  })
})
