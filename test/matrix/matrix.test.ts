import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { ENVIRONMENTS, type OpenEnvironment } from '../e2e/environments.ts'
import { playScenario, SCENARIO_CELLS } from '../e2e/scenario.ts'
import type { MatrixRow } from './matrix-row.ts'

const FOLDER = resolve(import.meta.dirname, '../../dist/matrix')
/** Set by `npm run matrix`; all when nobody asks for some. */
const wanted = (process.env.MATRIX ?? '').split(' ').filter((name) => name !== '')
const chosen = ENVIRONMENTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))

beforeAll(() => {
  mkdirSync(FOLDER, { recursive: true })
})

test('every environment that was asked for is in the table', () => {
  const names = ENVIRONMENTS.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(wanted))
})

test.each(chosen)('$title', { timeout: 300_000 }, async (environment) => {
  const { name, isReal, expectedTransport } = environment
  const file = join(FOLDER, `${name}.json`)
  rmSync(file, { force: true })
  const row: MatrixRow = {
    environment: name,
    title: environment.title,
    real: isReal,
    expectedTransport,
    transport: null,
    cells: 0,
    firstPictureMs: null,
    ok: false,
    note: '',
  }
  let opened: OpenEnvironment | null = null
  try {
    opened = await environment.open(SCENARIO_CELLS)
    await playScenario(opened.notebook, expectedTransport, { tell: (shown) => Object.assign(row, shown) })
    row.ok = true
  } catch (error) {
    row.note = String(error).split('\n')[0] ?? ''
    throw error
  } finally {
    writeFileSync(file, JSON.stringify(row))
    await opened?.photograph('scenario')
    await opened?.stop()
  }
})
