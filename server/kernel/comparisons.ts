import type { Comparison, Group } from '../../data/data-source.ts'
import { decodeCells } from '../../protocol/cells.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { COMPARED_COLUMNS, type ComparedGroup, type KernelCall } from '../../protocol/pipe.ts'
import type { Viewer } from '../viewers/viewer.ts'
import type { Answer } from './json-rpc-pipe.ts'

type CompareParams = Extract<KernelCall, { method: 'viewer.compare' }>['params']

/** Comparisons that the kernel waits for, by the name it gave them. */
export class Comparisons {
  readonly #running = new Map<string, { stop: AbortController; done: number }>()

  /** @throws ProtocolError as a source refuses; `closed` after a cancel */
  async compare(viewer: Viewer, { compareId, ...asked }: CompareParams, body: Uint8Array): Promise<Answer> {
    const running = { stop: new AbortController(), done: 0 }
    this.#running.set(compareId, running)
    try {
      const [a, afterA] = groupOf(asked.a, body, 0)
      const [b] = asked.b === null ? [null] : groupOf(asked.b, body, afterA)
      const source = await viewer.source
      const signal = AbortSignal.any([viewer.ended, running.stop.signal])
      const question = { a, b, method: asked.test, matrix: asked.matrix }
      const found = await source.compare(question, signal, (done) => {
        running.done = done
      })
      return answerOf(found, asked.wantsCodes)
    } catch (error) {
      if (running.stop.signal.aborted)
        throw new ProtocolError('closed', 'The comparison was stopped.', { cause: error })
      if (viewer.ended.aborted) throw new ProtocolError('closed', 'The viewer was stopped.', { cause: error })
      throw error
    } finally {
      this.#running.delete(compareId)
    }
  }

  /** The share that is done. */
  done(compareId: string): number {
    return this.#running.get(compareId)?.done ?? 1
  }

  cancel(compareId: string): void {
    this.#running.get(compareId)?.stop.abort()
  }
}

/** @returns the group, and where in the body the next one begins */
function groupOf(group: ComparedGroup, body: Uint8Array, start: number): [Group, number] {
  if (!('cells' in group)) return [group, start]
  const end = start + group.bytes
  return [{ cells: decodeCells(group.cells, body.subarray(start, end)) }, end]
}

function answerOf(found: Comparison, wantsCodes: boolean): Answer {
  const { table, names, codes, notes, matrix, cellsA, cellsB, overlap } = found
  const texts = new TextEncoder().encode(JSON.stringify(names))
  const columnBytes = names.length * 8
  const textStart = COMPARED_COLUMNS.length * columnBytes
  const codeBytes = wantsCodes ? codes.length : 0
  const body = new Uint8Array(textStart + texts.length + codeBytes)
  for (const [place, name] of COMPARED_COLUMNS.entries()) {
    const { buffer, byteOffset, byteLength } = table[name]
    if (byteLength !== columnBytes) {
      throw new ProtocolError('changed', 'The genes changed while the groups were compared. Compare them again.')
    }
    body.set(new Uint8Array(buffer, byteOffset, byteLength), place * columnBytes)
  }
  body.set(texts, textStart)
  if (wantsCodes) body.set(codes, textStart + texts.length)
  return { result: { genes: names.length, cellsA, cellsB, overlap, matrix, notes, codes: codeBytes }, body }
}
