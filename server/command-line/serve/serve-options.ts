import { messageOf } from '../../../protocol/errors.ts'
import { type Matrix, RAW, X } from '../../../protocol/matrix.ts'
import type { OpenOptions } from '../../../protocol/pipe.ts'
import { DEFAULT_SOURCE, parseSource, type Source } from '../../hosted-ui/site/site-address.ts'
import { parseFlags } from '../flags.ts'
import { UsageError } from '../usage-error.ts'

export type ServeOptions = {
  paths: string[]
  /** `null`: 8765 or the next free one. */
  port: number | null
  /** `null`: this machine's own address. */
  host: string | null
  /** `null`: where a window can be opened and somebody watches. */
  opensBrowser: boolean | null
  isVerbose: boolean
  /** The site of the hosted viewer; `null`: the embedded one shows the data. */
  hostedSource: Source | null
  view: OpenOptions
}

const FLAGS = {
  port: 'string',
  host: 'string',
  open: 'boolean',
  'no-open': 'boolean',
  ui: 'string',
  'web-source-url': 'string',
  verbose: 'boolean',
  color: 'string',
  embedding: 'string',
  layer: 'string',
  'use-raw': 'boolean',
  'no-use-raw': 'boolean',
  'gene-symbols': 'string',
} as const

/** @param defaultUi what the environment says. @throws UsageError */
export function parseServeOptions(argv: readonly string[], defaultUi = 'embedded'): ServeOptions {
  const { flags, paths } = parseFlags(argv, FLAGS)
  if (paths.length === 0) throw new UsageError('serve needs the path of a dataset, or of a folder with some.')
  if (flags.open === true && flags['no-open'] === true) throw new UsageError('--open and --no-open exclude each other.')
  return {
    paths,
    port: flags.port === undefined ? null : portNumber(flags.port),
    host: flags.host === undefined ? null : flags.host.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
    opensBrowser: flags.open ?? (flags['no-open'] === true ? false : null),
    isVerbose: flags.verbose ?? false,
    hostedSource: hostedSource(flags.ui ?? defaultUi, flags['web-source-url']),
    view: {
      name: null,
      color: flags.color ?? null,
      embedding: flags.embedding ?? null,
      geneSymbols: flags['gene-symbols'] ?? null,
      matrix: matrixOf(flags),
    },
  }
}

/** In the words of scanpy's `layer` and `use_raw`; `null` where neither is named. */
function matrixOf(flags: { layer?: string; 'use-raw'?: boolean; 'no-use-raw'?: boolean }): Matrix | null {
  const [usesRaw, avoidsRaw] = [flags['use-raw'] === true, flags['no-use-raw'] === true]
  if (usesRaw && avoidsRaw) throw new UsageError('--use-raw and --no-use-raw exclude each other.')
  if (usesRaw && flags.layer !== undefined)
    throw new UsageError('--use-raw and --layer name two matrices. Leave one of them out.')
  if (flags.layer !== undefined) return { in: 'layers', layer: flags.layer }
  if (usesRaw) return RAW
  return avoidsRaw ? X : null
}

function hostedSource(ui: string, url: string | undefined): Source | null {
  if (ui === 'hosted') return checkedSource(url ?? DEFAULT_SOURCE)
  if (ui !== 'embedded') throw new UsageError(`--ui takes "embedded" or "hosted"; found "${ui}".`)
  if (url === undefined) return null
  throw new UsageError('--web-source-url says where the hosted viewer comes from: it needs --ui hosted.')
}

function checkedSource(url: string): Source {
  try {
    return parseSource(url)
  } catch (error) {
    throw new UsageError(inWordsOfFlags(messageOf(error)))
  }
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port > 0 && port <= 65_535) return port
  throw new UsageError(`--port takes a number from 1 to 65535; found "${text}". Leave it out for a free one.`)
}

/** A refusal that speaks of the arguments of `show_anndata`, in the words of the command line. */
export function inWordsOfFlags(sentence: string): string {
  const flags = sentence.replace(/\buse_raw=True\b/g, '--use-raw').replace(/\buse_raw=False\b/g, '--no-use-raw')
  return flags.replace(
    /\b(color|embedding|layer|gene_symbols|web_source_url)=/g,
    (_match, name: string) => `--${name.replaceAll('_', '-')} `,
  )
}
