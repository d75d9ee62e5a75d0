import { runCompareWorker } from './compare-worker.ts'

// Where the server runs from its sources. A bundle is its own worker: its entry asks `isCompareWorker()`.
await runCompareWorker()
