import { messageOf } from '../../protocol/errors.ts'
import { hostedCachePlace } from '../process/config.ts'
import { type CacheListing, HostedCache } from './cache/hosted-cache.ts'

/** `list`: where the cache is and what it holds; `clear`: remove all of it, and say how much that was. */
export type CacheAnswer = CacheListing | { place: string; generations: number; bytes: number }

/** @throws CacheRefusedError; Error where there is no such action */
export async function askCache(action: string | undefined): Promise<CacheAnswer> {
  const cache = new HostedCache(hostedCachePlace())
  switch (action) {
    case 'list':
      return cache.list()
    case 'clear':
      return { place: cache.place, ...(await cache.clear()) }
    default:
      throw new Error('The cache can be told to list or to clear.')
  }
}

/** One line of JSON on stdout for whoever started this process: the answer, or `{error}` with a sentence. */
export async function runCacheCommand(action: string | undefined): Promise<void> {
  const answer = await askCache(action).catch((error: unknown) => {
    process.exitCode = 1
    return { error: messageOf(error) }
  })
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
