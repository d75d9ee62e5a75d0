import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { expect, onTestFinished } from 'vitest'
import { DataError, type DataSource } from '../../data/data-source.ts'
import type { Column } from '../../protocol/column-frame.ts'
import { openSource } from '../../server/sources/open-source.ts'
import { filesOf, PYTHON } from '../server/sources/anndata-files.ts'
import { fuzz } from './fuzz.ts'
import { type Change, changed, changes, hostileJson, nearly } from './hostile.ts'

const ROOT = join(import.meta.dirname, '../..')
const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
/** A reader that makes no progress is given up before. */
const SLOWEST_READ_MS = 20_000

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cellucid-fuzz-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Read all that a file says it has: columns of one length, or refusals in words. @returns what came of it */
async function readAll(path: string): Promise<string> {
  const signal = AbortSignal.timeout(SLOWEST_READ_MS)
  const source = await orRefused(
    openSource({ kind: 'path', path }, NO_OPTIONS, () => Promise.reject(new Error('Not asked.'))),
  )
  if (source === null) return 'refused'
  try {
    const identity = await orRefused(source.identity(signal))
    if (identity === null) return 'refused'
    const columns = await columnsOf(source, identity, signal)
    for (const column of columns) if (column !== null) expect(lengthOf(column)).toBe(identity.nObs)
    const embedding = await orRefused(source.embedding(null, 2, signal))
    if (embedding !== null) expect(embedding.positions.length).toBe(identity.nObs * embedding.dimensions)
    return columns.includes(null) || embedding === null ? 'read in part' : 'read'
  } finally {
    await source.close()
  }
}

type Identity = Awaited<ReturnType<DataSource['identity']>>

async function columnsOf(
  source: DataSource,
  { obs, matrices }: Identity,
  signal: AbortSignal,
): Promise<(Column | null)[]> {
  const columns: (Column | null)[] = []
  for (const { key } of obs.slice(0, 12)) columns.push(await orRefused(source.obs(key, signal)))
  for (const { matrix } of matrices.slice(0, 3)) {
    const found = await orRefused(source.genes('', 2, matrix, signal))
    for (const { key } of found?.genes ?? []) columns.push(await orRefused(source.gene(key, matrix, signal)))
  }
  return columns
}

function lengthOf(column: Column): number {
  return column.kind === 'codes' ? column.codes.length : column.kind === 'dense' ? column.values.length : column.n
}

/** `null` for a refusal in words; any other error is a fault, a silence too. */
async function orRefused<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    expect(error).toBeInstanceOf(DataError)
    return null
  }
}

fuzz<Change[]>({
  name: 'hdf5',
  holds: 'a changed HDF5 file is read as columns of its length, or refused in words',
  runs: 15,
  async open() {
    const folder = await newFolder()
    const whole = await readFile(join(ROOT, 'server/sources/hdf5/first-file.h5ad'))
    return {
      input: changes,
      async run(how) {
        const path = join(folder, 'changed.h5ad')
        await writeFile(path, changed(whole, how))
        return readAll(path)
      },
    }
  },
})

/** Stores that make_zarr.py wrote. */
const STORES = ['csr-v2.zarr', 'csc-v3.zarr', 'sharded-v3.zarr', 'zipped-v2.zip', 'zipped-v3.zip']
fuzz<{ of: string; file: number; how: Change[] | string }>({
  name: 'zarr',
  holds: 'a zarr store of which one file is changed is read as columns of its length, or refused in words',
  runs: 12,
  async open() {
    const stores = await filesOf('make_zarr.py')
    const folder = await newFolder()
    return {
      input: fc.record({
        of: fc.constantFrom(...STORES),
        file: fc.nat(),
        how: fc.oneof({ weight: 4, arbitrary: changes }, { weight: 1, arbitrary: hostileJson }),
      }),
      async run({ of, file, how }) {
        const copy = join(folder, of)
        await rm(copy, { recursive: true, force: true })
        await cp(join(stores, of), copy, { recursive: true })
        const files = of.endsWith('.zip') ? [copy] : await filesIn(copy)
        const path = files[file % files.length] ?? copy
        await writeFile(path, typeof how === 'string' ? how : changed(await readFile(path), how))
        return readAll(copy)
      },
    }
  },
})

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

