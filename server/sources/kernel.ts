import * as v from 'valibot'
import { isErrorCode } from '../../protocol/errors.ts'
import {
  arrayAnswerSchema,
  columnAnswerSchema,
  denseAnswerSchema,
  kernelDescriptionSchema,
  type SourceRead,
  sparseAnswerSchema,
} from '../../protocol/pipe.ts'
import { SharedReads } from '../shared-reads.ts'
import {
  type AnnDataReader,
  type Description,
  type GeneArray,
  NO_PROGRESS,
  type ObsArray,
  type Progress,
} from './anndata-reader.ts'
import { DataError, isDataErrorCode, type Rows } from './data-source.ts'
import { quoted } from './near-names.ts'
import { inPieces } from './value-range.ts'

/** Ask the kernel for arrays; rejects with ProtocolErrors, or with the signal's reason after an abort. */
export type KernelRead = (read: SourceRead, signal: AbortSignal) => Promise<{ result: unknown; body: Uint8Array }>

/** One answer: the kernel's writer goes on with what is urgent between two of them. */
const BLOCK_BYTES = 8 << 20
/** An array that is replaced again and again while it is read has no state to show. */
const MAX_ATTEMPTS = 3

/** An AnnData in the kernel's memory, read on request; nothing is written to disk. */
export class KernelReader implements AnnDataReader {
  readonly #ask: KernelRead
  readonly #describing = new SharedReads<Description>()
  /** Kept, so that what was read once is served while the kernel is busy. */
  #description: Description | null = null
  #isStale = false

  constructor(ask: KernelRead) {
    this.#ask = ask
  }

  async version(signal: AbortSignal): Promise<string> {
    return (await this.describe(signal)).version
  }

  async describe(signal: AbortSignal): Promise<Description> {
    if (this.#description === null || this.#isStale) await this.refresh(signal)
    if (this.#description === null) throw new DataError('malformed', 'The kernel did not say what the dataset holds.')
    return this.#description
  }

  async refresh(signal: AbortSignal): Promise<void> {
    this.#description = await this.#describing.read('describe', signal, async (shared) => {
      const { result } = await this.#read({ what: 'describe' }, shared)
      return parse(kernelDescriptionSchema, result)
    })
    this.#isStale = false
  }

  async obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Float32Array> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const positions = await this.#readRows(key, columns, rows, signal)
      if (positions !== null) return positions
    }
    throw new DataError('changed', `obsm ${quoted(key)} was replaced while it was read. Show the dataset again.`)
  }

  async obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    const { result, body } = await this.#read({ what: 'obs', key }, signal)
    const answer = parse(columnAnswerSchema, result)
    this.#compareVersion('obs', key, answer.version)
    if (answer.form === 'sparse') throw new DataError('malformed', 'The kernel sent a sparse obs column.')
    if (answer.form === 'dense') return { form: 'dense', values: floats(body, 0, answer.n) }
    const codes = answer.width === 1 ? bytesOf(body, answer.n) : shorts(body, answer.n)
    const { categories, ordered, colors } = answer
    checkCodes(codes, categories.length, key)
    return { form: 'codes', codes, categories, ordered, colors }
  }

  async gene(index: number, layer: string | null, signal: AbortSignal): Promise<GeneArray> {
    const { result, body } = await this.#read({ what: 'var', index, layer }, signal)
    const answer = parse(v.variant('form', [denseAnswerSchema, sparseAnswerSchema]), result)
    if (answer.form === 'dense') return { form: 'dense', values: floats(body, 0, answer.n) }
    const rows = new Uint32Array(aligned(body, 0, answer.nnz * 4).buffer)
    checkRows(rows, answer.n)
    return { form: 'sparse', n: answer.n, rows, values: floats(body, answer.nnz * 4, answer.nnz) }
  }

  async varNames(column: string | null, layer: string | null, signal: AbortSignal): Promise<string[]> {
    return textsOf((await this.#read({ what: 'varNames', column, layer }, signal)).body)
  }

  async obsNames(rows: Rows, signal: AbortSignal): Promise<string[]> {
    return textsOf((await this.#read({ what: 'obsNames', ...rows }, signal)).body)
  }

  async progress(): Promise<Progress> {
    return NO_PROGRESS
  }

  /** Nothing of the kernel's is held here. */
  async close(): Promise<void> {
    this.#description = null
  }

  /** `null` where the array was replaced between two blocks. */
  async #readRows(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Float32Array | null> {
    const count = (rows.end - rows.start) * columns
    const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / (4 * columns)))
    let positions: Float32Array | null = null
    let version: string | null = null
    for (let start = rows.start; start < rows.end; start += blockRows) {
      const end = Math.min(rows.end, start + blockRows)
      const { result, body } = await this.#read({ what: 'obsm', key, columns, start, end }, signal)
      const answer = parse(arrayAnswerSchema, result)
      this.#compareVersion('obsm', key, answer.version)
      if (version !== null && version !== answer.version) return null
      version = answer.version
      if (answer.rows !== end - start || answer.columns !== columns) throw shortAnswer()
      const block = floats(body, 0, (end - start) * columns)
      if (block.length === count) return block
      positions ??= new Float32Array(count)
      positions.set(block, (start - rows.start) * columns)
    }
    return positions ?? new Float32Array(0)
  }

  async #read(read: SourceRead, signal: AbortSignal): Promise<{ result: unknown; body: Uint8Array }> {
    signal.throwIfAborted()
    try {
      return await this.#ask(read, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw toDataError(error)
    }
  }

  /** Another array behind a known name: the next question for the version finds it. */
  #compareVersion(table: 'obs' | 'obsm', key: string, version: string): void {
    const known = this.#description?.[table].find((entry) => entry.key === key)
    if (known?.version !== version) this.#isStale = true
  }
}

