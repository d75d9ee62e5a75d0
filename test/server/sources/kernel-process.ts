import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ProtocolError } from '../../../protocol/errors.ts'
import type { KernelRead } from '../../../server/sources/open-source.ts'
import { PYTHON } from './anndata-files.ts'

type Head = { result?: unknown; length: number; code?: string; message?: string }

/** A Python process that holds an AnnData in memory and answers reads as the kernel does. */
export function startKernel(path: string, isBacked = false): { read: KernelRead; stop: () => void; asked: string[] } {
  const asked: string[] = []
  const script = join(import.meta.dirname, 'kernel_reads.py')
  const { ask, stop } = startAnswers([script, path, ...(isBacked ? ['backed'] : [])])
  const read: KernelRead = (question) => {
    asked.push(JSON.stringify(question))
    return ask(question)
  }
  return { read, stop, asked }
}

type ReadAnswer = { result: unknown; body: Uint8Array }

/** A Python script that answers questions on stdin, a JSON line each, with a JSON line and bytes, in turn. */
export function startAnswers(command: string[]): {
  ask: (question: unknown) => Promise<ReadAnswer>
  stop: () => void
} {
  const child = spawn(PYTHON, command, { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting: {
    resolve: (answer: ReadAnswer) => void
    reject: (error: Error) => void
  }[] = []
  let received = Buffer.alloc(0)
  child.stdout.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes])
    for (let answer = takeAnswer(); answer !== null; answer = takeAnswer()) {
      const { head, body } = answer
      const { resolve, reject } = waiting.shift()!
      // The codes are those of the contract.
      if (head.code !== undefined) reject(new ProtocolError(head.code as ProtocolError['code'], head.message ?? ''))
      else resolve({ result: head.result, body })
    }
  })

  function takeAnswer(): { head: Head; body: Buffer } | null {
    const end = received.indexOf(10)
    if (end < 0) return null
    const head = JSON.parse(received.subarray(0, end).toString()) as Head // kernel_reads.py writes nothing else
    if (received.length < end + 1 + head.length) return null
    const body = received.subarray(end + 1, end + 1 + head.length)
    received = received.subarray(end + 1 + head.length)
    return { head, body }
  }

  const ask = (question: unknown) =>
    new Promise<ReadAnswer>((resolve, reject) => {
      waiting.push({ resolve, reject })
      child.stdin.write(`${JSON.stringify(question)}\n`)
    })
  return { ask, stop: () => child.kill() }
}
