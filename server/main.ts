import { isMainThread } from 'node:worker_threads'

// One bundle for both: the readers of HDF5 files are worker threads of this same file. Each loads only its own half.
if (isMainThread) {
  const { runServer } = await import('./run.ts')
  await runServer(process.argv.slice(2))
} else {
  const { isH5adWorker, runH5adWorker } = await import('./sources/h5ad-worker.ts')
  if (isH5adWorker()) runH5adWorker()
}