function toDataError(error: unknown): DataError {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (isErrorCode(code) && isDataErrorCode(code)) return new DataError(code, message, { cause: error })
  return new DataError('malformed', `The kernel could not read the dataset: ${message}`, { cause: error })
}

function parse<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  throw new DataError('malformed', 'The kernel answered in a form that this server does not know. Update both halves.')
}

/** Bytes from an own buffer, since typed arrays may not begin at an odd place of a larger one. */
function aligned(body: Uint8Array, start: number, length: number): Uint8Array<ArrayBuffer> {
  if (body.length < start + length) throw shortAnswer()
  return new Uint8Array(body.subarray(start, start + length))
}

/** As a view where the body is a large one, which came in a buffer of its own: it belongs to who asked. */
function floats(body: Uint8Array, start: number, count: number): Float32Array {
  const place = body.byteOffset + start
  const isOwn = body.length === body.buffer.byteLength && body.length >= start + count * 4
  if (isOwn && place % 4 === 0) return new Float32Array(body.buffer, place, count)
  return new Float32Array(aligned(body, start, count * 4).buffer)
}

function bytesOf(body: Uint8Array, count: number): Uint8Array {
  return aligned(body, 0, count)
}

function shorts(body: Uint8Array, count: number): Uint16Array {
  return new Uint16Array(aligned(body, 0, count * 2).buffer)
}

function textsOf(body: Uint8Array): string[] {
  return parse(v.array(v.string()), JSON.parse(new TextDecoder().decode(body)))
}

function checkCodes(codes: Uint8Array | Uint16Array, categoryCount: number, key: string): void {
  const missing = codes instanceof Uint8Array ? 255 : 65_535
  inPieces(codes.length, 1, (start, end) => {
    const code = strangeCode(codes.subarray(start, end), categoryCount, missing)
    if (code === null) return
    throw new DataError('malformed', `obs ${quoted(key)} has code ${code}, but ${categoryCount} categories.`)
  })
}

function strangeCode(codes: Uint8Array | Uint16Array, categoryCount: number, missing: number): number | null {
  // By index: an iterator over a million of them takes ten times as long.
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0
    if (code >= categoryCount && code !== missing) return code
  }
  return null
}

function checkRows(rows: Uint32Array, cellCount: number): void {
  let before = -1
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0
    if (row <= before || row >= cellCount)
      throw new DataError('malformed', `The kernel named row ${row} of ${cellCount}.`)
    before = row
  }
}

function shortAnswer(): DataError {
  return new DataError('malformed', 'The kernel sent fewer values than it announced.')
}
