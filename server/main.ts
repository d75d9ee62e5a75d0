import { isMainThread } from 'node:worker_threads'

// One bundle for both: the readers of HDF5 files are worker threads of this same file. Each loads only its own half.
if (isMainThread) {
  const { runServer } = await import('./run.ts')
  await runServer(process.argv.slice(2))
} else {
  const { isStoredWorker, runStoredWorker } = await import('./sources/stored-worker.ts')
  if (isStoredWorker()) runStoredWorker()
}
