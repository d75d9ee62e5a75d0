import { appendFile, cp, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { normalisePositions } from '../../../../data/anndata/positions.ts'
import type { DataSource } from '../../../../data/data-source.ts'
import { X } from '../../../../protocol/matrix.ts'
import { openSource } from '../../../../server/sources/open-source.ts'
import { asExpected, cellucidOf, type ExpectedData, expectedOf, filesOf, MADE_WITHIN_MS } from '../anndata-files.ts'
import { readable } from '../same-values.ts'
import { CAN_MAKE_DEVICES, replaceByDevice, replaceByPipe, replaceBySocket } from '../special-files.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal

async function open(
  path: string,
  options: Partial<typeof NO_OPTIONS> | { geneSymbols: string } = {},
): Promise<DataSource> {
  const asked = { ...NO_OPTIONS, ...options }
  const source = await openSource({ kind: 'path', path }, asked, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return source
}

describe.each(['0.0.9', '0.9.4'])('a folder written by cellucid %s', (version) => {
  let folder = ''
  let expected: ExpectedData

  beforeAll(async () => {
    folder = await filesOf('make_export.py', cellucidOf(version))
    expected = await expectedOf(folder, 'expected')
  }, MADE_WITHIN_MS)

  const WAYS = [
    ['plain', 0],
    ['gzip', 0],
    ['quantised8', 1 / 254],
    ['quantised16-gzip', 1 / 65_534],
  ] as const

  test.each(WAYS)('%s: every value is what was exported, within what it was quantised to', async (way, step) => {
    const source = await open(join(folder, way))
    expect(await source.identity(signal)).toMatchObject({
      name: way,
      kind: 'export',
      nObs: 70,
      nVar: 6,
      defaultEmbedding: 'X_umap_3d',
      notes: [
        'The graph of neighbours (connectivity) is not drawn.',
        expect.stringMatching(/^Vector fields \(velocity.*\) are not drawn.$/),
      ],
    })
    for (const [key, column] of Object.entries(expected.obs)) {
      const found = readable(await source.obs(key, signal))
      if (column.kind === 'dense' && found.kind === 'dense') expectNear(found.values, column.values, step)
      else expect(found, key).toEqual({ ...column, ordered: false })
    }
    for (const [index, values] of expected.matrices.X!.entries()) {
      const found = readable(await source.gene(expected.varNames[index]!, X, signal))
      if (found.kind === 'dense') expectNear(found.values, values, step)
    }
  })

  test('more categories than colours is listed and not sent', async () => {
    const source = await open(await crowded(join(folder, 'plain')))
    const field = (await source.identity(signal)).obs.find(({ key }) => key === 'many')
    expect(field).toMatchObject({ kind: 'identifier', reason: '70,000 categories are too many to colour by' })
    await expect(source.obs('many', signal)).rejects.toMatchObject({ code: 'unsupported' })
  })

  test.each([2, 3])('positions in %iD are what was exported, centred and scaled', async (dimensions) => {
    const source = await open(join(folder, 'gzip'))
    const key = `X_umap_${dimensions}d`
    const original = Float32Array.from(expected.obsm[key]!.flat(), Number)
    const { positions } = normalisePositions(original, dimensions)
    const found = await source.embedding(key, dimensions, signal)
    expectNear(Array.from(found.positions, asExpected), Array.from(positions, asExpected), 1e-6)
  })

  test('several datasets in one folder are told apart by their paths', async () => {
    const opening = open(join(folder, 'several'))
    await expect(opening).rejects.toMatchObject({ code: 'ambiguous' })
    await expect(opening).rejects.toThrow('holds 2 datasets: "one", "two"')
    expect(await (await open(join(folder, 'several', 'two'))).identity(signal)).toMatchObject({ nObs: 70 })
  })

  test.runIf(version === '0.9.4')('another set of gene names labels genes', async () => {
    const source = await open(join(folder, 'plain'), { geneSymbols: 'symbol' })
    expect((await source.genes('s3', 5, X, signal)).genes).toEqual([{ key: 'S3', label: 'S3', id: 'NKG7' }])
  })
})

describe('a folder that cannot be believed', () => {
  let whole = ''
  let folder = ''

  beforeAll(async () => {
    whole = join(await filesOf('make_export.py', cellucidOf('0.0.9')), 'gzip')
  }, MADE_WITHIN_MS)

  beforeEach(async () => {
    const parent = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
    onTestFinished(() => rm(parent, { recursive: true }))
    folder = join(parent, 'export')
    await cp(whole, folder, { recursive: true })
    await writeFile(join(parent, 'secret.bin'), new Uint8Array(280))
  })

  const codes = () => join(folder, 'obs/passed.codes.u8.gz')

  test.each<[string, () => Promise<void>, string]>([
    ['a file that is too short', () => writeFile(codes(), gzipSync(new Uint8Array(69))), '69 bytes where 70 belong'],
    [
      'a file that inflates to more',
      () => writeFile(codes(), gzipSync(new Uint8Array(71))),
      '71 bytes where 70 belong',
    ],
    [
      'a file that inflates without end',
      () => writeFile(codes(), gzipSync(new Uint8Array(1 << 24))),
      'does not unpack to 70',
    ],
    ['a file that is no gzip', () => writeFile(codes(), 'nonsense'), 'does not unpack'],
    ['a file that was cut', () => truncate(codes(), 12), 'does not unpack'],
    ['a file with more behind it', () => appendFile(codes(), new Uint8Array(1 << 17)), 'where at most'],
    ['a file that is missing', () => rm(codes()), 'which is not there'],
    ['a link that leads out', () => replaceByLink(codes(), '../../secret.bin'), 'leads out of the folder'],
    ['a pipe that nobody writes to', () => replaceByPipe(codes()), 'is a pipe where a file belongs'],
    ['a socket', () => replaceBySocket(codes()), 'is a socket where a file belongs'],
    ['a code without a category', () => writeFile(codes(), gzipSync(new Uint8Array(70).fill(2))), 'says 2 at row 0'],
  ])('%s is refused by name, and the rest is there', async (_, spoil, words) => {
    await spoil()
    const source = await open(folder)
    const reading = source.obs('passed', signal)
    await expect(reading).rejects.toMatchObject({ code: 'malformed' })
    await expect(reading).rejects.toThrow(words)
    expect(await source.obs('n_counts', signal)).toMatchObject({ missingCells: 0 })
  })

  test.runIf(CAN_MAKE_DEVICES)('a device is refused by name, and the rest is there', async () => {
    await replaceByDevice(codes())
    const source = await open(folder)
    await expect(source.obs('passed', signal)).rejects.toThrow('is a device where a file belongs')
    expect(await source.obs('n_counts', signal)).toMatchObject({ missingCells: 0 })
  })

  test.each([
    ['a pipe', replaceByPipe],
    ['a socket', replaceBySocket],
  ])('%s in a manifest’s place is refused at once', async (kind, replace) => {
    await replace(join(folder, 'obs_manifest.json'))
    const reading = open(folder).then((source) => source.obs('passed', signal))
    await expect(reading).rejects.toThrow(`is ${kind} where a file belongs`)
  })

  test.each([
    ['../secret.bin', 'leads out of the folder'],
    ['/etc/passwd', 'which is not there'],
    ['obs/../../secret.bin', 'leads out of the folder'],
  ])('a pattern such as %s reads nothing outside', async (pattern, words) => {
    await edit('obs_manifest.json', (manifest) => {
      manifest._obsSchemas.continuous = { pathPattern: pattern, dtype: 'float32', quantized: false }
    })
    await expect((await open(folder)).obs('n_counts', signal)).rejects.toThrow(words)
  })

  test('keys that share a file are left out with a note, the others are there', async () => {
    await edit('var_manifest.json', (manifest) => {
      manifest.fields.push(['a_b'])
    })
    const source = await open(folder)
    expect((await source.identity(signal)).notes).toContainEqual(expect.stringContaining('"a/b", "a_b" share a file'))
    await expect(source.gene('a/b', X, signal)).rejects.toMatchObject({ code: 'unknown_column' })
    expect(await source.gene('CD3D', X, signal)).toMatchObject({ max: 2 })
  })

  test.each<[string, string, (manifest: Manifest) => void]>([
    ['counts that disagree', 'var_manifest.json', (manifest) => Object.assign(manifest, { n_points: 71 })],
    ['a format of another time', 'obs_manifest.json', (manifest) => Object.assign(manifest, { _format: 'compact_v9' })],
    [
      'a negative number of cells',
      'dataset_identity.json',
      (manifest) => Object.assign(manifest.stats, { n_cells: -1 }),
    ],
    ['too many cells', 'dataset_identity.json', (manifest) => Object.assign(manifest.stats, { n_cells: 2 ** 40 })],
  ])('%s is refused when it is opened', async (_, file, change) => {
    await edit(file, change)
    await expect(open(folder)).rejects.toMatchObject({ code: expect.stringMatching(/^(malformed|too_large)$/) })
  })

  test('manifests that were replaced make a new version', async () => {
    const source = await open(folder)
    const before = await source.version(signal)
    await edit('obs_manifest.json', (manifest) => {
      manifest._continuousFields = [['score']]
    })
    expect(await source.version(signal)).not.toBe(before)
    await expect(source.obs('n_counts', signal)).rejects.toMatchObject({ code: 'unknown_column' })
  })

  /** What the tests take apart of any of the three manifests. */
  type Manifest = { _obsSchemas: { continuous: unknown }; _continuousFields: unknown; fields: unknown[]; stats: object }

  async function edit(name: string, change: (manifest: Manifest) => void): Promise<void> {
    const path = join(folder, name)
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest // cellucid wrote it
    change(manifest)
    await writeFile(`${path}.new`, JSON.stringify(manifest))
    await rename(`${path}.new`, path)
  }
})

test('a folder without a dataset says what to pass', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(empty, { recursive: true }))
  await expect(open(empty)).rejects.toThrow('is empty. Pass an .h5ad file')
})

/** A copy in which one field says that it has 70,000 categories. */
async function crowded(whole: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(copy, { recursive: true }))
  await cp(whole, copy, { recursive: true })
  const path = join(copy, 'obs_manifest.json')
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { _categoricalFields: unknown[][] } // cellucid wrote it
  const place = manifest._categoricalFields.find((list) => list.includes('many'))!
  place[place.indexOf('many') + 1] = Array.from({ length: 70_000 }, (_, i) => `m${i}`)
  await writeFile(path, JSON.stringify(manifest))
  return copy
}

async function replaceByLink(path: string, target: string): Promise<void> {
  await rm(path)
  await symlink(target, path)
}

function expectNear(found: readonly unknown[], expected: readonly unknown[], step: number): void {
  const numbers = expected.filter((value) => typeof value === 'number')
  const tolerance = step * (Math.max(...numbers) - Math.min(...numbers)) + 1e-6 * Math.max(...numbers.map(Math.abs), 1)
  for (const [i, value] of expected.entries()) {
    if (typeof value === 'number') expect(Math.abs(Number(found[i]) - value), `row ${i}`).toBeLessThanOrEqual(tolerance)
    else expect(found[i]).toBe(value)
  }
}
