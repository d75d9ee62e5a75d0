import { open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type * as v from 'valibot'
import { EXPORT_FILES } from '../../protocol/export-layout.ts'
import type { OpenOptions, sourceSpecSchema } from '../../protocol/pipe.ts'
import { AnnDataSource } from './anndata-source.ts'
import { BackedReader } from './backed.ts'
import type { ColumnFolder } from './column-folder.ts'
import { DataError, type DataSource } from './data-source.ts'
import { ExportReader } from './export-folder.ts'
import { findPath } from './file-identity.ts'
import { type KernelRead, KernelReader } from './kernel.ts'
import { listed, quoted } from './near-names.ts'
import { OpenFiles } from './open-files.ts'
import type { StoredPlace } from './stored-place.ts'
import { parseStoreUrl } from './zarr/http-store.ts'
import { TOP_DOCUMENTS } from './zarr/zarr-nodes.ts'

export type { KernelRead } from './kernel.ts'
export type SourceSpec = v.InferOutput<typeof sourceSpecSchema>

/** `columnFolder`: where genes of large files are kept sorted, shared by all sources; `null`: nowhere. */
export type SourceSettings = { columnFolder: ColumnFolder | null }

/** Past it a file that cannot be described is given up; the reads themselves have their own, shorter limit. */
const OPEN_TIMEOUT_MS = 60_000

/**
 * A path or a handle as a source, or a clear refusal. A path is opened and its options are checked; a kernel has
 * checked its own dataset, so nothing is asked of it yet.
 * @throws DataError in words for the person who called `show_anndata`
 */
export async function openSource(
  spec: SourceSpec,
  options: OpenOptions,
  readFromKernel: KernelRead,
  settings: SourceSettings = { columnFolder: null },
): Promise<DataSource> {
  switch (spec.kind) {
    case 'kernel': {
      const kernel = new KernelReader(readFromKernel)
      const reader = spec.file === undefined ? kernel : await backedReader(kernel, spec.file, settings)
      return new AnnDataSource('kernel', reader, 'AnnData', options)
    }
    case 'path':
      return openPath(spec.path, options, settings)
  }
}

/** The file is opened when the first gene is asked for. */
async function backedReader(kernel: KernelReader, file: string, { columnFolder }: SourceSettings) {
  const place = { format: 'h5ad', path: await findPath(file) } as const
  return new BackedReader(kernel, openFiles.read(place, { folder: columnFolder }))
}

async function openPath(asked: string, options: OpenOptions, { columnFolder }: SourceSettings): Promise<DataSource> {
  if (/^https?:\/\//i.test(asked)) {
    const { href, pathname } = parseStoreUrl(asked)
    const name = basename(pathname) || 'AnnData'
    return checked(stored({ format: 'zarr-url', path: href }, name, options, columnFolder), name)
  }
  const path = await findPath(asked)
  const info = await stat(path)
  if (info.isDirectory()) return checked(await openFolder(path, asked, options, columnFolder), asked)
  if (!info.isFile())
    throw new DataError('unsupported', `${quoted(asked)} is not a file. Pass the path of an .h5ad file.`)
  const format = (await startsWith(path, asked, ZIP_SIGNATURE)) ? 'zarr-zip' : 'h5ad'
  if (format === 'h5ad') await checkIsHdf5(path, asked, info.size)
  return checked(stored({ format, path }, basename(asked), options, columnFolder), asked)
}

function stored(place: StoredPlace, name: string, options: OpenOptions, folder: ColumnFolder | null): AnnDataSource {
  return new AnnDataSource(place.format === 'h5ad' ? 'h5ad' : 'zarr', openFiles.read(place, { folder }), name, options)
}

/** A zarr store, or an export of one dataset, or of several in folders of their own. */
async function openFolder(
  path: string,
  asked: string,
  options: OpenOptions,
  columnFolder: ColumnFolder | null,
): Promise<AnnDataSource> {
  const kind = await kindOfFolder(path)
  if (kind === 'zarr') return stored({ format: 'zarr-folder', path }, basename(path), options, columnFolder)
  if (kind === 'export') return new AnnDataSource('export', new ExportReader(path), basename(path), options)
  const inside: string[] = []
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory() && (await kindOfFolder(join(path, entry.name))) === 'export') inside.push(entry.name)
  }
  const [only] = inside
  if (only !== undefined && inside.length === 1) return openFolder(join(path, only), asked, options, columnFolder)
  const found = inside.length === 0 ? 'holds no dataset' : `holds ${inside.length} datasets: ${listed(inside.sort())}`
  const advice =
    inside.length === 0
      ? 'Pass an .h5ad file, a .zarr store, or a folder that cellucid wrote'
      : 'Pass the path of one of them'
  throw new DataError(
    inside.length === 0 ? 'unsupported' : 'ambiguous',
    `The folder ${quoted(asked)} ${found}. ${advice}.`,
  )
}

/** What a folder is the top of, by the names in it; `null`: no dataset. */
export async function kindOfFolder(folder: string): Promise<'zarr' | 'export' | null> {
  if (await hasFile(folder, TOP_DOCUMENTS)) return 'zarr'
  return (await hasFile(folder, [EXPORT_FILES.identity])) ? 'export' : null
}

/** Whether one of these files is right in a folder. */
async function hasFile(folder: string, names: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (info) => info.isFile(),
        () => false,
      ),
    ),
  )
  return found.includes(true)
}

/** The source, once it is known that it can be shown. */
async function checked(source: AnnDataSource, asked: string): Promise<DataSource> {
  const patience = AbortSignal.timeout(OPEN_TIMEOUT_MS)
  try {
    await source.check(patience)
    return source
  } catch (error) {
    await source.close()
    if (!patience.aborted) throw error
    const limit = `${OPEN_TIMEOUT_MS / 1000} s`
    const advice = 'Check that the disk or the server it is on answers, then run the cell again.'
    throw new DataError('timed_out', `${quoted(asked)} could not be opened within ${limit}. ${advice}`, {
      cause: error,
    })
  }
}

const openFiles = new OpenFiles()

const HDF5_SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])
/** A file may begin with something else of 512, 1024, 2048 … bytes; nobody writes more than this before it. */
const MAX_USER_BLOCK = 1 << 20

async function checkIsHdf5(path: string, asked: string, size: number): Promise<void> {
  if (size === 0)
    throw new DataError('malformed', `${quoted(asked)} is empty (0 bytes), not an HDF5 file. Write it again.`)
  const file = await openForReading(path, asked)
  try {
    const head = Buffer.alloc(HDF5_SIGNATURE.length)
    for (let at = 0; at < size && at <= MAX_USER_BLOCK; at = at === 0 ? 512 : at * 2) {
      await file.read(head, 0, head.length, at)
      if (head.equals(HDF5_SIGNATURE)) return
    }
  } finally {
    await file.close()
  }
  const found = 'its first bytes are not those of one'
  throw new DataError(
    'malformed',
    `${quoted(asked)} is not an HDF5 file: ${found}. Pass a file that adata.write_h5ad() wrote.`,
  )
}

const ZIP_SIGNATURE = Buffer.from('PK\x03\x04')

async function startsWith(path: string, asked: string, signature: Buffer): Promise<boolean> {
  const file = await openForReading(path, asked)
  try {
    const head = Buffer.alloc(signature.length)
    await file.read(head, 0, head.length, 0)
    return head.equals(signature)
  } finally {
    await file.close()
  }
}

async function openForReading(path: string, asked: string) {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new DataError('not_found', `${quoted(asked)} cannot be opened: you may not read it. Ask its owner.`, {
      cause,
    })
  }
}
