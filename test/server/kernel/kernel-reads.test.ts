import { expect, it } from 'vitest'
import type { ServerMessage } from '../../../protocol/channel.ts'
import type { Pipe } from '../../../server/kernel/json-rpc-pipe.ts'
import { KernelReads } from '../../../server/kernel/kernel-reads.ts'
import { KernelPulse } from '../../../server/viewers/kernel-status.ts'

type Said = { method: string; params: { readId?: number } }

/** The server's end of a pipe whose other end answers nothing. */
function silentPipe() {
  const said: Said[] = []
  const pipe = {
    call(method: string, params: object, signal: AbortSignal) {
      said.push({ method, params })
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
    async notify(method: string, params: object) {
      said.push({ method, params })
    },
  }
  return { said, pipe: pipe as unknown as Pipe } // of a Pipe only these two are used
}

it('the kernel is told when nobody waits for a read any more', async () => {
  const { said, pipe } = silentPipe()
  const reads = new KernelReads(pipe)
  const stop = new AbortController()
  const read = reads.from('kernel-1')({ what: 'describe' }, stop.signal)
  stop.abort(new Error('another colour'))
  await expect(read).rejects.toThrow('another colour')
  expect(said).toEqual([
    { method: 'source.read', params: { sourceId: 'kernel-1', readId: 1, read: { what: 'describe' } } },
    { method: 'source.cancel', params: { readId: 1 } },
  ])
})

it('pages hear how far a long read is, and when it ended; what comes late is not heard', async () => {
  const { pipe } = silentPipe()
  const reads = new KernelReads(pipe)
  const heard: ServerMessage[] = []
  const pulse = new KernelPulse((message) => heard.push(message))
  const stop = new AbortController()
  const read = pulse.watch(reads.from('kernel-1'))({ what: 'describe' }, stop.signal)
  reads.tell(1, 0.25)
  reads.tell(1, 0.25)
  reads.tell(1, 0.5)
  stop.abort(new Error('left'))
  await expect(read).rejects.toThrow('left')
  reads.tell(1, 0.75)
  expect(heard).toEqual([
    { kind: 'reading', done: 0.25 },
    { kind: 'reading', done: 0.5 },
    { kind: 'reading', done: null },
  ])
})
