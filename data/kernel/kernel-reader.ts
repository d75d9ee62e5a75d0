import * as v from 'valibot'
import type { Values } from '../../protocol/column-frame.ts'
import { codeOf, isErrorCode, messageOf } from '../../protocol/errors.ts'
import type { Matrix, VarTable } from '../../protocol/matrix.ts'
import {
  arrayAnswerSchema,
  type BlockAnswer,
  blockAnswerSchema,
  columnAnswerSchema,
  denseAnswerSchema,
  kernelDescriptionSchema,
  layoutAnswerSchema,
  type SourceRead,
  sortingAnswerSchema,
  sparseAnswerSchema,
} from '../../protocol/pipe.ts'
import type { AnnDataReader, Description, GeneArray, ObsArray } from '../anndata/anndata-reader.ts'
import { matrixEntry, matrixText } from '../anndata/matrices.ts'
import type { GeneTable, Plan } from '../compare/compare-groups.ts'
import type { Layout } from '../compare/layout.ts'
import { DataError, isDataErrorCode, NO_PROGRESS, type Progress, type Rows } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import { SharedReads } from '../shared-reads.ts'
import { inPieces } from '../value-range.ts'
import type { Positions } from '../values/value-type.ts'

/** Ask the kernel for arrays; rejects with ProtocolErrors, or with the signal's reason after an abort. */
export type KernelRead = (
  read: SourceRead,
  signal: AbortSignal,
  /** Hears how much of a long read is done, 0 to 1. */
  progress?: (done: number) => void,
) => Promise<{ result: unknown; body: Uint8Array }>

/** Compare two groups in a thread of its own, which asks for one block after the other. */
export type CompareBlocks = (
  work: { layout: Layout; plan: Plan; read: (start: number) => Promise<{ head: BlockAnswer; body: Uint8Array }> },
  signal: AbortSignal,
  progress: (done: number) => void,
) => Promise<GeneTable>

/** Values of a block that is compared: 4 MB on the wire. */
const COMPARED_VALUES = 1 << 19
/** One answer, of float32: the kernel's writer goes on with what is urgent between two of them. */
const BLOCK_BYTES = 8 << 20
const PROGRESS_PATIENCE_MS = 250

/** An AnnData in the kernel's memory, read on request; nothing is written to disk. */
export class KernelReader implements AnnDataReader {
  readonly #ask: KernelRead
  readonly #compareBlocks: CompareBlocks | null
  readonly #describing = new SharedReads<void>()
  #turn = 0
  #lastAsked: Promise<unknown> = Promise.resolve()
  /** Kept, so that what was read once is served while the kernel is busy. */
  #description: Description | null = null
  #isStale = false
  /** The kernel begins with the first gene. */
  #mayBeSorting = false
  #progress: Progress = NO_PROGRESS

