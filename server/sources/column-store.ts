import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { canonical } from './stored/canonical.ts'
import type { ColumnBlock } from './stored/column-blocks.ts'

/** Raise it when a byte of the form means something else. */
export const STORE_FORMAT = 1
export const DATA_FILE = 'columns.bin'
export const INDEX_FILE = 'index.bin'

const headSchema = v.object({
  format: v.literal(STORE_FORMAT),
  rows: v.number(),
  columns: v.number(),
  bytes: v.number(),
  digest: v.string(),
  blocks: v.array(v.object({ startRow: v.number(), endRow: v.number(), offset: v.number() })),
})

/** Some rows of a gene: all before `endRow`. Ascending and unique. */
export type StoredRows = { rows: Uint32Array; values: Float32Array; endRow: number }

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
    const parts = await Promise.all(blocks.map((block) => this.#readPart(block, index)))
    const length = parts.reduce((sum, part) => sum + part.length / 2, 0)
    const rows = new Uint32Array(length)
    const values = new Float32Array(length)
    let at = 0
    parts.forEach((words, i) => {
      const count = words.length / 2
      rows.set(words.subarray(0, count), at)
      values.set(new Float32Array(words.buffer, count * 4, count), at)
      checkRows(rows.subarray(at, at + count), blocks[i])
      at += count
    })
    return { ...canonical(rows, values), endRow: blocks.at(-1)?.endRow ?? 0 }
  }

  async #readPart({ offset, pointers }: ColumnBlock, index: number): Promise<Uint32Array<ArrayBuffer>> {
    const start = pointers[index] ?? 0
    const count = (pointers[index + 1] ?? 0) - start
    const bytes = new Uint8Array(count * 8)
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await this.#file.read(bytes, at, bytes.length - at, offset + start * 8 + at)
      if (bytesRead === 0) throw new Error('The column store is shorter than its index says.')
      at += bytesRead
    }
    return new Uint32Array(bytes.buffer)
  }

  /** What has to be kept beside the data to open it again: a head in JSON, then the pointers of all blocks. */
  encodeIndex(): Uint8Array {
    const pointers = Buffer.concat(this.#blocks.map((block) => bytesOf(block.pointers)))
    const last = this.#blocks.at(-1)
    const head: v.InferOutput<typeof headSchema> = {
      format: STORE_FORMAT,
      rows: this.endRow,
      columns: this.#columns,
      bytes: last === undefined ? 0 : last.offset + (last.pointers[this.#columns] ?? 0) * 8,
      digest: digestOf(pointers),
      blocks: this.#blocks.map(({ startRow, endRow, offset }) => ({ startRow, endRow, offset })),
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

function checkRows(rows: Uint32Array, block: ColumnBlock | undefined): void {
  const { startRow, endRow } = block ?? { startRow: 0, endRow: 0 }
  let before = startRow
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0
    if (row < before || row >= endRow) throw new Error('The column store holds rows that it should not.')
    before = row
  }
}

function bytesOf(words: Uint32Array): Uint8Array {
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