const text = (value: unknown) => fc.constant(JSON.stringify(value))
const schema = nearly({
  pathPattern: fc.constantFrom(
    '"obs/{key}.{ext}"',
    '"obs/{index}.{ext}"',
    '"../{key}"',
    '"{ext}"',
    '""',
    '"obs"',
    '"\\u0000"',
  ),
  dtype: fc.constantFrom('"float32"', '"uint8"', '"uint16"'),
  quantized: fc.constantFrom('true', 'false'),
})
const field = fc.oneof(
  fc.constantFrom(
    '["score"]',
    '["score",0,1]',
    '[0,"score",0,1]',
    '["cluster",["a","b"],"uint8",255]',
    '[1,"cluster",["a","b"],"uint8",255]',
  ),
  fc.array(hostileJson, { maxLength: 5 }).map((list) => `[${list.join(',')}]`),
)
const fieldList = fc.array(field, { maxLength: 3 }).map((list) => `[${list.join(',')}]`)
const format = fc.constantFrom('"compact_v1"', '"compact_v2"')

fuzz<Record<string, string>>({
  name: 'manifests',
  holds: 'an export folder of any manifests is read as columns of its length, or refused in words',
  runs: 100,
  async open() {
    const folder = join(await newFolder(), 'export')
    await mkdir(join(folder, 'obs'), { recursive: true })
    await writeFile(join(folder, 'points_2d.bin'), new Uint8Array(8 * 8))
    await writeFile(join(folder, 'obs/score.f32'), new Uint8Array(8 * 4))
    for (const name of ['0', '1', 'score', 'cluster'])
      await writeFile(join(folder, `obs/${name}.u8`), new Uint8Array(8))
    return {
      input: fc.record({
        'dataset_identity.json': nearly({
          version: fc.constantFrom('2', '3'),
          id: text('x'),
          name: text('x'),
          stats: nearly({ n_cells: text(8), n_genes: text(1) }),
          embeddings: nearly({
            default_dimension: text(2),
            files: fc.constantFrom(
              '{"2d":"points_2d.bin"}',
              '{"2d":"../x"}',
              '{"3d":"points_2d.bin","__proto__":"x"}',
              '{"2d":""}',
            ),
            items: fc.constantFrom(
              '{}',
              '{"X":{"label":"X","dimension":2,"file":"points_2d.bin"}}',
              '{"X":{"label":"X","dimension":1.5,"file":"obs"}}',
            ),
          }),
        }),
        'obs_manifest.json': nearly({
          _format: format,
          n_points: text(8),
          _obsSchemas: nearly({
            continuous: schema,
            categorical: nearly({ codesPathPattern: text('obs/{key}.{ext}') }),
          }),
          _continuousFields: fieldList,
          _categoricalFields: fieldList,
        }),
        'var_manifest.json': nearly({ _format: format, n_points: text(8), _varSchema: schema, fields: fieldList }),
      }),
      async run(manifests) {
        for (const [name, content] of Object.entries(manifests)) await writeFile(join(folder, name), content)
        return readAll(folder)
      },
    }
  },
})

fuzz<number>({
  name: 'sessions',
  holds: 'a changed session file, and frames of the pipe, are read or refused in words by the kernel',
  runs: 1,
  async open() {
    const script = join(import.meta.dirname, 'session_files.py')
    return {
      // The seed of all that the script tries, which says what failed by itself.
      input: fc.noShrink(fc.nat(2 ** 31 - 1)),
      async run(seed) {
        const { stdout } = await promisify(execFile)(PYTHON, [script, String(seed), '2000'])
        return stdout.trim()
      },
    }
  },
})
