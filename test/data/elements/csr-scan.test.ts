import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { CsrScan } from '../../../data/elements/csr-scan.ts'
import { denseColumn, densified, GENES, partsOf, rowsArbitrary } from '../../server/sources/sparse-matrix.ts'

const turn = async () => undefined

test('every gene, from any row on, is what scipy has, for 200 seeded matrices in blocks of any size', async () => {
  const chunk = fc.option(fc.integer({ min: 1, max: 9 }))
  await fc.assert(
    fc.asyncProperty(
      rowsArbitrary,
      fc.integer({ min: 1, max: 30 }),
      chunk,
      fc.nat(40),
      async (rows, block, size, from) => {
        const { parts, pointers } = partsOf(rows, size)
        const scan = new CsrScan(parts, GENES, block)
        const startRow = Math.min(from, rows.length)
        for (let gene = 0; gene < GENES; gene++) {
          const found = await scan.column(gene, startRow, pointers, turn)
          expect(densified(found)).toEqual(denseColumn(rows, gene, startRow))
        }
      },
    ),
    { numRuns: 200, seed: 5 },
  )
})

const ROWS = Array.from({ length: 30 }, (_, i) => [[i % GENES, i + 1] as const])

test('genes that are asked for together share one pass', async () => {
  const { parts, pointers } = partsOf(ROWS, null)
  const visit = vi.spyOn(parts.indices, 'visit')
  const scan = new CsrScan(parts, GENES, 5)
  const found = await Promise.all([0, 1, 2, 2].map((gene) => scan.column(gene, 0, pointers, turn)))
  expect(found.map(densified)).toEqual([0, 1, 2, 2].map((gene) => denseColumn(ROWS, gene)))
  expect(visit).toHaveBeenCalledTimes(6)
})

test('one that joins late gets every block once, in order', async () => {
  const { parts, pointers } = partsOf(ROWS, null)
  const scan = new CsrScan(parts, GENES, 5)
  let blocks = 0
  let late: Promise<number[]> | null = null
  const joinLate = async () => {
    if (++blocks === 4) late = scan.column(3, 0, pointers, turn).then(densified)
  }
  await scan.column(1, 0, pointers, joinLate)
  expect(await late).toEqual(denseColumn(ROWS, 3))
})

test('one that leaves stops its part of the pass, and the others go on', async () => {
  const { parts, pointers } = partsOf(ROWS, null)
  const visit = vi.spyOn(parts.indices, 'visit')
  const scan = new CsrScan(parts, GENES, 5)
  const reason = new Error('another colour')
  const leave = () => Promise.reject(reason)
  await expect(scan.column(1, 0, pointers, leave)).rejects.toBe(reason)
  const before = visit.mock.calls.length
  const [left, stayed] = await Promise.allSettled([
    scan.column(1, 0, pointers, leave),
    scan.column(2, 0, pointers, turn),
  ])
  expect(left).toMatchObject({ status: 'rejected' })
  expect(stayed.status === 'fulfilled' && densified(stayed.value)).toEqual(denseColumn(ROWS, 2))
  expect(before).toBeLessThanOrEqual(1)
})

test('a gene that does not exist ends all who read that block, and the next pass works', async () => {
  const { parts, pointers } = partsOf([[[1, 1]], [[7, 1]], [[2, 2]]], null)
  const scan = new CsrScan(parts, GENES, 1)
  const failing = await Promise.allSettled([0, 1].map((gene) => scan.column(gene, 0, pointers, turn)))
  expect(failing).toEqual([
    { status: 'rejected', reason: expect.objectContaining({ code: 'malformed' }) },
    { status: 'rejected', reason: expect.objectContaining({ code: 'malformed' }) },
  ])
  expect(densified(await scan.column(2, 2, pointers, turn))).toEqual([0, 0, 2])
})
