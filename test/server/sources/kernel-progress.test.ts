import { expect, test } from 'vitest'
import { KernelReader } from '../../../data/kernel/kernel-reader.ts'
import { ProtocolError } from '../../../protocol/errors.ts'
import { X } from '../../../protocol/matrix.ts'
import type { SourceRead } from '../../../protocol/pipe.ts'
import { smallDataset } from '../../stage/small-dataset.ts'

const live = () => new AbortController().signal
const SORTED = { done: null, bytes: 12, notes: [] }

/** A kernel that answers questions for how sorting stands as the test says. */
function stage(sorting: (signal: AbortSignal) => Promise<object>) {
  const asked: SourceRead['what'][] = []
  const small = smallDataset(700)
  const reader = new KernelReader(async (read, signal) => {
    asked.push(read.what)
    if (read.what === 'giveBack') return { result: { bytes: 12 }, body: new Uint8Array() }
    return read.what === 'sorting' ? { result: await sorting(signal), body: new Uint8Array() } : small(read)
  })
  const showGene = async () => {
    await reader.describe(live())
    await reader.gene(0, X, live())
  }
  return { reader, asked, showGene }
}

test('before the first gene the kernel is not asked how sorting stands; then it is', async () => {
  const { reader, asked, showGene } = stage(async () => SORTED)
  expect(await reader.progress()).toEqual({ done: null, notes: [] })
  expect(asked).toEqual([])
  await showGene()
  expect(await reader.progress()).toEqual(SORTED)
  await reader.giveBack(live())
  expect(asked).toEqual(['describe', 'var', 'sorting', 'giveBack'])
})

test('a kernel that is busy holds nobody up: what was known is said again', async () => {
  let isBusy = false
  const { reader, showGene } = stage((signal) => {
    if (!isBusy) return Promise.resolve(SORTED)
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  await showGene()
  await reader.progress()
  isBusy = true
  expect(await reader.progress()).toEqual(SORTED)
})

test('a kernel that is gone keeps nothing sorted', async () => {
  let isGone = false
  const { reader, showGene } = stage(async () => {
    if (isGone) throw new ProtocolError('kernel_gone', 'The kernel has ended.')
    return SORTED
  })
  await showGene()
  await reader.progress()
  isGone = true
  expect(await reader.progress()).toEqual({ done: null, notes: [] })
})
