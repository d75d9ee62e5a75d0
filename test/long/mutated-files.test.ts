import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { resourceUsage } from 'node:process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { PYTHON } from '../server/sources/anndata-files.ts'
import { readMutations } from '../server/sources/mutated-reads.ts'

const LAYOUTS = 5
const OF_EACH = 40
const MAX_RESIDENT_KB = 1_500_000
/** A reader without progress is given up after 10 s; the rest is what a whole small file takes on a busy machine. */
const SLOWEST_MS = 15_000
const SCRIPT = resolve(import.meta.dirname, '../server/sources/make_mutated.py')

test(`of ${LAYOUTS * OF_EACH} seeded mutations of h5ad layouts none ends the process, stands still, or shows another value`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cellucid-mutated-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await promisify(execFile)(PYTHON, [SCRIPT, folder, String(OF_EACH)])
  const counts = await readMutations(folder)
  const residentMb = Math.round(resourceUsage().maxRSS / 1000)
  process.stdout.write(`${JSON.stringify({ ...counts, slowestMs: Math.round(counts.slowestMs), residentMb })}\n`)
  expect(counts.files).toBe(LAYOUTS * OF_EACH)
  expect(counts.refused).toBeGreaterThan(60)
  expect(counts.compared).toBeGreaterThan(1_000)
  expect(counts.slowestMs).toBeLessThan(SLOWEST_MS)
  expect(residentMb).toBeLessThan(MAX_RESIDENT_KB / 1000)
})
