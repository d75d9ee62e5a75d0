import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ServerClient } from '../../../page/connection/server-client.ts'
import { Store } from '../../../page/state/store.ts'
import type { ImageOptions, Picture } from '../../../page/viewer/picture.ts'
import { fittingPicture, keepSnapshot } from '../../../page/viewer/snapshot.ts'
import { IDENTITY } from '../memory-server.ts'

/** A picture of so many bytes at scale 1, more at a larger one, as pixels are. */
function pictureOf(bytes: number) {
  const scales: number[] = []
  const image = async ({ scale }: ImageOptions) => {
    scales.push(scale)
    return new Blob([new Uint8Array(Math.round(bytes * scale ** 2))])
  }
  return { scales, picture: { image } as unknown as Picture } // what a snapshot needs of one
}

describe('the picture for the saved notebook', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('is made again smaller until it fits', async () => {
    const { scales, picture } = pictureOf(900_000)
    const png = await fittingPicture(picture, 2, 500_000)
    expect(scales.map((scale) => scale.toFixed(2))).toEqual(['2.00', '1.40', '0.98', '0.69'])
    expect(png.byteLength).toBeLessThanOrEqual(500_000)
  })

  test('is sent when what it shows has settled, at most every two seconds, and not while a column is on its way', async () => {
    const store = new Store()
    store.identity.value = IDENTITY
    const sentAt: number[] = []
    const begun = Date.now()
    const client = { putSnapshot: async () => void sentAt.push(Date.now() - begun) }
    const stop = new AbortController()
    keepSnapshot(store, pictureOf(1_000).picture, client as unknown as ServerClient, stop.signal) // all it needs of one
    const change = (zoom: number) => {
      store.camera.value = { center: [0, 0], zoom }
    }
    await vi.advanceTimersByTimeAsync(400)
    change(2) // still moving
    await vi.advanceTimersByTimeAsync(600)
    expect(sentAt).toEqual([900])
    for (let zoom = 3; zoom < 8; zoom++) {
      change(zoom)
      await vi.advanceTimersByTimeAsync(100)
    }
    await vi.advanceTimersByTimeAsync(5_000)
    expect(sentAt).toEqual([900, 2_900])
    store.begin('color', 'CD3D') // a column is on its way
    change(9)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(sentAt).toHaveLength(2)
    store.end('color')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(sentAt).toHaveLength(3)
    stop.abort()
    change(10)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(sentAt).toHaveLength(3)
  })
})
