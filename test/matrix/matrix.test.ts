import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { ENVIRONMENTS } from './environments.ts'
import type { MatrixRow } from './matrix-row.ts'

const FOLDER = resolve(import.meta.dirname, '../../dist/matrix')
/** Set by `npm run matrix`: these, in this order; all when nobody asks for some. */
const wanted = (process.env.MATRIX ?? '').split(' ').filter((name) => name !== '')
const named = wanted.flatMap((wish) => ENVIRONMENTS.filter(({ name }) => name === wish))
const chosen = wanted.length === 0 ? ENVIRONMENTS : named

beforeAll(() => {
  mkdirSync(FOLDER, { recursive: true })
})

test('every environment that was asked for is in the table, and each once', () => {
  const names = ENVIRONMENTS.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(wanted))
  expect(new Set(names).size).toBe(names.length)
})

test.for(chosen)('$title', { timeout: 420_000 }, async (environment, { skip }) => {
  const missing = environment.whyNotHere?.() ?? null
  if (missing !== null) {
    process.stdout.write(`matrix: ${environment.title}: not played, ${missing}\n`)
    skip(missing)
  }
  const { name, title, isReal, isFaulty = false, expectedTransport, play } = environment
  const file = join(FOLDER, `${name}.json`)
  rmSync(file, { force: true })
  const row: MatrixRow = {
    environment: name,
    title,
    real: isReal,
    faulty: isFaulty,
    expectedTransport,
    transport: null,
    cells: 0,
    firstPictureMs: null,
    ok: false,
    note: '',
  }
  try {
    await play((shown) => Object.assign(row, shown))
    row.ok = true
  } catch (error) {
    row.note = String(error).split('\n')[0] ?? ''
    throw error
  } finally {
    writeFileSync(file, JSON.stringify(row))
    const how = row.ok ? `works, ${row.transport}, ${row.firstPictureMs} ms` : `fails: ${row.note}`
    process.stdout.write(
      `matrix: ${chosen.findIndex((one) => one.name === name) + 1} of ${chosen.length}, ${title}: ${how}\n`,
    )
  }
})
