import { cp, mkdtemp, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DataError, type DataSource } from '../../../data/data-source.ts'
import { RAW, X } from '../../../protocol/matrix.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { seeded } from '../../page/scatter/seeded.ts'
import { serveFiles } from '../../stage/static-files.ts'
import { type ExpectedData, expectedOf, filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { expectEmbedding, expectGenes, expectObs } from './same-values.ts'
import { CAN_MAKE_DEVICES, replaceByDevice, replaceByPipe, replaceBySocket } from './special-files.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
let folder = ''
let expected: ExpectedData

beforeAll(async () => {
  folder = await filesOf('make_zarr.py')
  expected = await expectedOf(folder, 'expected')
}, MADE_WITHIN_MS)

async function open(path: string): Promise<DataSource> {
  const source = await openSource({ kind: 'path', path }, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return source
}

const STORES = [
  ...['csr', 'csc', 'dense', 'blosc', 'zlib', 'lz4', 'none'].map((name) => `${name}-v2.zarr`),
  ...['csr', 'csc', 'dense', 'blosc', 'gzip', 'zstd', 'sharded'].map((name) => `${name}-v3.zarr`),
  'zipped-v2.zip',
  'zipped-v3.zip',
  'zipped-by-hand.zip',
]

describe('a store in any form holds what anndata reads from it', () => {
  test.each(STORES)('%s', async (name) => {
    const source = await open(join(folder, name))
    expect(await source.identity(signal)).toMatchObject({ kind: 'zarr', nObs: 300, defaultMatrix: RAW, name })
    await expectObs(source, expected)
    await expectGenes(source, expected)
    await expectEmbedding(source, 'X_umap', expected)
    expect(await source.cellNames({ start: 3, end: 6 }, signal)).toEqual(expected.obsNames.slice(3, 6))
  })
})

describe('a store behind a URL', () => {
  async function serve(path = folder, options = {}) {
    const files = await serveFiles(path, options)
    onTestFinished(() => files.stop())
    return files
  }

  test.each(['csr-v2.zarr', 'csc-v3.zarr', 'sharded-v3.zarr'])('%s holds the same', async (name) => {
    const { url } = await serve()
    const source = await open(`${url}/${name}`)
    expect(await source.identity(signal)).toMatchObject({ kind: 'zarr', nObs: 300, name })
    await expectObs(source, expected)
    await expectGenes(source, expected)
    await expectEmbedding(source, 'X_umap', expected)
  })

  test('a server that knows no ranges is read whole', async () => {
    const { url } = await serve(folder, { ranges: false })
    await expectGenes(await open(`${url}/sharded-v3.zarr`), expected)
  })

  test('metadata is asked for once, as one document', async () => {
    const { url, asked } = await serve()
    await (await open(`${url}/csr-v3.zarr`)).identity(signal)
    expect(asked.filter((line) => line.startsWith('GET') && line.includes('.json'))).toEqual([
      'GET /csr-v3.zarr/zarr.json',
    ])
  })

  test.each<[string, (url: string) => string, string]>([
    ['nothing there', (url) => `${url}/none.zarr`, 'no zarr store'],
    ['a redirect', (url) => `${url}/moved.zarr`, 'was moved to http://127.0.0.1:1. Pass the URL'],
    ['a password in it', (url) => `${url.replace('//', '//user:secret@')}/csr-v3.zarr`, 'no password'],
    ['a server that is gone', () => 'http://127.0.0.1:1/x.zarr?key=secret', 'cannot be reached'],
    ['a store without consolidated metadata', (url) => `${url}/alone-v2.zarr`, 'consolidate_metadata'],
  ])('%s is refused in words, without a secret', async (_, urlOf, words) => {
    const copy = await temporaryCopy('none-v2.zarr', 'alone-v2.zarr')
    await rm(join(copy, '.zmetadata'))
    const { url } = await serve(join(copy, '..'))
    const opening = open(urlOf(url))
    await expect(opening).rejects.toThrow(words)
    await expect(opening).rejects.not.toThrow('secret')
  })
})

/** Over four stores. */
const MUTATIONS = 24

describe('a store that cannot be believed', () => {
  type Spoiling = [name: string, store: string, spoil: (store: string) => Promise<void>, code: string, words: string]

  const HOSTILE: Spoiling[] = [
    [
      'a chunk that is too short',
      'none-v2.zarr',
      (store) => truncate(join(store, 'obs/small/0'), 299),
      'malformed',
      'obs/small, chunk 0, holds 299 values where 300 belong',
    ],
    [
      'a packed chunk that is cut',
      'zlib-v2.zarr',
      (store) => truncate(join(store, 'obs/small/0'), 20),
      'malformed',
      'obs/small, chunk 0, is damaged',
    ],
    [
      'a chunk that unpacks without end',
      'zlib-v2.zarr',
      (store) => writeFile(join(store, 'obs/small/0'), deflateSync(Buffer.alloc(1 << 28))),
      'malformed',
      'obs/small, chunk 0, is damaged',
    ],
    [
      'a head that says 4 GB',
      'blosc-v2.zarr',
      (store) => writeFile(join(store, 'obs/small/0'), Buffer.alloc(64, 255)),
      'too_large',
      'would unpack to 4,294,967,295 bytes',
    ],
    [
      'a codec of another time',
      'csr-v3.zarr',
      (store) =>
        edit(join(store, 'obs/small/zarr.json'), ({ codecs }) => Object.assign(codecs.at(-1)!, { name: 'zfp' })),
      'unsupported',
      'obs/small is packed with "zfp"',
    ],
    [
      'a type of another time',
      'csr-v3.zarr',
      (store) =>
        edit(join(store, 'obs/small/zarr.json'), (document) => Object.assign(document, { data_type: 'complex128' })),
      'unsupported',
      'values of type complex128',
    ],
    [
      'chunks of 8 GB',
      'csr-v3.zarr',
      (store) =>
        edit(join(store, 'obs/small/zarr.json'), ({ chunk_grid: grid }) =>
          Object.assign(grid.configuration, { chunk_shape: [2 ** 33] }),
        ),
      'unsupported',
      'chunks of 8,589,934,592 bytes',
    ],
    [
      'more values than cells',
      'csr-v3.zarr',
      (store) => edit(join(store, 'obs/small/zarr.json'), (document) => Object.assign(document, { shape: [2 ** 40] })),
      'unsupported',
      'has shape (1099511627776)',
    ],
    [
      'metadata that is none',
      'csr-v3.zarr',
      (store) => writeFile(join(store, 'obs/small/zarr.json'), '[1'),
      'unsupported',
      '"obs/small/zarr.json" is not JSON',
    ],
    [
      'a link that leads out',
      'none-v2.zarr',
      (store) => replaceByLink(join(store, 'obs/small/0'), '/etc/hostname'),
      'unsupported',
      'leads out of the store',
    ],
    [
      'a pipe that nobody writes to',
      'none-v2.zarr',
      (store) => replaceByPipe(join(store, 'obs/small/0')),
      'malformed',
      'is a pipe where a file belongs',
    ],
    [
      'a socket',
      'none-v2.zarr',
      (store) => replaceBySocket(join(store, 'obs/small/0')),
      'malformed',
      'is a socket where a file belongs',
    ],
    [
      'an index of a shard that points outside',
      'sharded-v3.zarr',
      (store) => spoilIndex(join(store, 'obs/small/c/0')),
      'malformed',
      'is said to hold more',
    ],
  ]

  test.each(HOSTILE)('%s is refused by name, and the rest is there', async (_, name, spoil, code, words) => {
    const store = await temporaryCopy(name)
    await spoil(store)
    const source = await open(store)
    const reading = source.obs('small', signal)
    await expect(reading).rejects.toMatchObject({ code })
    const field = (await source.identity(signal)).obs.find(({ key }) => key === 'small')
    const said = await reading.catch((error: Error) => `${field?.reason ?? ''} ${error.message}`)
    expect(said).toContain(words)
    expect(await source.obs('stage', signal)).toMatchObject({ kind: 'codes' })
    expect(await source.embedding('X_umap', 2, signal)).toMatchObject({ missingCells: 2 })
  })

  test.runIf(CAN_MAKE_DEVICES)('a device is refused by name, and the rest is there', async () => {
    const store = await temporaryCopy('none-v2.zarr')
    await replaceByDevice(join(store, 'obs/small/0'))
    const source = await open(store)
    await expect(source.obs('small', signal)).rejects.toThrow('is a device where a file belongs')
    expect(await source.obs('stage', signal)).toMatchObject({ kind: 'codes' })
  })

  test('codes, pointers and indices are checked as in a file', async () => {
    const store = await temporaryCopy('none-v2.zarr')
    await overwrite(join(store, 'obs/stage/codes/0'), Buffer.from([77]))
    await overwrite(join(store, 'X/indptr/0'), Buffer.from([9, 0, 0, 0]))
    const source = await open(store)
    await expect(source.obs('stage', signal)).rejects.toThrow('says 77 at row 0')
    await expect(source.gene('GENE1', X, signal)).rejects.toThrow('X/indptr')
  })

  test.each<[string, (path: string) => Promise<void>]>([
    ['cut', (path) => truncate(path, 5000)],
    ['with a damaged directory', async (path) => overwrite(path, Buffer.alloc(400, 1), (await stat(path)).size - 600)],
  ])('a zip file %s is refused', async (_, spoil) => {
    const zip = await temporaryCopy('zipped-v3.zip')
    await spoil(zip)
    await expect(open(zip)).rejects.toMatchObject({ code: 'malformed', message: expect.stringContaining('zip file') })
  })

  test(`${MUTATIONS} seeded mutations of stores break nothing: each is read, or refused with a code`, async () => {
    const random = seeded(11)
    const outcomes = { read: 0, refused: 0 }
    for (const name of ['none-v2.zarr', 'blosc-v2.zarr', 'sharded-v3.zarr', 'zstd-v3.zarr']) {
      const store = await temporaryCopy(name)
      const files = (await readdir(store, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
      for (let i = 0; i < MUTATIONS / 4; i++) {
        const entry = files[Math.floor(random() * files.length)]!
        const path = join(entry.parentPath, entry.name)
        const whole = await readFile(path)
        const spoilt = Buffer.from(whole)
        for (let k = 0; k < 3; k++) spoilt[Math.floor(random() * spoilt.length)] = Math.floor(random() * 256)
        await writeFile(path, random() < 0.2 ? spoilt.subarray(0, spoilt.length >> 1) : spoilt)
        outcomes[await readAll(store)] += 1
        await writeFile(path, whole)
      }
    }
    expect(outcomes.refused).toBeGreaterThan(0)
    expect(outcomes.read + outcomes.refused).toBe(MUTATIONS)
  }, 120_000)

  /** Read something of everything. */
  async function readAll(store: string): Promise<'read' | 'refused'> {
    const source = await open(store).catch(dataError)
    if (source === null) return 'refused'
    const { obs } = (await source.identity(signal).catch(dataError)) ?? { obs: [] }
    const reads = [
      ...obs.map(({ key }) => source.obs(key, signal)),
      source.embedding('X_umap', 2, signal),
      source.gene('GENE3', X, signal),
      source.gene('GENE3', { in: 'layers', layer: 'counts' }, signal),
      source.gene('GENE3', RAW, signal),
      source.cellNames({ start: 0, end: 9 }, signal),
    ]
    const found = await Promise.all(reads.map((read) => read.catch(dataError)))
    await source.close()
    const refused = found.filter((each) => each === null).length
    // Names of cells are refused always.
    return refused > obs.filter(({ kind }) => kind === 'identifier').length ? 'refused' : 'read'
  }

  /** `null` for an error in words; any other is a bug. */
  function dataError(error: unknown): null {
    expect(error).toBeInstanceOf(DataError)
    return null
  }
})

test('a store that is written again while it is open has another version, and nothing is mixed', async () => {
  const store = await temporaryCopy('csr-v3.zarr')
  const source = await open(store)
  const before = await source.version(signal)
  expect(await source.obs('stage', signal)).toMatchObject({ kind: 'codes' })
  await edit(join(store, 'obs/zarr.json'), ({ attributes }) =>
    Object.assign(attributes, {
      'column-order': (attributes['column-order'] as string[]).filter((key) => key !== 'stage'),
    }),
  )
  expect(await source.version(signal)).not.toBe(before)
  await expect(source.obs('stage', signal)).rejects.toMatchObject({ code: 'unknown_column' })
})

type Document = {
  codecs: object[]
  chunk_grid: { configuration: object }
  attributes: Record<string, unknown>
}

async function edit(path: string, change: (document: Document) => unknown): Promise<void> {
  const document = JSON.parse(await readFile(path, 'utf8')) as Document // zarr wrote it
  change(document)
  await writeFile(`${path}.new`, JSON.stringify(document))
  await rename(`${path}.new`, path)
}

/** Of a store of the folder, without its consolidated metadata, which would be older than what is changed. */
async function temporaryCopy(name: string, as = name): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(parent, { recursive: true }))
  await cp(join(folder, name), join(parent, as), { recursive: true })
  return join(parent, as)
}

async function replaceByLink(path: string, target: string): Promise<void> {
  await rm(path)
  await symlink(target, path)
}

async function overwrite(path: string, bytes: Buffer, at = 0): Promise<void> {
  const whole = await readFile(path)
  bytes.copy(whole, at)
  await writeFile(path, whole)
}

/** Offset and length of the first chunk, at the end of the file, say more than there is. */
async function spoilIndex(path: string): Promise<void> {
  const whole = await readFile(path)
  const chunks = 4
  whole.writeBigUInt64LE(2n ** 40n, whole.length - 4 - chunks * 16)
  await writeFile(path, whole)
}
