import { expect, onTestFinished, test } from 'vitest'
import { DataError, type DataSource } from '../../../data/data-source.ts'
import { type DataNews, DataWatch } from '../../../server/viewers/data-watch.ts'

/** A dataset of which only the version matters here. */
function watched(everyMs = 5) {
  const dataset = { version: '1', isGone: false }
  const answer = async () => {
    if (dataset.isGone) throw new DataError('changed', 'Other cells.')
    return dataset.version
  }
  const source = { version: answer, refresh: async () => undefined } as Partial<DataSource> as DataSource
  const told: DataNews[] = []
  const watch = new DataWatch(Promise.resolve(source), (news) => told.push(news), everyMs)
  onTestFinished(() => watch.stop())
  return { dataset, watch, told }
}

test('a dataset that stays as it is is nothing to tell; one that changes is told once', async () => {
  const { dataset, watch, told } = watched()
  watch.watch(true)
  await new Promise((resolve) => setTimeout(resolve, 30)) // it has looked several times
  expect([told, watch.version]).toEqual([[], null])
  dataset.version = '2'
  await expect.poll(() => told).toEqual([{ version: '2', isAnew: false }])
  expect(watch.version).toBe('2')
})

test('what the kernel says is told, again where it is to be read anew', async () => {
  const { watch, told } = watched(60_000)
  watch.watch(true)
  await watch.changed(false)
  await watch.changed(false)
  await watch.changed(true)
  expect(told.map(({ isAnew }) => isAnew)).toEqual([false, true])
})

test('a dataset that cannot be read any more has a version like no other', async () => {
  const { dataset, watch, told } = watched(60_000)
  watch.watch(true)
  dataset.isGone = true
  await watch.changed(false)
  expect(told).toEqual([{ version: 'changed: Other cells.', isAnew: false }])
})

test('while no page looks nothing is read, and the next page that comes hears of it', async () => {
  const { dataset, watch, told } = watched(60_000)
  let reads = 0
  Object.defineProperty(dataset, 'version', { get: () => `${++reads}` })
  await watch.changed(true)
  expect([reads, told]).toEqual([0, []])
  watch.watch(true)
  await expect.poll(() => told).toEqual([{ version: '1', isAnew: false }])
})
