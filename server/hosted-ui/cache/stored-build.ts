import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { HOSTED_LIMITS } from '../limits.ts'
import { isOwn } from './cache-folder.ts'
import { readOwn, sha256, stateOf } from './stored-files.ts'

const digestSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
export const cachedFileSchema = v.object({
  /** As asked for: `index.html`, `assets/app.js`. */
  path: v.pipe(v.string(), v.maxLength(512)),
  /** The file's name on disk, too. */
  sha256: digestSchema,
  bytes: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(HOSTED_LIMITS.fileBytes)),
  type: v.pipe(v.string(), v.maxLength(128)),
})
export type CachedFile = v.InferOutput<typeof cachedFileSchema>

const manifestSchema = v.object({
  format: v.literal(1),
  /** The site that the files came from. */
  source: v.string(),
  /** The site's own name for the build, if it has one. */
  build: v.nullable(v.string()),
  files: v.pipe(v.array(cachedFileSchema), v.maxLength(HOSTED_LIMITS.files)),
})
export type Manifest = v.InferOutput<typeof manifestSchema>

export const MANIFEST = 'manifest.json'
const MAX_MANIFEST_BYTES = 2 << 20

/** The manifest's one form, so that the same files have the same name whoever fetched them. */
export function encodeManifest({ source, build, files }: Omit<Manifest, 'format'>): string {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  return JSON.stringify({ format: 1, source, build, files: sorted })
}

/** `gen-<number>-<digest of its manifest>`: higher numbers are newer. */
const NAME = /^gen-(\d{6})-([0-9a-f]{64})$/

export function generationName(number: number, manifest: string): string {
  return `gen-${String(number).padStart(6, '0')}-${sha256(manifest)}`
}

export function parseGenerationName(name: string): { number: number; digest: string } | null {
  const found = NAME.exec(name)
  return found === null ? null : { number: Number(found[1]), digest: found[2] ?? '' }
}

/** One complete build of the hosted viewer on disk. Its files never change; what differs is damage. */
export class Generation {
  readonly folder: string
  readonly name: string
  readonly manifest: Manifest
  /** When it became complete, milliseconds since the epoch. */
  readonly storedAt: number
  readonly #files: ReadonlyMap<string, CachedFile>
  /** States of files whose bytes were found right. */
  readonly #checked = new Map<string, string>()

  private constructor(folder: string, name: string, manifest: Manifest, storedAt: number) {
    this.folder = folder
    this.name = name
    this.manifest = manifest
    this.storedAt = storedAt
    this.#files = new Map(manifest.files.map((file) => [file.path, file]))
  }

  /** @returns `null` where it is no generation: damaged, of another form, or not this user's */
  static async open(place: string, name: string): Promise<Generation | null> {
    const parsed = parseGenerationName(name)
    const folder = join(place, name)
    try {
      const stats = await lstat(folder)
      if (parsed === null || !stats.isDirectory() || !isOwn(stats)) return null
      const file = await lstat(join(folder, MANIFEST))
      if (!file.isFile() || file.size > MAX_MANIFEST_BYTES) return null
      const text = await readFile(join(folder, MANIFEST), 'utf8')
      if (sha256(text) !== parsed.digest) return null
      const manifest = v.safeParse(manifestSchema, JSON.parse(text))
      return manifest.success ? new Generation(folder, name, manifest.output, file.mtimeMs) : null
    } catch {
      return null // gone meanwhile, or what no manifest is
    }
  }

  /** Of its list of files: the same files have the same. */
  get digest(): string {
    return sha256(encodeManifest(this.manifest))
  }

  get bytes(): number {
    return this.manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()]
  }

  file(path: string): CachedFile | null {
    return this.#files.get(path) ?? null
  }

  /** A file, its bytes as they were stored; `null` where there is none or it is damaged. */
  async read(path: string): Promise<{ bytes: Buffer; file: CachedFile } | null> {
    const file = this.#files.get(path)
    if (file === undefined) return null
    const bytes = await readOwn(join(this.folder, file.sha256), file.bytes)
    return bytes !== null && sha256(bytes) === file.sha256 ? { bytes, file } : null
  }

  /** The first thing that is wrong with it, in words; `null` when every byte is as it was stored. */
  async damage(): Promise<string | null> {
    const expected = new Set([MANIFEST, ...this.manifest.files.map((file) => file.sha256)])
    const found = await readdir(this.folder).catch(() => [])
    const extra = found.find((name) => !expected.has(name))
    if (extra !== undefined) return `it holds ${JSON.stringify(extra.slice(0, 80))}, which was never stored there`
    for (const file of this.manifest.files) {
      const stats = await lstat(join(this.folder, file.sha256)).catch(() => null)
      if (stats?.isSymbolicLink()) return `${file.path} is a symbolic link, which is not followed`
      if (!(await this.#isIntact(file))) return `${file.path} is not as it was stored`
    }
    return null
  }

  async #isIntact(file: CachedFile): Promise<boolean> {
    const state = await stateOf(this.folder, file.sha256).catch(() => null)
    if (state === null) return false
    if (this.#checked.get(file.sha256) === state) return true
    if ((await this.read(file.path)) === null) return false
    this.#checked.set(file.sha256, state)
    return true
  }
}
