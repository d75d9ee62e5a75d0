import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../../..')
export const PYTHON = join(ROOT, '.venv/bin/python')

/** The longest that {@link filesOf} may take: a script writes hundreds of files, on a machine that may be busy. */
export const MADE_WITHIN_MS = 300_000

/** A number as JSON holds it: `null` is NaN, infinities are texts. */
type Expected = number | string | null

/** What anndata reads from a file. */
export type ExpectedData = {
  obsNames: string[]
  varNames: string[]
  rawVarNames: string[]
  symbols: string[]
  obs: Record<string, ExpectedColumn>
  obsm: Record<string, Expected[][]>
  /** Matrix ("X", "raw", "layers/NAME") → gene → cell. */
  matrices: Record<string, Expected[][]>
}
export type ExpectedColumn =
  | { kind: 'dense'; values: Expected[] }
  | { kind: 'codes'; categories: string[]; ordered: boolean; labels: (string | null)[] }
  | { kind: 'identifier' }

/**
 * Run a script beside this file that writes into a folder, once for each text of it and of the one that it imports.
 * @param library a folder with Python packages that come before the installed ones
 * @returns the folder, kept between runs
 */
export async function filesOf(script: string, library = ''): Promise<string> {
  const source = join(import.meta.dirname, script)
  const text = await readFile(source, 'utf8')
  const imported = /^from (make_\w+) import/m.exec(text)?.[1]
  const digest = createHash('sha256')
    .update(text)
    .update(imported === undefined ? '' : await readFile(join(import.meta.dirname, `${imported}.py`)))
    .update(library)
    .digest('hex')
    .slice(0, 12)
  const folder = join(ROOT, 'dist/test-data', `${script.replace('.py', '')}-${digest}`)
  if (existsSync(folder)) return folder
  await mkdir(join(ROOT, 'dist/test-data'), { recursive: true })
  const made = await mkdtemp(`${folder}.part-`)
  try {
    await promisify(execFile)(PYTHON, [source, made], { env: { ...process.env, PYTHONPATH: library } })
  } catch (error) {
    await rm(made, { recursive: true })
    throw error
  }
  // Another test may have been faster: then its folder stays.
  await rename(made, folder).catch(() => rm(made, { recursive: true }))
  return folder
}

/** A published cellucid, which writes export folders: where to import it from, as set-up installed it. */
export function cellucidOf(version: string): string {
  return join(ROOT, '.venv/exporters', `cellucid-${version}`)
}

export async function expectedOf(folder: string, name: string): Promise<ExpectedData> {
  // Written by the script in this very form.
  return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as ExpectedData
}

/** Of what is no whole number float32 is enough, where it can hold it at all. */
function near(value: number): number {
  const single = Math.fround(value)
  return Math.abs(single - value) <= Math.abs(value) * 2 ** -24 ? single : value
}

/** A number of a column as JSON holds it, for comparing. */
export function asExpected(value: number | undefined): Expected {
  if (value === undefined || Number.isNaN(value)) return null
  if (Number.isFinite(value)) return Number.isInteger(value) ? value : near(value)
  return value > 0 ? 'inf' : '-inf'
}
