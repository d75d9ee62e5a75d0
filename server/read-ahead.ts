import { LIMITS } from './limits.ts'
import { type FrameCache, openedSource } from './request-context.ts'
import { columnAsk } from './routes/columns.ts'
import { embeddingAsk } from './routes/embedding.ts'
import { readFrame } from './routes/frames.ts'
import type { Viewer } from './viewer.ts'

/**
 * Read what a new page asks for first, while the browser still looks for the server: the default embedding and the
 * default colour are then in the cache. What cannot be read is said to the page that asks.
 */
export async function readAhead(columns: FrameCache, viewer: Viewer): Promise<void> {
  const signal = AbortSignal.any([viewer.ended, AbortSignal.timeout(LIMITS.dataTimeoutMs)])
  const source = await openedSource(viewer, signal)
  const version = await source.version(signal)
  const asks = await Promise.all([
    embeddingAsk(source, { key: null, dimensions: null }, signal),
    columnAsk(source, { named: null, isGzipped: false }, signal),
  ])
  await Promise.all(asks.map((ask) => ask && readFrame(columns, { source, version, ask, signal })))
}
