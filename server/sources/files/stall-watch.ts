import type { Worker } from 'node:worker_threads'

const WATCH_INTERVAL_MS = 500
/** So many times the patience by the clock, for a thread that gets no work done: on a busy machine, at a slow disk. */
const CLOCK_FACTOR = 6

/**
 * Notices that a thread makes no progress. What counts is the thread's own work, so that a machine that is busy with
 * other things makes no file look endless; only where it does no work either, or a Node cannot tell, the clock counts.
 */
export class StallWatch {
  readonly #worker: Pick<Worker, 'cpuUsage'>
  readonly #progress: () => number
  readonly #patienceMs: (progress: number) => number
  readonly #stalled: () => void
  #timer: NodeJS.Timeout | null = null
  #seen = -1
  #sinceMs = 0
  /** Of the thread, when it last made progress; `null` until it has told. */
  #workedMs: number | null = null

  /** @param stalled called once, after so much work without progress; the watch stands still then */
  constructor(
    worker: Pick<Worker, 'cpuUsage'>,
    {
      progress,
      patienceMs,
      stalled,
    }: { progress: () => number; patienceMs: (progress: number) => number; stalled: () => void },
  ) {
    this.#worker = worker
    this.#progress = progress
    this.#patienceMs = patienceMs
    this.#stalled = stalled
  }

  start(): void {
    if (this.#timer !== null) return
    this.moved()
    const intervalMs = Math.min(WATCH_INTERVAL_MS, this.#patienceMs(Number.MAX_SAFE_INTEGER) / 2)
    this.#timer = setInterval(() => void this.#look(), intervalMs)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** It has just answered something. */
  moved(): void {
    this.#sinceMs = performance.now()
    this.#workedMs = null
  }

  async #look(): Promise<void> {
    const progress = this.#progress()
    if (progress !== this.#seen) this.moved()
    this.#seen = progress
    const waitedMs = performance.now() - this.#sinceMs
    const patienceMs = this.#patienceMs(progress)
    if (waitedMs > patienceMs * CLOCK_FACTOR) return this.#end()
    const workedMs = await workOf(this.#worker)
    // Meanwhile it may have gone on.
    if (this.#timer === null || this.#progress() !== progress) return
    this.#workedMs ??= workedMs
    const worked = workedMs === null ? waitedMs : workedMs - (this.#workedMs ?? 0)
    if (worked > patienceMs) this.#end()
  }

  #end(): void {
    this.stop()
    this.#stalled()
  }
}

/** Milliseconds of a processor; `null` where this Node does not tell. Does not come while the thread waits for a disk. */
async function workOf(worker: Pick<Worker, 'cpuUsage'>): Promise<number | null> {
  if (typeof worker.cpuUsage !== 'function') return null // before Node 22.20
  try {
    const { user, system } = await worker.cpuUsage()
    return (user + system) / 1000
  } catch {
    return null // it has ended
  }
}
