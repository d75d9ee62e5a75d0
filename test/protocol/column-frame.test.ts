import { describe, expect, test } from 'vitest'
import {
  type Column,
  decodeColumn,
  decodeEmbedding,
  type Embedding,
  encodeColumn,
  encodeEmbedding,
} from '../../protocol/column-frame.ts'
import { misaligned, readBytes, readJson } from './fixtures.ts'

type Expected = Record<string, unknown> & { n: number }
const golden = readJson<Record<string, Expected>>('columns')
const columnNames = Object.keys(golden).filter((name) => name.startsWith('column-'))

test('there is a golden frame of every kind', () => {
  expect(columnNames.map((name) => golden[name]?.kind).sort()).toEqual([
    'codes',
    'codes',
    'dense',
    'dense',
    'dense',
    'sparse',
    'sparse',
  ])
})

describe.each(columnNames)('%s', (name) => {
  const expected = golden[name] as Expected // listed a line above
  const frame = readBytes(name)

  test('is decoded to what was packed, also from a view at an odd offset', () => {
    expect(plain(decodeColumn(frame, expected.n))).toEqual(withoutCount(expected))
    expect(plain(decodeColumn(misaligned(frame), expected.n))).toEqual(withoutCount(expected))
  })

  test('survives our own encoder', () => {
    const column = decodeColumn(frame, expected.n)
    expect(decodeColumn(encodeColumn(column), expected.n)).toEqual(column)
  })

  test('is refused cut short, with another magic, or for another number of cells', () => {
    for (const length of [0, 7, 11, 20, frame.length - 8]) {
      expect(() => decodeColumn(frame.subarray(0, length), expected.n)).toThrowError(/did not arrive whole/)
    }
    expect(() => decodeColumn(frame.with(7, 2), expected.n)).toThrowError(/no column frame/)
    expect(() => decodeColumn(frame, expected.n + 1)).toThrowError(/did not arrive whole/)
  })
})

test('an embedding is decoded to what was packed, and survives our own encoder', () => {
  const expected = golden.embedding as Expected // written by the same script
  const embedding = decodeEmbedding(misaligned(readBytes('embedding')), expected.n)
  expect(plain(embedding)).toEqual(withoutCount(expected))
  expect(decodeEmbedding(encodeEmbedding(embedding), expected.n)).toEqual(embedding)
  expect(() => decodeEmbedding(readBytes('column-dense'), 5)).toThrowError(/did not arrive whole/)
  expect(() => decodeColumn(readBytes('embedding'), expected.n)).toThrowError(/did not arrive whole/)
})

test.each([
  ['twice', [1, 1]],
  ['descending', [4, 1]],
  ['outside', [1, 6]],
])('a sparse column whose rows are %s is refused', (_, rows) => {
  const column: Column = {
    kind: 'sparse',
    n: 6,
    rows: Uint32Array.from(rows),
    values: new Float32Array(2),
    min: 0,
    max: 0,
    missingCells: 0,
  }
  expect(() => decodeColumn(encodeColumn(column), 6)).toThrowError(/row/)
})

test.each([
  ['n', decodeColumn],
  ['center', decodeEmbedding],
] as const)('a frame whose %s cannot be made a text or a number is refused', (name, decode) => {
  const header = { kind: 'embedding', n: 0, dimensions: 2, missingCells: 0, sections: [['f4', 0]] }
  const json = JSON.stringify({ ...header, [name]: [{ toString: 1, valueOf: 1 }] })
  const text = new TextEncoder().encode(json.padEnd(Math.ceil((json.length + 4) / 8) * 8 - 4))
  const frame = Uint8Array.from([...readBytes('embedding').subarray(0, 8), text.length, 0, 0, 0, ...text])
  expect(() => decode(frame, 0)).toThrowError(/did not arrive whole/)
})

test('a dataset without cells has columns without values', () => {
  const column: Column = { kind: 'dense', values: new Float32Array(), min: null, max: null, missingCells: 0 }
  expect(decodeColumn(encodeColumn(column), 0)).toEqual(column)
})

/** Arrays as lists, NaN as null: the form of the golden file. */
function plain(value: Column | Embedding): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [
      name,
      ArrayBuffer.isView(entry) ? [...(entry as Float32Array)].map((x) => (Number.isNaN(x) ? null : x)) : entry,
    ]),
  )
}

/** A sparse column keeps its `n`; the others have it in the length of their arrays. */
function withoutCount(expected: Expected): Record<string, unknown> {
  const { n, ...rest } = expected
  return expected.kind === 'sparse' ? { n, ...rest } : rest
}
