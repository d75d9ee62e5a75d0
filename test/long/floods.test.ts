import { expect, test } from 'vitest'
import { FLOOD_KINDS, readDuring } from '../stage/floods.ts'

const SECONDS = 60
const GOAL_MS = 250

test.each(FLOOD_KINDS)('through a minute of %s of another user an honest page reads as ever', async (kind) => {
  const { reads, p99, worst, refused } = await readDuring(kind, SECONDS)
  process.stderr.write(`${kind}: ${reads} reads, p99 ${p99} ms, worst ${worst} ms, ${refused.length} refused\n`)
  expect(refused).toEqual([])
  expect(p99).toBeLessThanOrEqual(GOAL_MS)
})
