import { resourceUsage } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import { filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { readMutations } from './mutated-reads.ts'

/** Layouts and mutations of each, as make_mutated.py has them; many more in test/long. */
const MUTATIONS = 5 * 6
/** Of the process that opens file after file, in kilobytes. */
const MAX_RESIDENT_KB = 1_500_000
let folder = ''

beforeAll(async () => {
  folder = await filesOf('make_mutated.py')
}, MADE_WITHIN_MS)

test(`of ${MUTATIONS} seeded mutations of h5ad layouts each column is refused with a code, or has the values that anndata reads`, async () => {
  const { files, refused, compared } = await readMutations(folder)
  expect(files).toBe(MUTATIONS)
  expect(refused).toBeGreaterThan(10)
  expect(compared).toBeGreaterThan(200)
  expect(resourceUsage().maxRSS).toBeLessThan(MAX_RESIDENT_KB)
}, 240_000)
