import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { findPath } from '../../sources/files/file-identity.ts'
import { foreignFolder } from '../../sources/foreign/foreign-folders.ts'
import { kindOfFolder } from '../../sources/open-source.ts'

/** One dataset that can be asked for. */
export type FoundDataset = {
  /** Unlike that of any other. */
  name: string
  /** A real path, or a URL. */
  path: string
  /** As the person at the terminal would write it: what messages speak of. */
  asked: string
}

/** How deep below a folder datasets are looked for, and how many names are looked at: a home folder has no end. */
const MAX_DEPTH = 3
const MAX_ENTRIES = 20_000
const MAX_DATASETS = 1_000

const DATA_FILE = /\.(h5ad|h5mu|zarr\.zip)$/i
const URL_START = /^https?:\/\//i

/**
 * The datasets at these paths: a path itself, or, of a folder that is none, what lies in it.
 * @throws DataError `not_found` for a path that is not there, `unsupported` for a folder without a dataset
 */
export async function findDatasets(paths: readonly string[]): Promise<FoundDataset[]> {
  const found: FoundDataset[] = []
  for (const asked of paths) found.push(...(await datasetsAt(asked)))
  const byPath = new Map(found.map((dataset) => [dataset.path, dataset]))
  return distinctNames([...byPath.values()])
}

async function datasetsAt(asked: string): Promise<FoundDataset[]> {
  if (URL_START.test(asked)) return [{ name: nameOfUrl(asked), path: asked, asked }]
  const path = await findPath(asked)
  if (!(await stat(path)).isDirectory() || (await kindOfFolder(path)) !== null) {
    return [{ name: basename(resolve(asked)), path, asked }]
  }
  const walk: Walk = { found: [], entriesLeft: MAX_ENTRIES }
  await lookInto(path, MAX_DEPTH, walk)
  if (walk.found.length > 0) {
    const names = walk.found.map((each) => relative(path, each))
    const named = names.map((name) => ({ name, path: join(path, name), asked: join(asked, name) }))
    return named.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  }
  const unknown = new DataError(
    'unsupported',
    `The folder ${quoted(asked)} holds no dataset: no .h5ad or .h5mu file, no .zarr store, no folder that cellucid wrote, ` +
      `also not in the folders inside it. Pass the path of one.`,
  )
  throw (await foreignFolder(path, asked)) ?? unknown
}

type Walk = { found: string[]; entriesLeft: number }

async function lookInto(folder: string, depth: number, walk: Walk): Promise<void> {
  // A folder that may not be read has no dataset for this user.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (entry.name.startsWith('.') || walk.found.length >= MAX_DATASETS || --walk.entriesLeft < 0) continue
    const path = join(folder, entry.name)
    const info = entry.isSymbolicLink() ? await stat(path).catch(() => null) : entry
    if (info?.isFile() === true && DATA_FILE.test(entry.name)) walk.found.push(path)
    if (info?.isDirectory() !== true) continue
    if ((await kindOfFolder(path)) !== null) walk.found.push(path)
    else if (depth > 1) await lookInto(path, depth - 1, walk)
  }
}

/** Two of one name are told apart by where they are. */
function distinctNames(datasets: readonly FoundDataset[]): FoundDataset[] {
  const counts = Map.groupBy(datasets, ({ name }) => name)
  return datasets.map((each) => ((counts.get(each.name)?.length ?? 0) > 1 ? { ...each, name: each.path } : each))
}

function nameOfUrl(url: string): string {
  return URL.canParse(url) ? basename(new URL(url).pathname) || url : url
}
