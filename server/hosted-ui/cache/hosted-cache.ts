import { hash, randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { lstat, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isAlive } from '../../process/process-alive.ts'
import { HOSTED_LIMITS } from '../limits.ts'
import { checkPlace, openPlace } from './cache-folder.ts'
import { Part } from './partial-build.ts'
import { Generation, parseGenerationName } from './stored-build.ts'

/** Home folders are shared between machines, and process numbers mean something on their own machine only. */
const MACHINE = hash('sha256', hostname()).slice(0, 8)
/** `part-<pid>-<machine>-<random>` is being filled, `used-<pid>-<machine>-<digest>` says that a generation is served. */
const OWNED = /^(part|used)-(\d+)-([0-9a-f]{8})-([0-9a-f]+)$/
/** A part whose fetching ended before its time: whoever fetches next goes on with it. */
const LEFT = /^left-[0-9a-f]{16}$/
/** Renamed aside, to be deleted. */
const OLD = /^old-[0-9a-f]{16}$/
const CHECKED = /^checked-[0-9a-f]{16}$/
/** What another machine left is told by its age alone. */
const ABANDONED_AFTER_MS = 24 * 60 * 60_000

/** What one generation is, for whoever asks what the cache holds. */
export type CacheEntry = { source: string; build: string | null; files: number; bytes: number; storedAt: number }
export type CacheListing = { place: string; exists: boolean; bytes: number; generations: CacheEntry[] }

/**
 * The hosted viewer's files on this machine: whole generations, in one folder of this user's that several processes
 * share without a lock. Each fills a part of its own and renames it; the first complete one is the generation.
 */
export class HostedCache {
  readonly place: string

  constructor(place: string) {
    this.place = place
  }

  /**
   * The newest undamaged generation of a source. Damaged ones are removed on the way.
   * @returns `null` where there is none; `damage` tells of those that were removed
   * @throws CacheRefusedError
   */
  async newest(source: string): Promise<{ generation: Generation | null; damage: string | null }> {
    if (!(await checkPlace(this.place))) return { generation: null, damage: null }
    let damage: string | null = null
    for (const name of await this.#names()) {
      const generation = await Generation.open(this.place, name)
      if (generation !== null && generation.manifest.source !== source) continue
      const found = generation === null ? 'its list of files is damaged' : await generation.damage()
      if (found === null) return { generation, damage }
      damage ??= `A stored build was removed: ${found}.`
      await this.#remove(name)
    }
    return { generation: null, damage }
  }

  /** Begin to fetch a generation; what a process that was killed had fetched is taken over. @throws CacheRefusedError */
  async begin(): Promise<Part> {
    await openPlace(this.place)
    const folder = join(this.place, `part-${process.pid}-${MACHINE}-${randomBytes(8).toString('hex')}`)
    let adopted: Part | null = null
    for (const name of await this.#entries()) {
      if (!(await this.#isAbandoned(name))) continue
      if (name.startsWith('part-') || LEFT.test(name)) adopted ??= await Part.adopt(join(this.place, name), folder)
      await rm(join(this.place, name), { recursive: true, force: true })
    }
    await this.#makeRoom(0)
    return adopted ?? (await Part.make(folder))
  }

  /** Fetching ended before its time: keep what came for whoever fetches next. */
  async leave(part: Part): Promise<void> {
    await rename(part.folder, join(this.place, `left-${randomBytes(8).toString('hex')}`))
  }

  /** The part is complete. @returns the generation that everybody finds from now on: this one, or an equal one */
  async publish(part: Part, source: string, build: string | null): Promise<Generation> {
    await this.#makeRoom(0)
    const [newest] = await this.#names()
    // Whoever began to fetch at the same time may have been faster.
    const known = (await this.newest(source)).generation
    if (known?.digest === part.digest({ source, build })) {
      await part.abandon()
      return known
    }
    const number = (newest === undefined ? 0 : (parseGenerationName(newest)?.number ?? 0)) + 1
    const name = await part.publish(this.place, { source, build, number })
    const generation = name === null ? (await this.newest(source)).generation : await Generation.open(this.place, name)
    if (generation === null) throw new Error('The files were stored, and are gone again.')
    await this.prune()
    return generation
  }

  /**
   * Say that this process serves a generation, so that nobody removes it. Ends with the process. Where that cannot be
   * written down, on a full disk or in a folder that is only read, the generation is served all the same.
   */
  async use(generation: Generation): Promise<void> {
    const mark = join(this.place, `used-${process.pid}-${MACHINE}-${generation.digest}`)
    await writeFile(mark, '', { mode: 0o600 }).catch(() => undefined)
    if (marks.size === 0) process.once('exit', removeMarks)
    marks.add(mark)
  }

  /** Remove generations that are neither new nor in use. */
  async prune(): Promise<void> {
    const kept = new Map<string, number>()
    for (const { name, generation } of await this.#all()) {
      const source = generation?.manifest.source ?? ''
      const count = (kept.get(source) ?? 0) + 1
      kept.set(source, count)
      if (count > HOSTED_LIMITS.generationsPerSource && !this.#isUsed(name)) await this.#remove(name)
    }
  }

  /** When the source was last asked for a newer build, milliseconds since the epoch; `null`: never. */
  async checkedAt(source: string): Promise<number | null> {
    return lstat(join(this.place, checkedName(source))).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    )
  }

  /** Where it cannot be written down, the source is asked again by the next process. */
  async noteChecked(source: string): Promise<void> {
    const path = join(this.place, checkedName(source))
    const now = new Date()
    await utimes(path, now, now)
      .catch(() => writeFile(path, '', { mode: 0o600, flag: 'wx' }))
      .catch(() => undefined)
  }

  /** What there is, the newest first. @throws CacheRefusedError */
  async list(): Promise<CacheListing> {
    const exists = await checkPlace(this.place)
    const all = exists ? await this.#all() : []
    const generations = all.flatMap(({ generation }) => (generation === null ? [] : [entryOf(generation)]))
    const bytes = generations.reduce((sum, entry) => sum + entry.bytes, 0)
    return { place: this.place, exists, bytes, generations }
  }

  /**
   * Remove all that this cache put into its folder, and nothing else that may lie there; what another process is
   * fetching just now stays.
   * @returns how much was removed
   * @throws CacheRefusedError
   */
  async clear(): Promise<{ generations: number; bytes: number }> {
    const { generations, bytes } = await this.list()
    for (const name of await this.#entries()) {
      const owned = OWNED.exec(name)
      if (owned === null || (owned[1] === 'part' && (await this.#isAbandoned(name)))) await this.#remove(name)
    }
    return { generations: generations.length, bytes }
  }

  /** Names of generations, the newest first. */
  async #names(): Promise<string[]> {
    const names = (await this.#entries()).filter((name) => parseGenerationName(name) !== null)
    return names.sort().reverse()
  }

  async #all(): Promise<{ name: string; generation: Generation | null }[]> {
    const names = await this.#names()
    return Promise.all(names.map(async (name) => ({ name, generation: await Generation.open(this.place, name) })))
  }

  /** All that is ours in the folder. */
  async #entries(): Promise<string[]> {
    const names = await readdir(this.place).catch(() => [])
    return names.filter((name) => {
      return parseGenerationName(name) !== null || [OWNED, LEFT, OLD, CHECKED].some((form) => form.test(name))
    })
  }

  /** Left by a process that is gone. */
  async #isAbandoned(name: string): Promise<boolean> {
    const [, , pid, machine] = OWNED.exec(name) ?? []
    if (OLD.test(name) || LEFT.test(name)) return true
    if (pid === undefined) return false
    if (machine === MACHINE) return !isAlive(Number(pid))
    const stats = await lstat(join(this.place, name)).catch(() => null)
    return stats === null || stats.mtimeMs < Date.now() - ABANDONED_AFTER_MS
  }

  #isUsed(generation: string): boolean {
    const digest = parseGenerationName(generation)?.digest
    return readdirSync(this.place).some((name) => {
      const [, kind, pid, machine, used] = OWNED.exec(name) ?? []
      return kind === 'used' && used === digest && (machine !== MACHINE || isAlive(Number(pid)))
    })
  }

  /** The oldest leave while all together are too large. */
  async #makeRoom(bytes: number): Promise<void> {
    const all = await this.#all()
    let total = bytes + all.reduce((sum, { generation }) => sum + (generation?.bytes ?? 0), 0)
    for (const { name, generation } of all.slice(1).reverse()) {
      if (total + HOSTED_LIMITS.generationBytes <= HOSTED_LIMITS.cacheBytes) return
      if (this.#isUsed(name)) continue
      await this.#remove(name)
      total -= generation?.bytes ?? 0
    }
  }

  /** Out of everybody's sight at once, then deleted: nobody reads half of it. */
  async #remove(name: string): Promise<void> {
    const aside = join(this.place, `old-${randomBytes(8).toString('hex')}`)
    const path = join(this.place, name)
    await rename(path, aside).catch(() => undefined) // gone already
    await rm(aside, { recursive: true, force: true })
  }
}

/** Of the generations that this process serves. */
const marks = new Set<string>()

function removeMarks(): void {
  for (const mark of marks) rmSync(mark, { force: true })
}

function checkedName(source: string): string {
  return `checked-${hash('sha256', source).slice(0, 16)}`
}

function entryOf({ manifest, bytes, storedAt }: Generation): CacheEntry {
  const { source, build, files } = manifest
  return { source, build, files: files.length, bytes, storedAt }
}
