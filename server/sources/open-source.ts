import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type * as v from 'valibot'
import { AnnDataSource } from '../../data/anndata/anndata-source.ts'
import { DataError, type DataSource } from '../../data/data-source.ts'
import { BackedReader } from '../../data/kernel/backed-reader.ts'
import { type KernelRead, KernelReader } from '../../data/kernel/kernel-reader.ts'
import { MuDataReader } from '../../data/mudata/mudata-reader.ts'
import { listed, quoted } from '../../data/near-names.ts'
import { pathText } from '../../data/python-text.ts'
import { TOP_DOCUMENTS } from '../../data/zarr/zarr-nodes.ts'
import { EXPORT_FILES } from '../../protocol/export-layout.ts'
import type { OpenOptions, sourceSpecSchema } from '../../protocol/pipe.ts'
import { compareInThread } from './compare/compare-thread.ts'
import type { ColumnFolder } from './csc-cache/csc-folder.ts'
import { ExportReader } from './export/export-reader.ts'
import { findPath } from './files/file-identity.ts'
import type { StoredPlace } from './files/file-location.ts'
import { OpenFiles } from './files/open-files.ts'
import { foreignFolder } from './foreign/foreign-folders.ts'
import { foreignZip } from './foreign/foreign-zip.ts'
import { formatOf } from './foreign/format-of.ts'
import { onlyTable } from './foreign/spatial-data.ts'
import { parseStoreUrl } from './zarr/http-store.ts'

export type { KernelRead } from '../../data/kernel/kernel-reader.ts'
export type SourceSpec = v.InferOutput<typeof sourceSpecSchema>

/** `columnFolder`: where genes of large files are kept sorted, shared by all sources; `null`: nowhere. */
export type SourceSettings = {
  columnFolder: ColumnFolder | null
  /** Reads of what else lives in the kernel: the modalities of a MuData. */
  readFrom?: (sourceId: string) => KernelRead
}

/** Past it a file that cannot be described is given up; the reads themselves have their own, shorter limit. */
const OPEN_TIMEOUT_MS = 60_000

/**
 * A path or a handle as a source, or a clear refusal. A path is opened and its options are checked, and so is a MuData;
 * of an AnnData the kernel has checked itself nothing is asked yet.
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
      const kernel = new KernelReader(readFromKernel, compareInThread)
      if (spec.modalities !== undefined) {
        const reader = muDataInKernel(kernel, spec, settings)
        return checked(async () => new AnnDataSource('kernel', reader, 'MuData', options), 'MuData')
      }
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

function muDataInKernel(
  top: KernelReader,
  { modalities = [], axis = 0 }: SourceSpec & { kind: 'kernel' },
  { readFrom }: SourceSettings,
): MuDataReader {
  if (readFrom === undefined) throw new DataError('unsupported', 'The modalities of this MuData cannot be read.')
  const readers = modalities.map(({ name, sourceId }) => ({ name, reader: new KernelReader(readFrom(sourceId)) }))
  return new MuDataReader({ top, modalities: readers, axis })
}

async function openPath(asked: string, options: OpenOptions, { columnFolder }: SourceSettings): Promise<DataSource> {
  if (/^https?:\/\//i.test(asked)) {
    const { href, pathname } = parseStoreUrl(asked)
    const name = basename(pathname) || 'AnnData'
    return checked((signal) => stored({ format: 'zarr-url', path: href }, name, options, columnFolder, signal), name)
  }
  const path = await findPath(asked)
  const info = await stat(path)
  if (info.isDirectory()) return checked((signal) => openFolder(path, asked, options, columnFolder, signal), asked)
  if (!info.isFile())
    throw new DataError('unsupported', `${quoted(asked)} is not a file. Pass the path of an .h5ad file.`)
  const format = await formatOf(path, asked)
  const open = (signal: AbortSignal) => stored({ format, path }, basename(asked), options, columnFolder, signal)
  const source = checked(open, asked)
  if (format === 'h5ad') return source
  return source.catch(async (error: unknown) => {
    throw (await foreignZip(path, asked)) ?? error
  })
}

/** An AnnData, or a MuData, whose modalities are read from the same opened file. */
async function stored(
  place: StoredPlace,
  name: string,
  options: OpenOptions,
  folder: ColumnFolder | null,
  signal: AbortSignal,
): Promise<AnnDataSource> {
  const kind = place.format === 'h5ad' ? 'h5ad' : 'zarr'
  const top = openFiles.read(place, { folder })
  try {
    const found = await top.modalities(signal)
    if (found === null) return new AnnDataSource(kind, top, name, options)
    const modalities = found.names.map((each) => ({
      name: each,
      reader: openFiles.read(place, { folder }, `mod/${each}`),
    }))
    return new AnnDataSource(kind, new MuDataReader({ top, modalities, axis: found.axis }), name, options)
  } catch (error) {
    await top.close()
    throw error
  }
}

