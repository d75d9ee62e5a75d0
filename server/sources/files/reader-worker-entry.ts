import { runStoredWorker } from './reader-worker.ts'

// Where the server runs from its sources. A bundle is its own worker: its entry asks `isStoredWorker()`.
runStoredWorker()
