import { Worker } from 'node:worker_threads'
import { DataError } from '../../../data/data-source.ts'
import type { CompareBlocks } from '../../../data/kernel/kernel-reader.ts'
import type { CompareReply, CompareRequest, CompareWorkerData } from './compare-messages.ts'

/** Compare two groups in a thread of its own; a stop ends the thread at once. */
export const compareInThread: CompareBlocks = async ({ layout, plan, read }, signal, progress) => {
  signal.throwIfAborted()
  const data: CompareWorkerData = { kind: 'compare', layout, plan }
  // The server's own stdout and stderr carry frames and its log.
  const worker = new Worker(workerEntry(), { workerData: data, execArgv: [], env: {}, stdout: true, stderr: true })
  const { promise, resolve, reject } = Promise.withResolvers<Extract<CompareReply, { kind: 'table' }>['table']>()
  const leave = () => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  worker.on('error', (cause) => reject(brokenOff(cause)))
  worker.on('exit', () => reject(brokenOff()))
  // The worker sends nothing but CompareReplies.
  worker.on('message', (reply: CompareReply) => {
    switch (reply.kind) {
      case 'ask':
        read(reply.start).then((block) => worker.postMessage(block satisfies CompareRequest), reject)
        break
      case 'progress':
        progress(reply.done)
        break
      case 'table':
        resolve(reply.table)
        break
      case 'failure':
        reject(new DataError('malformed', `The groups could not be compared: ${reply.message}.`))
        break
    }
  })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', leave)
    await worker.terminate()
  }
}

function brokenOff(cause?: unknown): DataError {
  return new DataError(
    'malformed',
    'The comparison broke off: the matrix is too large for the memory of this machine.',
    {
      cause,
    },
  )
}

function workerEntry(): URL {
  const isSource = import.meta.url.endsWith('.ts')
  return isSource ? new URL('./compare-worker-entry.ts', import.meta.url) : new URL('./server.mjs', import.meta.url)
}
