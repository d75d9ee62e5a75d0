import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { canonical } from '../../../data/elements/canonical.ts'
import { type BuildTarget, type ColumnBlock, storedBytes } from '../../../data/elements/column-blocks.ts'
import type { Values } from '../../../protocol/column-frame.ts'

/** Raise it when a byte of the form means something else. */
export const STORE_FORMAT = 2
export const DATA_FILE = 'columns.bin'
export const INDEX_FILE = 'index.bin'

const headSchema = v.object({
  format: v.literal(STORE_FORMAT),
  rows: v.number(),
  columns: v.number(),
  bytes: v.number(),
  digest: v.string(),
  blocks: v.array(
    v.object({ startRow: v.number(), endRow: v.number(), offset: v.number(), valueBytes: v.picklist([4, 8]) }),
  ),
})

/** Writes blocks into an open file. */
export function writerOf(fd: number): BuildTarget['write'] {
  return (bytes, offset) => writeSync(fd, bytes, 0, bytes.length, offset)
}

/** Some rows of a gene: all before `endRow`. Ascending and unique. */
export type StoredRows = { rows: Uint32Array; values: Values; endRow: number }

/**
 * A matrix sorted by its genes in a file, in blocks of rows (see ColumnBlock). Usable from its first block on: what
 * stands in it is the rows before `endRow`.
 */
export class ColumnStore {
  readonly #file: FileHandle
  readonly #columns: number
  readonly #blocks: ColumnBlock[]

  constructor(file: FileHandle, columns: number, blocks: ColumnBlock[] = []) {
    this.#file = file
    this.#columns = columns
    this.#blocks = blocks
  }

  /** Rows before it are in the store. */
  get endRow(): number {
    return this.#blocks.at(-1)?.endRow ?? 0
  }

  /** Blocks come in order of rows. */
  add(block: ColumnBlock): void {
    this.#blocks.push(block)
  }

  /**
   * The stored rows of one gene.
   * @throws Error where the file does not hold what it should: then it is of no use
   */
  async column(index: number): Promise<StoredRows> {
    const blocks = [...this.#blocks]
    const counts = blocks.map(({ pointers }) => (pointers[index + 1] ?? 0) - (pointers[index] ?? 0))
    const length = counts.reduce((sum, count) => sum + count, 0)
    const rows = new Uint32Array(length)
    const isWide = blocks.some(({ valueBytes }) => valueBytes === 8)
    const values = isWide ? new Float64Array(length) : new Float32Array(length)
    let at = 0
    const parts = blocks.map((block, i) => {
      const start = at
      at += counts[i] ?? 0
      const place = values.subarray(start, at)
      const isOther = place.BYTES_PER_ELEMENT !== block.valueBytes
      return { block, rows: rows.subarray(start, at), place, values: isOther ? new Float32Array(at - start) : place }
    })
    await Promise.all(parts.map((part) => this.#readPart(part, index)))
    for (const { block, rows: own, place, values: read } of parts) {
      checkRows(own, block)
      if (read !== place) place.set(read)
    }
    return { ...canonical(rows, values), endRow: blocks.at(-1)?.endRow ?? 0 }
  }

  /** Where they belong, with one call: rows, and values behind them. */
  async #readPart({ block, rows, values }: Omit<StoredRows, 'endRow'> & { block: ColumnBlock }, index: number) {
    let position = block.offset + (block.pointers[index] ?? 0) * storedBytes(block)
    let left = [bytesOf(rows), bytesOf(values)].filter(({ length }) => length > 0)
    while (left.length > 0) {
      const { bytesRead } = await this.#file.readv(left, position)
      if (bytesRead === 0) throw new Error('The column store is shorter than its index says.')
      position += bytesRead
      left = without(left, bytesRead)
    }
  }

  /** What has to be kept beside the data to open it again: a head in JSON, then the pointers of all blocks. */
  encodeIndex(): Uint8Array {
    const pointers = Buffer.concat(this.#blocks.map((block) => bytesOf(block.pointers)))
    const last = this.#blocks.at(-1)
    const head: v.InferOutput<typeof headSchema> = {
      format: STORE_FORMAT,
      rows: this.endRow,
      columns: this.#columns,
      bytes: last === undefined ? 0 : last.offset + (last.pointers[this.#columns] ?? 0) * storedBytes(last),
      digest: digestOf(pointers),
      blocks: this.#blocks.map(({ pointers: _, ...block }) => block),
    }
    return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), pointers])
  }

  /**
   * Open a complete store.
   * @returns `null` where it is not whole, of another form, or of another matrix
   */
  static async open(folder: string, rows: number, columns: number): Promise<ColumnStore | null> {
    const index = await readFile(join(folder, INDEX_FILE))
    const end = index.indexOf(10)
    const head = v.safeParse(headSchema, parseJson(index.subarray(0, Math.max(0, end)).toString()))
    if (!head.success || head.output.rows !== rows || head.output.columns !== columns) return null
    const pointers = index.subarray(end + 1)
    const { blocks, bytes, digest } = head.output
    if (pointers.length !== blocks.length * (columns + 1) * 4 || digestOf(pointers) !== digest) return null
    const file = await open(join(folder, DATA_FILE), 'r')
    if ((await file.stat()).size !== bytes) {
      await file.close()
      return null
    }
    const words = new Uint32Array(Uint8Array.from(pointers).buffer)
    const withPointers = blocks.map((block, i) => {
      return { ...block, pointers: words.subarray(i * (columns + 1), (i + 1) * (columns + 1)) }
    })
    return new ColumnStore(file, columns, withPointers)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** What is left to fill after so many bytes. */
function without(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const [first, ...others] = buffers
  if (first === undefined) return []
  return bytes < first.length ? [first.subarray(bytes), ...others] : without(others, bytes - first.length)
}

function checkRows(rows: Uint32Array, { startRow, endRow }: ColumnBlock): void {
  let before = startRow
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0
    if (row < before || row >= endRow) throw new Error('The column store holds rows that it should not.')
    before = row
  }
}

function bytesOf(words: Values): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
