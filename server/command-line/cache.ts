import { rm } from 'node:fs/promises'
import { nearNames, quoted } from '../../data/near-names.ts'
import { HostedCache } from '../hosted-ui/cache/hosted-cache.ts'
import { compiledFiles, compiledPlace } from '../process/compile-cache.ts'
import { columnPlace, hostedCachePlace, userCacheFolder } from '../process/config.ts'
import { ColumnFolder } from '../sources/csc-cache/csc-folder.ts'
import { counted, sizeText } from './counted.ts'
import { parseFlags } from './flags.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** One of the places where something is kept that can be made again. */
export type CachePart = {
  what: string
  place: string
  /** What it holds; `null`: nothing. @throws CacheRefusedError where it may not be looked at */
  holds(): Promise<string | null>
  clear(): Promise<void>
}

/** All that this program keeps on disk. */
export function cacheParts(): CachePart[] {
  const columns = columnPlace(userCacheFolder())
  const folder = new ColumnFolder(columns)
  const hosted = new HostedCache(hostedCachePlace())
  const compiled = compiledPlace(userCacheFolder())
  return [
    {
      what: 'genes of large files, sorted for quick access',
      place: columns,
      async holds() {
        const { stores, bytes } = await folder.list()
        return stores === 0 ? null : `${counted(stores, 'file')}, ${sizeText(bytes)}`
      },
      clear: () => folder.clear(),
    },
    {
      what: 'the hosted viewer',
      place: hosted.place,
      async holds() {
        const { generations, bytes } = await hosted.list()
        return generations.length === 0 ? null : `${counted(generations.length, 'build')}, ${sizeText(bytes)}`
      },
      async clear() {
        await hosted.clear()
      },
    },
    {
      what: 'this program, compiled for quick starts',
      place: compiled,
      async holds() {
        const files = compiledFiles(compiled)
        const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
        return files.length === 0 ? null : `${counted(files.length, 'file')}, ${sizeText(bytes)}`
      },
      clear: () => rm(compiled, { recursive: true, force: true }),
    },
  ]
}

const ACTIONS = ['list', 'clear'] as const

/** Say what is kept, or remove it. @throws UsageError, CacheRefusedError */
export async function cache(argv: readonly string[], terminal: Terminal): Promise<true> {
  const { paths } = parseFlags(argv, {})
  const [action = 'list', ...more] = paths
  if (!ACTIONS.some((known) => known === action) || more.length > 0) {
    const near = nearNames(paths[0] ?? '', ACTIONS, 1).map((each) => ` Did you mean ${quoted(each)}?`)
    throw new UsageError(`cache takes "list" or "clear"; found ${quoted(paths.join(' '))}.${near.join('')}`)
  }
  for (const part of cacheParts()) {
    const held = await part.holds()
    if (action === 'clear') await part.clear()
    terminal.say(`${part.what}: ${held ?? 'nothing'}${action === 'clear' && held !== null ? ', removed' : ''}`)
    terminal.say(terminal.faint(`  ${part.place}`))
  }
  return true
}
