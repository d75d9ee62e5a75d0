import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Filters that come as files beside the library, each loaded at its first use. */
const FILTERS: Record<string, number | undefined> = {
  'libH5Zbz2.so': 307,
  'libH5Zlzf.so': 32000,
  'libH5Zblosc.so': 32001,
  'libH5Zlz4.so': 32004,
  'libH5Zbshuf.so': 32008,
  'libH5Zzstd.so': 32015,
  'libH5Zblosc2.so': 32026,
}

/** What a bundle has to bring, from the package's folder `plugins`. */
export const PLUGIN_FILES = Object.keys(FILTERS)
/** Where it has to bring it, beside itself. */
export const PLUGIN_FOLDER = 'hdf5-plugins'

export type Plugins = { folder: string; files: string[]; filters: ReadonlySet<number> }

/** The filters that are there: in the package, or in the folder that a bundle brings beside itself. */
export function findPlugins(): Plugins {
  const isSource = import.meta.url.endsWith('.ts')
  const folder = isSource
    ? join(dirname(fileURLToPath(import.meta.resolve('h5wasm-plugins'))), 'plugins')
    : fileURLToPath(new URL(`./${PLUGIN_FOLDER}`, import.meta.url))
  const names = existsSync(folder) ? readdirSync(folder) : []
  const known = names.filter((name) => FILTERS[name] !== undefined)
  return {
    folder,
    // The library looks into every file of the folder until one says that it is the filter.
    files: names.map((name) => join(folder, name)),
    filters: new Set(known.map((name) => FILTERS[name] ?? 0)),
  }
}
