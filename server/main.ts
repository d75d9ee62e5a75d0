import { isMainThread } from 'node:worker_threads'

// One bundle for all: the readers of HDF5 files are worker threads of this same file, and the command line imports it.
// Each loads only its own part.
if (!isMainThread) {
  const { isStoredWorker, runStoredWorker } = await import('./sources/files/reader-worker.ts')
  if (isStoredWorker()) runStoredWorker()
} else if (import.meta.main && process.argv[2] === 'web-cache') {
  const { runCacheCommand } = await import('./hosted-ui/cache-command.ts')
  await runCacheCommand(process.argv[3])
} else if (import.meta.main) {
  const { runServer } = await import('./run.ts')
  await runServer(process.argv.slice(2))
}

/** The program `cellucid-notebook`, to its end; see cli.ts. */
export async function runCommandLine(argv: readonly string[]): Promise<never> {
  const { runCommand } = await import('./command-line/run-command.ts')
  process.exit(await runCommand(argv))
}
