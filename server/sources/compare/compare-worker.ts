import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { decodeBlock } from '../../../data/compare/block.ts'
import { compareGroups, type GeneTable } from '../../../data/compare/compare-groups.ts'
import { type CompareReply, type CompareRequest, isCompareWorkerData } from './compare-messages.ts'

/** True in a thread that was started to compare two groups of cells. */
export function isCompareWorker(): boolean {
  return !isMainThread && isCompareWorkerData(workerData)
}

/** The life of a thread that compares once: ask for one block after the other, then hand over the table. */
export async function runCompareWorker(): Promise<void> {
  const port = parentPort
  if (port === null || !isCompareWorkerData(workerData)) throw new Error('Not started to compare groups.')
  const { layout, plan } = workerData
  const send = (reply: CompareReply, transfer: ArrayBuffer[] = []) => port.postMessage(reply, transfer)
  const block = async (start: number) => {
    send({ kind: 'ask', start })
    const { head, body } = await nextRequest(port)
    return decodeBlock(head, body, layout)
  }
  try {
    const progress = (done: number) => send({ kind: 'progress', done })
    // Who stops it ends the thread.
    const table = await compareGroups({ layout, block }, plan, { turn: async () => undefined, progress })
    send({ kind: 'table', table }, buffersOf(table))
  } catch (error) {
    send({ kind: 'failure', message: error instanceof Error ? error.message : String(error) })
  }
}

function nextRequest(port: MessagePort): Promise<CompareRequest> {
  return new Promise((resolve) => port.once('message', resolve))
}

function buffersOf(table: GeneTable): ArrayBuffer[] {
  const columns = Object.values(table).filter((value) => value instanceof Float64Array)
  return columns.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer)
}
