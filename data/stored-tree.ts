/** Numbers as they are stored; 64-bit integers arrive as Float64Array. */
export type NumberArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array

/** What one element is. `other` cannot be read: its name is for the refusal. */
export type ValueType =
  | { kind: 'float' | 'int' | 'uint'; bytes: number }
  | { kind: 'bool' }
  | { kind: 'text' }
  | { kind: 'other'; name: string }

export type AttributeValue = string | number | boolean | readonly string[] | readonly number[]
export type Attributes = { get(name: string): AttributeValue | undefined }

/** Half open ranges, one per axis. */
export type Window = readonly (readonly [start: number, end: number])[]

/** An array of a file or store. Reads are of one block: callers go through blocks.ts, which cuts and checks. */
export interface StoredArray {
  readonly kind: 'array'
  /** For messages: `obsm/X_umap`. */
  readonly path: string
  readonly attributes: Attributes
  readonly shape: readonly number[]
  readonly type: ValueType
  /** Shape of a chunk, `null` where the values lie in one piece. */
  readonly chunks: readonly number[] | null
  /** How to write the file once more in smaller chunks, a sentence. */
  readonly rewriteAdvice?: string
  /**
   * Show `see` the row-major values of the window, as one block, which it may not keep: it is memory of the library.
   * @throws DataError where they cannot be read
   */
  visit(window: Window, see: (block: NumberArray) => void): Promise<void>
  /** Texts; of whole numbers all their digits. */
  texts(window: Window): Promise<string[]>
}

export interface StoredGroup {
  readonly kind: 'group'
  readonly path: string
  readonly attributes: Attributes
  keys(): Promise<readonly string[]>
  /** A child, or `null` where there is none. @throws DataError where it may not be followed */
  get(name: string): Promise<StoredNode | null>
}

export type StoredNode = StoredArray | StoredGroup

/** Called between blocks: counts as progress, lets others in, throws the signal's reason after an abort. */
export type Turn = () => Promise<void>
