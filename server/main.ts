import { isMainThread } from 'node:worker_threads'

// One bundle for all: the readers of HDF5 files are worker threads of this same file. Each loads only its own half.
if (!isMainThread) {
  const { isStoredWorker, runStoredWorker } = await import('./sources/stored-worker.ts')
  if (isStoredWorker()) runStoredWorker()
} else if (process.argv[2] === 'web-cache') {
  const { runCacheCommand } = await import('./hosted-ui/cache-command.ts')
  await runCacheCommand(process.argv[3])
} else {
  const { runServer } = await import('./run.ts')
  await runServer(process.argv.slice(2))
}