  constructor(ask: KernelRead, compareBlocks: CompareBlocks | null = null) {
    this.#ask = ask
    this.#compareBlocks = compareBlocks
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
    // Shared by all who ask before it is asked: an answer that was under way may be of before what they heard of.
    await this.#describing.read(String(this.#turn), signal, async (shared) => {
      await this.#lastAsked
      this.#turn += 1
      this.#isStale = false
      const asked = this.#read({ what: 'describe' }, shared)
      this.#lastAsked = asked.catch(() => undefined)
      this.#description = parse(kernelDescriptionSchema, (await asked).result)
    })
  }

  async obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Positions> {
    const count = (rows.end - rows.start) * columns
    const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / (4 * columns)))
    const known = this.#versionIn('obsm', key)
    let positions: Positions | null = null
    for (let start = rows.start; start < rows.end; start += blockRows) {
      const end = Math.min(rows.end, start + blockRows)
      const { result, body } = await this.#read({ what: 'obsm', key, columns, start, end }, signal)
      const answer = parse(arrayAnswerSchema, result)
      this.#checkVersion(`obsm ${quoted(key)}`, known, answer.version)
      if (answer.rows !== end - start || answer.columns !== columns) throw shortAnswer()
      const block = valuesIn(body, 0, (end - start) * columns, answer.dtype) as Positions // by the names of their types
      if (block.length === count) return block
      positions = roomFor(block, count, positions)
      positions.set(block, (start - rows.start) * columns)
    }
    return positions ?? new Float32Array(0)
  }

  async obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    const known = this.#versionIn('obs', key)
    const { result, body } = await this.#read({ what: 'obs', key }, signal)
    const answer = parse(columnAnswerSchema, result)
    this.#checkVersion(`obs ${quoted(key)}`, known, answer.version)
    if (answer.form === 'sparse') throw new DataError('malformed', 'The kernel sent a sparse obs column.')
    if (answer.form === 'dense') return denseArray(answer, body)
    const codes = answer.width === 1 ? bytesOf(body, answer.n) : shorts(body, answer.n)
    const { categories, ordered, colors } = answer
    checkCodes(codes, categories.length, key)
    return { form: 'codes', codes, categories, ordered, colors }
  }

  async gene(index: number, matrix: Matrix, signal: AbortSignal): Promise<GeneArray> {
    const known = this.#description === null ? undefined : matrixEntry(this.#description, matrix)?.version
    this.#mayBeSorting = true
    const { result, body } = await this.#read({ what: 'var', index, matrix }, signal)
    const answer = parse(v.variant('form', [denseAnswerSchema, sparseAnswerSchema]), result)
    this.#checkVersion(matrixText(matrix), known, answer.version)
    if (answer.form === 'dense') return denseArray(answer, body)
    const rows = new Uint32Array(aligned(body, 0, answer.nnz * 4).buffer)
    checkRows(rows, answer.n)
    const values = valuesIn(body, answer.nnz * 4, answer.nnz, answer.dtype)
    return { form: 'sparse', n: answer.n, rows, values, ...noteOf(answer) }
  }

  /** The kernel hands out blocks of the matrix, and nothing else. */
  async compare(matrix: Matrix, plan: Plan, signal: AbortSignal, progress: (done: number) => void): Promise<GeneTable> {
    if (this.#compareBlocks === null) throw new DataError('unsupported', 'Groups cannot be compared here.')
    const known = this.#description === null ? undefined : matrixEntry(this.#description, matrix)?.version
    const asked = await this.#read({ what: 'layout', matrix }, signal)
    const layout = parse(layoutAnswerSchema, asked.result)
    this.#checkVersion(matrixText(matrix), known, layout.version)
    const read = async (start: number) => {
      const { result, body } = await this.#read({ what: 'block', matrix, start, most: COMPARED_VALUES }, signal)
      const head = parse(blockAnswerSchema, result)
      this.#checkVersion(matrixText(matrix), known, head.version)
      return { head, body }
    }
    return this.#compareBlocks({ layout, plan, read }, signal, progress)
  }

  async varNames(column: string | null, table: VarTable, signal: AbortSignal): Promise<string[]> {
    return textsOf((await this.#read({ what: 'varNames', column, table }, signal)).body)
  }

  async obsNames(rows: Rows, signal: AbortSignal): Promise<string[]> {
    return textsOf((await this.#read({ what: 'obsNames', ...rows }, signal)).body)
  }

  async cellMap(modality: string, signal: AbortSignal): Promise<Uint32Array> {
    const { body } = await this.#read({ what: 'cellMap', modality }, signal)
    return new Uint32Array(aligned(body, 0, body.length).buffer)
  }

  /** As it was told last where the kernel does not answer at once: nobody waits for this. */
  async progress(): Promise<Progress> {
    if (!this.#mayBeSorting) return this.#progress
    try {
      const { result } = await this.#ask({ what: 'sorting' }, AbortSignal.timeout(PROGRESS_PATIENCE_MS))
      this.#progress = parse(sortingAnswerSchema, result)
    } catch (error) {
      if (!isTimeout(error)) this.#progress = NO_PROGRESS
    }
    return this.#progress
  }

  async giveBack(signal: AbortSignal): Promise<void> {
    await this.#read({ what: 'giveBack' }, signal)
  }

  /** Nothing of the kernel's is held here. */
  async close(): Promise<void> {
    this.#description = null
  }

  async #read(read: SourceRead, signal: AbortSignal): Promise<{ result: unknown; body: Uint8Array }> {
    signal.throwIfAborted()
    try {
      return await this.#ask(read, signal)
    } catch (error) {
      signal.throwIfAborted()
      const refusal = toDataError(error)
      if (refusal.code === 'changed') this.#isStale = true
      throw refusal
    }
  }

  #versionIn(table: 'obs' | 'obsm', key: string): string | undefined {
    return this.#description?.[table].find((entry) => entry.key === key)?.version
  }

  /**
   * What was described is what is read, or nothing is: positions and names mean what the description says.
   * @throws DataError `changed`; the next question for the description asks the kernel
   */
  #checkVersion(what: string, known: string | undefined, found: string): void {
    if (known === found) return
    this.#isStale = true
    throw new DataError('changed', `${what} changed while it was read. Choose it again.`)
  }
}

/** Blocks of an array may be of several types, as chunks of dask are. */
function roomFor(block: Positions, count: number, filled: Positions | null): Positions {
  if (filled === null) return block instanceof Float64Array ? new Float64Array(count) : new Float32Array(count)
  return block instanceof Float64Array && filled instanceof Float32Array ? Float64Array.from(filled) : filled
}

function toDataError(error: unknown): DataError {
  const message = messageOf(error)
  const code = codeOf(error)
  if (isErrorCode(code) && isDataErrorCode(code)) return new DataError(code, message, { cause: error })
  return new DataError('malformed', `The kernel could not read the dataset: ${message}`, { cause: error })
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
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

type ValuesOf = {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, start: number, count: number): Values
}
const ITEMS: Record<DenseAnswer['dtype'], ValuesOf> = {
  f4: Float32Array,
  f8: Float64Array,
  i4: Int32Array,
  u4: Uint32Array,
}

/** As a view where the body is a large one, which came in a buffer of its own: it belongs to who asked. */
function valuesIn(body: Uint8Array, start: number, count: number, dtype: DenseAnswer['dtype']): Values {
  const Items = ITEMS[dtype]
  const bytes = count * Items.BYTES_PER_ELEMENT
  const place = body.byteOffset + start
  const isOwn = body.length === body.buffer.byteLength && body.length >= start + bytes
  if (isOwn && place % Items.BYTES_PER_ELEMENT === 0) return new Items(body.buffer, place, count)
  return new Items(aligned(body, start, bytes).buffer, 0, count)
}

type DenseAnswer = v.InferOutput<typeof denseAnswerSchema>

function denseArray(answer: DenseAnswer, body: Uint8Array): Extract<ObsArray, { form: 'dense' }> {
  const colors = answer.hasColors === true ? { hasColors: true } : {}
  return { form: 'dense', values: valuesIn(body, 0, answer.n, answer.dtype), ...noteOf(answer), ...colors }
}

function noteOf({ note }: { note?: string | undefined }): { note?: string } {
  return note === undefined ? {} : { note }
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
