import { copyFile, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { X } from '../../../protocol/matrix.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { readable } from './same-values.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
let folder = ''
let genes: Record<string, number[]> = {}

beforeAll(async () => {
  folder = await filesOf('make_large_chunks.py')
  // Written by the script in this form.
  genes = JSON.parse(await readFile(join(folder, 'genes.json'), 'utf8')) as Record<string, number[]>
}, MADE_WITHIN_MS)

async function openFile(path: string) {
  const source = await openSource({ kind: 'path', path }, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return source
}

describe('one chunk of 72 MB holds what is in it, asked for forth and back', () => {
  test.each(['csr-gzip', 'csr-plain', 'csr-shuffle', 'csr-lzf', 'csc-latest', 'dense-two'])('%s', async (name) => {
    const source = await openFile(join(folder, `${name}.h5ad`))
    // The last gene first: the chunk is read to its end, and from its beginning again.
    for (const [gene, values] of Object.entries(genes).reverse()) {
      expect(readable(await source.gene(gene, X, signal)), gene).toEqual({ kind: 'dense', values })
    }
    const both = await Promise.all(['g1', 'g777'].map((gene) => source.gene(gene, X, signal)))
    expect(both.map(readable)).toEqual(['g1', 'g777'].map((gene) => ({ kind: 'dense', values: genes[gene] })))
  })
})

test('a chunk that is damaged in its middle is said to be, and the rest of the file is read', async () => {
  const here = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(here, { recursive: true }))
  const path = join(here, 'damaged.h5ad')
  await copyFile(join(folder, 'csr-gzip.h5ad'), path)
  const file = await open(path, 'r+')
  const { size } = await file.stat()
  await file.write(Buffer.alloc(4096, 0xff), 0, 4096, Math.floor(size * 0.4))
  await file.close()
  const source = await openFile(path)
  await expect(source.gene('g1', X, signal)).rejects.toThrow(/A chunk of X\/(data|indices) is damaged/)
  expect(await source.cellNames({ start: 0, end: 2 }, signal)).toEqual(['c0', 'c1'])
})
