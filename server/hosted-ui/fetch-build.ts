import { setTimeout as delay } from 'node:timers/promises'
import type { HostedCache } from './cache/hosted-cache.ts'
import type { Part } from './cache/partial-build.ts'
import type { Generation } from './cache/stored-build.ts'
import { sha256 } from './cache/stored-files.ts'
import { HOSTED_LIMITS } from './limits.ts'
import { buildOf, essentialReferences, referencesOf } from './site/page-references.ts'
import type { Site, SiteFile } from './site/site.ts'
import { SiteError } from './site/site-error.ts'
import { INDEX } from './site/site-paths.ts'

/** `total` grows while files are read that speak of others. */
export type FetchProgress = { done: number; total: number; bytes: number }

export type BuildOrder = {
  site: Site
  cache: HostedCache
  signal: AbortSignal
  tell: (progress: FetchProgress) => void
}

/** The site put up another build while one was being fetched. */
const MAX_RESTARTS = 3

/**
 * Fetch the site's present build whole, and make it the one that everybody finds.
 * @returns the generation; the one that was there where the site has nothing else
 * @throws SiteError, CacheRefusedError, an error of the disk, the signal's reason
 */
export async function fetchBuild(order: BuildOrder): Promise<Generation> {
  const { cache, site } = order
  let index = await fetchFile(order, INDEX)
  const part = await cache.begin()
  try {
    for (let restarts = 0; ; restarts++) {
      const isWhole = await fillPart(part, index, order)
      const now = await fetchFile(order, INDEX)
      if (isWhole && now.bytes.equals(index.bytes)) return await cache.publish(part, site.source, buildOf(textOf(now)))
      if (restarts === MAX_RESTARTS) {
        throw new SiteError('unreachable', `${site.source} changed while it was being fetched, again and again.`)
      }
      index = now
    }
  } catch (error) {
    // What came is worth keeping where the connection broke or somebody stopped it, not of a build that cannot be shown.
    const isBroken = error instanceof SiteError && error.fault === 'unreachable'
    await (isBroken || order.signal.aborted ? cache.leave(part) : part.abandon())
    throw error
  }
}

/** Is another build there than this one? @throws SiteError */
export async function isNewer(generation: Generation, site: Site, signal: AbortSignal): Promise<boolean> {
  const { bytes } = await site.fetch(INDEX, signal)
  return generation.file(INDEX)?.sha256 !== sha256(bytes)
}

/** @returns false when something essential was missing: the site may have changed under us */
async function fillPart(part: Part, index: SiteFile, whole: BuildOrder): Promise<boolean> {
  const stop = new AbortController()
  const order = { ...whole, signal: AbortSignal.any([whole.signal, stop.signal]) }
  const isResumed = part.files.get(INDEX)?.sha256 === sha256(index.bytes)
  if (!isResumed) await part.keepOnly(new Set())
  await part.store(INDEX, index.type, index.bytes)
  const html = textOf(index)
  const essential = essentialReferences(html)
  const queue = [...new Set([...essential, ...referencesOf(INDEX, html)])]
  const seen = new Set(queue)
  const missing: SiteError[] = []
  let done = 1
  const tell = () => order.tell({ done, total: seen.size + 1, bytes: part.bytes })
  const work = async (path: string) => {
    const text = await takeFile(part, path, order).catch((error: unknown) => {
      if (!(error instanceof SiteError) || error.fault === 'unreachable') throw error
      if (essential.has(path)) missing.push(error)
      return null // a text that looked like a file's name, and is none
    })
    for (const found of text === null ? [] : referencesOf(path, text)) {
      if (!seen.has(found)) {
        seen.add(found)
        queue.push(found)
      }
    }
    done++
    tell()
  }
  tell()
  await inParallel(queue, work, stop)
  const [first] = missing
  if (first === undefined) return true
  const now = await fetchFile(whole, INDEX)
  if (now.bytes.equals(index.bytes)) throw first
  return false
}

/** @returns its text, to look for further files */
async function takeFile(part: Part, path: string, order: BuildOrder): Promise<string> {
  const held = await part.read(path)
  if (held !== null) return held.toString('utf8')
  const file = await fetchFile(order, path)
  order.signal.throwIfAborted()
  await part.store(path, file.type, file.bytes)
  return textOf(file)
}

async function fetchFile({ site, signal }: BuildOrder, path: string): Promise<SiteFile> {
  for (let tries = 0; ; tries++) {
    try {
      return await site.fetch(path, signal)
    } catch (error) {
      if (!(error instanceof SiteError) || !error.isPassing || tries === HOSTED_LIMITS.retries) throw error
      // With jitter, since many processes may have started at once.
      await delay(HOSTED_LIMITS.retryAfterMs * (tries + 1) * (0.5 + Math.random()), undefined, { signal })
    }
  }
}

/** Work off a queue that grows. After the first failure nothing is begun, and what runs is stopped. */
async function inParallel(
  queue: string[],
  work: (path: string) => Promise<void>,
  stop: AbortController,
): Promise<void> {
  let next = 0
  let running = 0
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const ended = (error?: unknown) => {
    running--
    if (error !== undefined) stop.abort(error)
    pump()
  }
  const pump = () => {
    while (!stop.signal.aborted && running < HOSTED_LIMITS.parallelFetches && next < queue.length) {
      running++
      work(queue[next++] ?? '').then(() => ended(), ended)
    }
    if (running > 0) return
    if (stop.signal.aborted) reject(stop.signal.reason)
    else resolve()
  }
  pump()
  await promise
}

function textOf({ bytes, type }: SiteFile): string {
  return /^text\/|json/.test(type) ? bytes.toString('utf8') : ''
}