/** A zarr store, or an export of one dataset, or of several in folders of their own. */
async function openFolder(
  path: string,
  asked: string,
  options: OpenOptions,
  columnFolder: ColumnFolder | null,
  signal: AbortSignal,
): Promise<AnnDataSource> {
  const kind = await kindOfFolder(path)
  if (kind === 'zarr') {
    const table = await onlyTable(path, asked)
    return stored({ format: 'zarr-folder', path: table ?? path }, basename(path), options, columnFolder, signal)
  }
  if (kind === 'export') return new AnnDataSource('export', new ExportReader(path), basename(path), options)
  const inside = await datasetsIn(path)
  const [only] = inside
  if (only !== undefined && inside.length === 1)
    return openInside(join(path, only), asked, options, columnFolder, signal)
  if (only !== undefined) {
    const found = `The folder ${quoted(asked)} holds ${inside.length} datasets: ${listed(inside)}`
    throw new DataError('ambiguous', `${found}. Pass the path of one of them, such as ${pathText(join(asked, only))}.`)
  }
  const advice = 'Pass an .h5ad file, a .zarr store, or a folder that cellucid wrote'
  const unknown = new DataError('unsupported', `The folder ${quoted(asked)} holds no dataset. ${advice}.`)
  throw (await foreignFolder(path, asked)) ?? unknown
}

async function openInside(
  path: string,
  asked: string,
  options: OpenOptions,
  columnFolder: ColumnFolder | null,
  signal: AbortSignal,
): Promise<AnnDataSource> {
  if ((await stat(path)).isDirectory()) return openFolder(path, asked, options, columnFolder, signal)
  return stored({ format: await formatOf(path, asked), path }, basename(path), options, columnFolder, signal)
}

const DATA_FILE = /\.(h5ad|h5mu|zarr\.zip)$/i

/** Names of the datasets right inside a folder, sorted. */
async function datasetsIn(path: string): Promise<string[]> {
  const inside: string[] = []
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    const isOne = entry.isDirectory()
      ? (await kindOfFolder(join(path, entry.name))) !== null
      : DATA_FILE.test(entry.name)
    if (isOne) inside.push(entry.name)
  }
  return inside.sort()
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
async function checked(open: (signal: AbortSignal) => Promise<AnnDataSource>, asked: string): Promise<DataSource> {
  const patience = AbortSignal.timeout(OPEN_TIMEOUT_MS)
  let source: AnnDataSource | null = null
  try {
    source = await open(patience)
    await source.check(patience)
    return source
  } catch (error) {
    await source?.close()
    if (!patience.aborted) throw error
    const limit = `${OPEN_TIMEOUT_MS / 1000} s`
    const advice = 'Check that the disk or the server it is on answers, then run the cell again.'
    throw new DataError('timed_out', `${quoted(asked)} could not be opened within ${limit}. ${advice}`, {
      cause: error,
    })
  }
}

const openFiles = new OpenFiles()
