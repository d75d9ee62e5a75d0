import { expect, test } from 'vitest'
import { numberTexts } from '../../../data/elements/number-text.ts'
import type { NumberArray, StoredArray, ValueType } from '../../../data/stored-tree.ts'
import { digitsAt, viewNumbers } from '../../../data/values/number-views.ts'
import { fromHex, readJson } from '../../protocol/fixtures.ts'

type Case = { dtype: string; bytes: string; labels: string[] }

/** Values as a file holds them. */
class BytesArray implements StoredArray {
  readonly kind = 'array'
  readonly path = 'categories'
  readonly attributes = new Map()
  readonly chunks = null
  readonly shape: readonly number[]
  readonly type: ValueType
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, type: ValueType, length: number) {
    this.#bytes = bytes
    this.type = type
    this.shape = [length]
  }

  async visit(_window: unknown, see: (block: NumberArray) => void): Promise<void> {
    see(viewNumbers(this.#bytes, this.type, 0, this.shape[0] ?? 0))
  }

  async texts(): Promise<string[]> {
    return digitsAt(this.#bytes, this.type, 0, this.shape[0] ?? 0)
  }
}

function typeOf(dtype: string): ValueType {
  const [, kind, bits] = /^(bool|u?int|float)(\d*)$/.exec(dtype) ?? []
  if (kind === 'float' || kind === 'int' || kind === 'uint') return { kind, bytes: Number(bits) / 8 }
  return { kind: 'bool' }
}

test.each(readJson<Case[]>('labels'))('labels of $dtype categories are those of scanpy', async (example) => {
  const array = new BytesArray(fromHex(example.bytes), typeOf(example.dtype), example.labels.length)
  expect(await numberTexts(array, [0, example.labels.length], async () => undefined)).toEqual(example.labels)
})
