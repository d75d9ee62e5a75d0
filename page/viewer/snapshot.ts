import { effect } from '@preact/signals'
import { delay } from '../../protocol/delay.ts'
import type { ServerClient } from '../connection/server-client.ts'
import { pageState } from '../state/saved-state.ts'
import type { Store } from '../state/store.ts'
import type { PictureControls } from './viewer.ts'

/** After the last change: the camera rests, no column is on its way. */
const SETTLE_MS = 500
/** A notebook file takes one picture in so long. */
const AT_MOST_EVERY_MS = 2_000
/** It is saved in the notebook file. */
const MAX_BYTES = 500_000

/** The picture in at most `maxBytes`: made again smaller until it fits. */
export async function fittingPicture(picture: PictureControls, scale: number, maxBytes: number): Promise<Uint8Array> {
  for (let tried = scale; ; tried *= 0.7) {
    const blob = await picture.image({ scale: tried })
    if (blob.size <= maxBytes) return new Uint8Array(await blob.arrayBuffer())
  }
}

/** Sends the picture for the saved notebook whenever what it shows has changed and settled. */
export function keepSnapshot(store: Store, picture: PictureControls, client: ServerClient, signal: AbortSignal): void {
  let change = new AbortController()
  let sentAt = Number.NEGATIVE_INFINITY
  if (signal.aborted) return
  const stop = effect(() => {
    void [pageState(store), store.selection.value, store.highlights.value, store.masked.value, store.theme.value]
    const isWaiting = store.pending.value.size > 0
    change.abort()
    change = new AbortController()
    if (!isWaiting) send(AbortSignal.any([signal, change.signal])).catch(() => undefined)
  })
  signal.addEventListener('abort', stop)

  /** Rejects when a further change came, or the picture could not be made or sent: then the one before stays. */
  async function send(overtaken: AbortSignal): Promise<void> {
    await delay(Math.max(SETTLE_MS, sentAt + AT_MOST_EVERY_MS - performance.now()), overtaken)
    const png = await fittingPicture(picture, Math.min(2, devicePixelRatio), MAX_BYTES)
    overtaken.throwIfAborted()
    sentAt = performance.now()
    await client.putSnapshot(png, null, signal)
  }
}
