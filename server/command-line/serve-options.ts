import type { OpenOptions } from '../../protocol/pipe.ts'
import { parseFlags } from './flags.ts'
import { UsageError } from './usage-error.ts'

export type ServeOptions = {
  paths: string[]
  /** `null`: 8765 or the next free one. */
  port: number | null
  /** `null`: this machine's own address. */
  host: string | null
  /** `null`: where a window can be opened and somebody watches. */
  opensBrowser: boolean | null
  isVerbose: boolean
  view: OpenOptions
}

const FLAGS = {
  port: 'string',
  host: 'string',
  open: 'boolean',
  'no-open': 'boolean',
  ui: 'string',
  verbose: 'boolean',
  color: 'string',
  embedding: 'string',
  layer: 'string',
  'gene-id-column': 'string',
} as const

/** @throws UsageError */
export function parseServeOptions(argv: readonly string[]): ServeOptions {
  const { flags, paths } = parseFlags(argv, FLAGS)
  if (paths.length === 0) throw new UsageError('serve needs the path of a dataset, or of a folder with some.')
  if (flags.open === true && flags['no-open'] === true) throw new UsageError('--open and --no-open exclude each other.')
  if (flags.ui !== undefined && flags.ui !== 'embedded') {
    throw new UsageError(`--ui takes "embedded"; found "${flags.ui}".`)
  }
  return {
    paths,
    port: flags.port === undefined ? null : portNumber(flags.port),
    host: flags.host === undefined ? null : flags.host.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
    opensBrowser: flags.open ?? (flags['no-open'] === true ? false : null),
    isVerbose: flags.verbose ?? false,
    view: {
      name: null,
      color: flags.color ?? null,
      embedding: flags.embedding ?? null,
      geneIdColumn: flags['gene-id-column'] ?? null,
      layer: flags.layer ?? null,
    },
  }
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port > 0 && port <= 65_535) return port
  throw new UsageError(`--port takes a number from 1 to 65535; found "${text}". Leave it out for a free one.`)
}

/** A refusal that speaks of the arguments of `show_anndata`, in the words of the command line. */
export function inWordsOfFlags(sentence: string): string {
  return sentence.replace(
    /\b(color|embedding|layer|gene_id_column)=/g,
    (_match, name: string) => `--${name.replaceAll('_', '-')} `,
  )
}
