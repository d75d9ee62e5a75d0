/** Values by key, bounded in bytes: what was not used longest leaves first. One that is larger by itself is kept alone. */
export class ByteLru<Value> {
  /** In order of use, oldest first. */
  readonly #values = new Map<string, Value>()
  readonly #maxBytes: number
  readonly #sizeOf: (value: Value) => number
  #bytes = 0

  constructor(maxBytes: number, sizeOf: (value: Value) => number) {
    this.#maxBytes = maxBytes
    this.#sizeOf = sizeOf
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: string, value: Value): void {
    this.delete(key)
    this.#values.set(key, value)
    this.#bytes += this.#sizeOf(value)
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.#maxBytes || oldest === key) return
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const value = this.#values.get(key)
    if (value === undefined) return
    this.#values.delete(key)
    this.#bytes -= this.#sizeOf(value)
  }

  keys(): Iterable<string> {
    return this.#values.keys()
  }

  clear(): void {
    this.#values.clear()
    this.#bytes = 0
  }
}
