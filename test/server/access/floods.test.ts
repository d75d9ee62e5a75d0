import { expect, test } from 'vitest'
import { FLOOD_KINDS, readDuring } from '../../stage/floods.ts'

const SECONDS = 3
/** Who finds no place at the port asks again after a second. How fast it is else, a busy machine cannot say. */
const WITHOUT_ASKING_TWICE_MS = 1_000

test.each(FLOOD_KINDS)('%s of another user shut no honest page out', async (kind) => {
  const { refused, p99 } = await readDuring(kind, SECONDS)
  expect(refused).toEqual([])
  expect(p99).toBeLessThan(WITHOUT_ASKING_TWICE_MS)
})
