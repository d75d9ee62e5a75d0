import { parseArgs } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { compiledPlace, keepCompiled } from './process/compile-cache.ts'
import { userCacheFolder } from './process/config.ts'

// One program for all: readers of files and what compares groups are worker threads of this same file, and the
// command line imports it. Each loads only its own part, and only after what was compiled before has been found.
if (!isMainThread) {
  const { isCompareWorker, runCompareWorker } = await import('./sources/compare/compare-worker.ts')
  if (isCompareWorker()) await runCompareWorker()
  else {
    const { isStoredWorker, runStoredWorker } = await import('./sources/files/reader-worker.ts')
    if (isStoredWorker()) runStoredWorker()
  }
} else if (import.meta.main && process.argv[2] === 'web-cache') {
  const { runCacheCommand } = await import('./hosted-ui/cache-command.ts')
  await runCacheCommand(process.argv[3])
} else if (import.meta.main) {
  keepCompiledIn(process.argv.slice(2))
  const { runServer } = await import('./run.ts')
  await runServer(process.argv.slice(2))
}

/** As the server's own options say; they are read in full when the rest is loaded. */
function keepCompiledIn(argv: string[]): void {
  const { cache } = parseArgs({ args: argv, strict: false, options: { cache: { type: 'string' } } }).values
  if (cache !== 'none') keepCompiled(compiledPlace(typeof cache === 'string' ? cache : userCacheFolder()))
}

/** The program `cellucid-notebook`, to its end; see cli.ts. */
export async function runCommandLine(argv: readonly string[]): Promise<never> {
  keepCompiled(compiledPlace(userCacheFolder()))
  const { runCommand } = await import('./command-line/run-command.ts')
  process.exit(await runCommand(argv))
}
