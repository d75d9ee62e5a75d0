import { appendFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { codeOf } from '../../../protocol/errors.ts'
import { HOSTED_LIMITS } from '../limits.ts'
import { type CachedFile, cachedFileSchema, encodeManifest, generationName, MANIFEST } from './stored-build.ts'
import { readOwn, sha256, syncFolder, writeNew } from './stored-files.ts'

const JOURNAL = 'journal'

/** A generation that is being fetched, in a folder of its own until it is complete. */
export class Part {
  readonly folder: string
  /** What it holds, by path. */
  readonly files = new Map<string, CachedFile>()

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(folder: string): Promise<Part> {
    await mkdir(folder, { mode: 0o700 })
    return new Part(folder)
  }

  /** Go on with what an ended process left, under a name of our own. @returns `null` where another was faster */
  static async adopt(left: string, folder: string): Promise<Part | null> {
    try {
      await rename(left, folder)
      const part = new Part(folder)
      await part.#readJournal()
      return part
    } catch {
      return null
    }
  }

  get bytes(): number {
    return [...this.files.values()].reduce((sum, file) => sum + file.bytes, 0)
  }

  /** Keep one file. @throws Error past the limits, or where the disk is full */
  async store(path: string, type: string, bytes: Uint8Array): Promise<CachedFile> {
    const file: CachedFile = { path, sha256: sha256(bytes), bytes: bytes.length, type }
    const isHeld = [...this.files.values()].some((other) => other.sha256 === file.sha256)
    this.#checkLimits(file)
    this.files.set(path, file)
    try {
      if (!isHeld) await writeNew(join(this.folder, file.sha256), bytes)
      await appendFile(join(this.folder, JOURNAL), `${JSON.stringify(file)}\n`, { mode: 0o600 })
    } catch (error) {
      this.files.delete(path)
      throw error
    }
    return file
  }

  /** A file that it holds, checked; `null` where there is none. */
  async read(path: string): Promise<Buffer | null> {
    const file = this.files.get(path)
    if (file === undefined) return null
    const bytes = await readOwn(join(this.folder, file.sha256), file.bytes)
    return bytes !== null && sha256(bytes) === file.sha256 ? bytes : null
  }

  /** Only these stay: what an earlier build left is none of the new one's. */
  async keepOnly(paths: ReadonlySet<string>): Promise<void> {
    for (const path of [...this.files.keys()]) if (!paths.has(path)) this.files.delete(path)
    await this.#removeUnlisted()
  }

  /** What its generation would be named by. */
  digest(about: { source: string; build: string | null }): string {
    return sha256(this.#manifest(about))
  }

  #manifest({ source, build }: { source: string; build: string | null }): string {
    return encodeManifest({ source, build, files: [...this.files.values()] })
  }

  /**
   * It is complete: from now on everybody finds it.
   * @param number one more than the newest
   * @returns the generation's name; `null` where it was already there
   */
  async publish(
    place: string,
    about: { source: string; build: string | null; number: number },
  ): Promise<string | null> {
    const manifest = this.#manifest(about)
    await rm(join(this.folder, JOURNAL), { force: true })
    await this.#removeUnlisted()
    await writeNew(join(this.folder, MANIFEST), manifest)
    await syncFolder(this.folder)
    const name = generationName(about.number, manifest)
    try {
      await rename(this.folder, join(place, name))
    } catch (error) {
      if (!isTaken(error)) throw error
      await this.abandon()
      return null
    }
    await syncFolder(place)
    return name
  }

  async abandon(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  #checkLimits(file: CachedFile): void {
    if (this.files.size >= HOSTED_LIMITS.files) throw new Error(`The site has more than ${HOSTED_LIMITS.files} files.`)
    if (this.bytes + file.bytes > HOSTED_LIMITS.generationBytes) {
      throw new Error(`The site has more than ${HOSTED_LIMITS.generationBytes >> 20} MB.`)
    }
  }

  /** What its last line holds may be cut; what its files hold may be too. */
  async #readJournal(): Promise<void> {
    const text = await readFile(join(this.folder, JOURNAL), 'utf8').catch(() => '')
    for (const line of text.split('\n').slice(0, HOSTED_LIMITS.files)) {
      const parsed = v.safeParse(cachedFileSchema, parseJson(line))
      if (!parsed.success) continue
      this.files.set(parsed.output.path, parsed.output)
      if ((await this.read(parsed.output.path)) === null) this.files.delete(parsed.output.path)
    }
    await this.#removeUnlisted()
  }

  async #removeUnlisted(): Promise<void> {
    const listed = new Set([JOURNAL, ...[...this.files.values()].map((file) => file.sha256)])
    for (const entry of await readdir(this.folder)) {
      if (!listed.has(entry)) await rm(join(this.folder, entry), { recursive: true, force: true })
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // the line that was being written when its process ended
  }
}

/** Somebody else's generation of that name stands there. */
function isTaken(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM'
}
