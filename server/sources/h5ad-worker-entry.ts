import { runH5adWorker } from './h5ad-worker.ts'

// Where the server runs from its sources. A bundle is its own worker: its entry asks `isH5adWorker()`.
runH5adWorker()
