import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Column, columnPieces, decodeColumn, encodeColumn } from '../../protocol/column-frame.ts'
import { encodeFrame, encodeMessage, FrameAssembler, MAX_FRAME_BYTES } from '../../protocol/frame.ts'
import { around, isSame, largest, pattern } from '../stage/borders.ts'

const HEADER = { kind: 'event', id: 'x' }
const countFrames = (bytes: number, limit: number) => [...encodeMessage(HEADER, new Uint8Array(bytes), 1, limit)].length

/** Bodies that fill one, two and three frames of at most `limit` bytes, and those beside them. */
function sizesFor(limit: number): number[] {
  return around(...[1, 2, 3].map((frames) => largest((size) => countFrames(size, limit) <= frames, 4 * limit)))
}

describe.each([200_000, 512 << 10, (1 << 20) - (32 << 10) - 4, MAX_FRAME_BYTES])('frames of %i bytes', (limit) => {
  test.each(sizesFor(limit))('carry a body of %i bytes, none longer than they may be', (size) => {
    const assembler = new FrameAssembler()
    const frames = [...encodeMessage(HEADER, pattern(size), 1, limit)]
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThanOrEqual(limit)
    const heard = frames.map((frame) => assembler.push(frame))
    expect(heard.slice(0, -1).every((message) => message === null)).toBe(true)
    expect(heard.at(-1)?.header).toEqual(HEADER)
    expect(isSame(heard.at(-1)?.body ?? pattern(9), pattern(size))).toBe(true)
  })
})

test.each(around(MAX_FRAME_BYTES - (64 << 10), MAX_FRAME_BYTES - 100))(
  'a header with %i letters passes whole or is refused, with and without a body',
  (letters) => {
    const header = { kind: 'x'.repeat(letters) }
    for (const body of [0, 1, 100_000].map(pattern)) {
      const assembler = new FrameAssembler()
      const frames = [...encodeMessage(header, body, 1)]
      const last = frames.map((frame) => assembler.push(frame)).at(-1)
      expect(last?.header).toEqual(header)
      expect(isSame(last?.body ?? pattern(9), body)).toBe(true)
    }
    const limit = 200_000
    const cut = () => [...encodeMessage(header, pattern(9), 1, limit)]
    if (letters > limit) expect(cut).toThrow('at most 200000')
    else expect(cut().every(({ length }) => length <= limit)).toBe(true)
  },
)

test('a body that is announced in parts is whole with its last byte, however it is cut and however small it is', () => {
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 2, 8, 1000), fc.array(fc.nat(1000), { maxLength: 4 }), (size, cuts) => {
      const body = pattern(size)
      const places = [...cuts.filter((cut) => cut < size), size].sort((a, b) => a - b)
      const assembler = new FrameAssembler()
      let heard = assembler.push(encodeFrame({ m: 1, body: { stream: 3, length: size } }, body.subarray(0, places[0])))
      for (const [i, end] of places.slice(1).entries()) {
        const offset = places[i] ?? 0
        expect(heard).toBeNull()
        heard = assembler.push(encodeFrame({ stream: 3, offset }, body.subarray(offset, end)))
      }
      expect(heard).toEqual({ header: { m: 1 }, body })
    }),
    { seed: 11, numRuns: 200 },
  )
})

describe('a column frame', () => {
  const RANGE = { min: null, max: null, missingCells: 0 }
  const column: fc.Arbitrary<{ column: Column; cellCount: number }> = fc
    .record({
      kind: fc.constantFrom('dense', 'sparse', 'u1', 'u2'),
      cellCount: fc.constantFrom(...around(8, 16, 8192, 16_384)),
      stored: fc.double({ min: 0, max: 1, noNaN: true }),
      name: fc.string({ maxLength: 20 }),
    })
    .map(({ kind, cellCount, stored, name }) => {
      const nnz = Math.round(stored * cellCount)
      const values = Float32Array.from({ length: kind === 'dense' ? cellCount : nnz }, (_, i) => i + 1)
      if (kind === 'dense') return { cellCount, column: { kind, values, ...RANGE } }
      const rows = Uint32Array.from({ length: nnz }, (_, i) => i)
      if (kind === 'sparse') return { cellCount, column: { kind, n: cellCount, rows, values, ...RANGE } }
      const codes = kind === 'u1' ? new Uint8Array(cellCount) : new Uint16Array(cellCount)
      const labels = { categories: [name], ordered: false, colors: ['#808080'], missingCells: 0 }
      return { cellCount, column: { kind: 'codes' as const, codes, ...labels } }
    })

  test('of no cell, of no stored value and of every other length is decoded to what was encoded', () => {
    fc.assert(
      fc.property(column, fc.nat(9), ({ column: given, cellCount }, shift) => {
        const frame = encodeColumn(given)
        expect(isSame(Buffer.concat(columnPieces(given)), frame)).toBe(true)
        expect(decodeColumn(frame, cellCount)).toEqual(given)
        const shifted = new Uint8Array(frame.length + shift)
        shifted.set(frame, shift)
        expect(decodeColumn(shifted.subarray(shift), cellCount)).toEqual(given)
        expect(() => decodeColumn(frame.subarray(0, frame.length - 8), cellCount)).toThrow('did not arrive whole')
      }),
      { seed: 12, numRuns: 150 },
    )
  })
})
