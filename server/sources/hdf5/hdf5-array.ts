import { rewriteText } from '../../../data/python-text.ts'
import type { Attributes, NumberArray, StoredArray, ValueType, Window } from '../../../data/stored-tree.ts'
import { digitsAt, viewNumbers } from '../../../data/values/number-views.ts'
import { isWhole } from '../../../data/values/value-type.ts'
import type { Hdf5File, Hdf5Place } from './hdf5-file.ts'
import { takeTexts, valueTypeOf } from './hdf5-values.ts'

/** A dataset of numbers or texts. */
export class Hdf5Array implements StoredArray {
  readonly kind = 'array'
  readonly path: string
  readonly shape: readonly number[]
  readonly type: ValueType
  readonly chunks: readonly number[] | null
  readonly rewriteAdvice: string
  readonly #file: Hdf5File
  readonly #place: Hdf5Place
  #attributes: Attributes | null = null

  constructor(file: Hdf5File, place: Hdf5Place) {
    const { shape, chunks } = place.metadata
    this.path = place.path
    this.shape = shape ?? []
    this.type = shape === null ? { kind: 'other', name: 'empty' } : valueTypeOf(place.metadata)
    this.chunks = chunks
    this.rewriteAdvice = rewriteText(file.path, 'h5ad')
    this.#file = file
    this.#place = place
  }

  get attributes(): Attributes {
    this.#attributes ??= this.#file.attributes(this.#place.objectPath, this.path)
    return this.#attributes
  }

  async visit(window: Window, see: (block: NumberArray) => void): Promise<void> {
    const { library } = this.#file
    this.#file.read(this.#place, window, (place, count) => see(viewNumbers(library.HEAPU8, this.type, place, count)))
  }

  async texts(window: Window): Promise<string[]> {
    const { library } = this.#file
    const { metadata } = this.#place
    if (isWhole(this.type)) {
      return this.#file.read(this.#place, window, (place, count) => digitsAt(library.HEAPU8, this.type, place, count))
    }
    return this.#file.read(this.#place, window, (place, count) => takeTexts(library.HEAPU8, metadata, place, count))
  }
}
