import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../../../data/data-source.ts'
import { listed, quoted } from '../../../data/near-names.ts'
import { pathText } from '../../../data/python-text.ts'
import { TOP_DOCUMENTS } from '../../../data/zarr/zarr-nodes.ts'

/** Where SpatialData keeps its AnnData; `table` before version 0.1. */
const TABLE_FOLDERS = ['tables', 'table']
const OTHER_FOLDERS = ['images', 'labels', 'points', 'shapes']

/**
 * The AnnData inside of a SpatialData store.
 * @param path the folder of a zarr store
 * @returns its folder where there is exactly one; `null` for a store of another kind
 * @throws DataError `ambiguous` naming several, `unsupported` where there is none
 */
export async function onlyTable(path: string, asked: string): Promise<string | null> {
  const names = await readdir(path)
  if (names.includes('obs') || ![...TABLE_FOLDERS, ...OTHER_FOLDERS].some((name) => names.includes(name))) return null
  const tables: string[] = []
  for (const folder of TABLE_FOLDERS) if (names.includes(folder)) tables.push(...(await storesIn(path, folder)))
  const [only] = tables
  if (only !== undefined && tables.length === 1) return join(path, only)
  const found = `${quoted(asked)} is a SpatialData store`
  if (only === undefined) {
    throw new DataError('unsupported', `${found} without a table of cells (tables/): there is nothing to show.`)
  }
  const advice = `Pass the path of one of them, such as ${pathText(join(asked, only))}`
  throw new DataError('ambiguous', `${found} with ${tables.length} tables: ${listed(tables)}. ${advice}.`)
}

async function storesIn(path: string, folder: string): Promise<string[]> {
  const found: string[] = []
  for (const name of (await readdir(join(path, folder))).sort()) {
    const documents = TOP_DOCUMENTS.map((document) => stat(join(path, folder, name, document)))
    if ((await Promise.allSettled(documents)).some(({ status }) => status === 'fulfilled'))
      found.push(join(folder, name))
  }
  return found
}
