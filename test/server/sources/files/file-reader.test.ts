import { copyFile, mkdtemp, rename, rm, truncate, unlink, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { AnnDataSource } from '../../../../data/anndata/anndata-source.ts'
import { DataError, type DataSource } from '../../../../data/data-source.ts'
import { X } from '../../../../protocol/matrix.ts'
import { StoredReader } from '../../../../server/sources/files/file-reader.ts'
import { StoredFile } from '../../../../server/sources/files/open-file.ts'
import { OpenFiles } from '../../../../server/sources/files/open-files.ts'
import { StoredThread } from '../../../../server/sources/files/reader-thread.ts'
import { openSource } from '../../../../server/sources/open-source.ts'
import { filesOf, MADE_WITHIN_MS } from '../anndata-files.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
let good = ''
let hostile = ''
let path = ''

beforeAll(async () => {
  good = join(await filesOf('make_refused.py'), 'good.h5ad')
  hostile = await filesOf('make_hostile.py')
}, MADE_WITHIN_MS)

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  path = join(folder, 'data.h5ad')
  await copyFile(good, path)
})

async function open(): Promise<DataSource> {
  const source = await openSource({ kind: 'path', path }, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return source
}

describe('a file that changes while it is open', () => {
  test('replaced by another: a new version, and its own values from then on', async () => {
    const source = await open()
    const before = await source.version(signal)
    expect(await source.obs('leiden', signal)).toMatchObject({ categories: ['a', 'b'] })
    await copyFile(join(hostile, 'names_are_hostile.csr.h5ad'), `${path}.new`)
    await rename(`${path}.new`, path)
    expect(await source.version(signal)).not.toBe(before)
    await expect(source.obs('leiden', signal)).rejects.toMatchObject({ code: 'unknown_column' })
    expect(await source.obs('cluster', signal)).toMatchObject({ categories: ['k0', 'k1', 'k2', 'k3'] })
    expect(await source.identity(signal)).toMatchObject({ nObs: 40 })
  })

  test('replaced between two parts of one question: changed, never a mixture', async () => {
    const file = new StoredFile({ format: 'h5ad', path }, { folder: null })
    const reader = new StoredReader(file, () => file.close())
    onTestFinished(() => reader.close())
    await reader.describe(signal)
    await copyFile(join(hostile, 'names_are_hostile.csr.h5ad'), path)
    await expect(reader.gene(1, X, signal)).rejects.toMatchObject({ code: 'changed' })
    await expect(reader.gene(1, X, signal)).rejects.toThrow('changed on disk while it was open')
  })

  test('cut short: what it was is not served any more', async () => {
    const source = await open()
    await truncate(path, 3000)
    await expect(source.gene('ENSG00000000001', X, signal)).rejects.toMatchObject({ code: 'malformed' })
  })

  test('deleted: says so', async () => {
    const source = await open()
    await unlink(path)
    await expect(source.obs('leiden', signal)).rejects.toMatchObject({ code: 'changed' })
    await expect(source.obs('leiden', signal)).rejects.toThrow('not there any more')
  })

  test('touched: a new version with the same values', async () => {
    const source = await open()
    const before = await source.version(signal)
    await utimes(path, new Date(), new Date(0))
    expect(await source.version(signal)).not.toBe(before)
    expect(await source.obs('leiden', signal)).toMatchObject({ categories: ['a', 'b'] })
  })
})

describe('a read that nobody waits for', () => {
  test('rejects with the reason at once, and the next read is answered', async () => {
    const source = await open()
    const leaving = new AbortController()
    const reading = source.gene('ENSG00000000001', X, leaving.signal)
    const reason = new Error('another colour')
    leaving.abort(reason)
    await expect(reading).rejects.toBe(reason)
    expect(await source.gene('ENSG00000000002', X, signal)).toMatchObject({ max: 57 })
  })

  test('ends with "closed" when its source closes, as does every later one', async () => {
    const source = await open()
    const reading = source.gene('ENSG00000000001', X, signal)
    const outcome = expect(reading).rejects.toMatchObject({ code: 'closed' })
    await source.close()
    await outcome
    await source.close()
    await expect(source.obs('leiden', signal)).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('a read that finishes no block', () => {
  test('ends its thread and is told as timed out; the next one starts a new thread', { timeout: 60_000 }, async () => {
    const threads: StoredThread[] = []
    const take = () => {
      // The second one is impatient: what takes it long is a chunk that inflates to more than a gigabyte.
      threads.push(new StoredThread(threads.length === 1 ? 300 : undefined))
      return threads.at(-1)!
    }
    const parts = { folder: null, takeThread: take }
    const file = new StoredFile({ format: 'h5ad', path: join(hostile, 'chunk_inflates_without_end.csr.h5ad') }, parts)
    const reader = new StoredReader(file, () => file.close())
    const source = new AnnDataSource('h5ad', reader, 'bomb', NO_OPTIONS)
    onTestFinished(() => source.close())
    await source.identity(signal)
    threads[0]?.retire()
    await expect(source.obs('score', signal)).rejects.toMatchObject({ code: 'timed_out' })
    expect(threads[1]?.isAlive).toBe(false)
    expect(await source.obs('cluster', signal)).toMatchObject({ missingCells: 0 })
    expect(threads).toHaveLength(3)
  })
})

describe('viewers of the same file', () => {
  test('share its thread, and one that closes leaves it to the others', async () => {
    const [first, second] = [await open(), await open()]
    await first.close()
    expect(await second.obs('leiden', signal)).toMatchObject({ categories: ['a', 'b'] })
    await expect(first.obs('leiden', signal)).rejects.toMatchObject({ code: 'closed' })
  })

  test('leave it open a little while for the next, then let it go', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const threads: StoredThread[] = []
    const takeThread = () => {
      threads.push(new StoredThread())
      return threads.at(-1)!
    }
    const files = new OpenFiles(5_000)
    for (let i = 0; i < 3; i++) {
      const reader = files.read({ format: 'h5ad', path }, { folder: null, takeThread })
      await reader.describe(signal)
      await reader.close()
    }
    expect(threads).toHaveLength(1)
    vi.advanceTimersByTime(4_999)
    expect(threads[0]?.isAlive).toBe(true)
    vi.advanceTimersByTime(1)
    await expect.poll(() => threads[0]?.isAlive).toBe(false)
  })

  test('of many files that were opened one after the other, the last four stay open and no more', async () => {
    const threads: StoredThread[] = []
    const takeThread = () => {
      threads.push(new StoredThread())
      return threads.at(-1)!
    }
    onTestFinished(async () => {
      for (const thread of threads) await thread.end(new DataError('closed', 'The test is over.'))
    })
    const files = new OpenFiles()
    const paths = Array.from({ length: 6 }, (_, i) => `${path}-${i}.h5ad`)
    for (const each of paths) {
      await copyFile(good, each)
      const reader = files.read({ format: 'h5ad', path: each }, { folder: null, takeThread })
      await reader.describe(signal)
      await reader.close()
    }
    expect(threads.map(({ isAlive }) => isAlive)).toEqual([false, false, true, true, true, true])
    const again = files.read({ format: 'h5ad', path: paths[5]! }, { folder: null, takeThread })
    await again.describe(signal)
    expect(threads).toHaveLength(6)
  })
})
