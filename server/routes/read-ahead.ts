import { type FrameCache, openedSource } from '../http/request-context.ts'
import { LIMITS } from '../process/limits.ts'
import type { Viewer } from '../viewers/viewer.ts'
import { columnAsk } from './columns.ts'
import { embeddingAsk } from './embedding.ts'
import { readFrame } from './send-frame.ts'

/**
 * Read what a new page asks for first, while the browser still looks for the server: the default embedding and the
 * default colour are then in the cache. What cannot be read is said to the page that asks.
 */
export async function readAhead(columns: FrameCache, viewer: Viewer): Promise<void> {
  const signal = AbortSignal.any([viewer.ended, AbortSignal.timeout(LIMITS.dataTimeoutMs)])
  const source = await openedSource(viewer, signal)
  const asks = await Promise.all([
    embeddingAsk(source, { key: null, dimensions: null }, signal),
    columnAsk(source, { named: null, isGzipped: false }, signal),
  ])
  await Promise.all(
    asks.map(async (ask) => {
      if (ask === null) return
      const version = await source.partVersion(ask.part, signal)
      await readFrame(columns, { source, version, ask, signal })
    }),
  )
}
