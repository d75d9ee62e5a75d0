import { expect, test } from 'vitest'
import { StoredAnnData } from '../../../data/elements/stored-anndata.ts'
import type { ZarrStore } from '../../../data/zarr/zarr-store.ts'
import { openZarr } from '../../../data/zarr/zarr-tree.ts'

const CELLS = 4
const ARRAY_2 = { zarr_format: 2, shape: [CELLS], chunks: [CELLS], dtype: '<f8', compressor: null, filters: null }
const ARRAY_3 = {
  node_type: 'array',
  zarr_format: 3,
  shape: [CELLS],
  data_type: 'float64',
  chunk_grid: { name: 'regular', configuration: { chunk_shape: [CELLS] } },
  chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
  fill_value: 0,
  codecs: [{ name: 'bytes', configuration: { endian: 'little' } }],
}
const TABLE = { 'encoding-type': 'dataframe', 'encoding-version': '0.2.0', _index: '_index' }

/** An AnnData whose obs has so many columns of numbers, counting what is read of it. */
class WideStore implements ZarrStore {
  reads = 0
  readonly #documents = new Map<string, unknown>()

  constructor(format: 2 | 3, columns: number) {
    const order = Array.from({ length: columns }, (_, i) => `field ${i}`)
    this.#put(format, '', null, {})
    for (const table of ['obs/', 'var/']) {
      const names = table === 'obs/' ? order : []
      this.#put(format, table, null, { ...TABLE, 'column-order': names })
      for (const name of ['_index', ...names])
        this.#put(format, `${table}${name}/`, format === 2 ? ARRAY_2 : ARRAY_3, {})
    }
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | null> {
    this.reads += 1
    const found = this.#documents.get(key)
    return found === undefined ? null : Uint8Array.from(Buffer.from(JSON.stringify(found)))
  }

  async names(key: string): Promise<readonly string[]> {
    const place = key === '' ? '' : `${key}/`
    const below = [...this.#documents.keys()]
      .filter((each) => each.startsWith(place))
      .map((each) => each.slice(place.length))
    return [...new Set(below.filter((each) => each.includes('/')).map((each) => each.split('/')[0] ?? ''))]
  }

  #put(format: 2 | 3, place: string, array: object | null, attributes: object): void {
    if (format === 3) {
      const document = array ?? { node_type: 'group', zarr_format: 3 }
      this.#documents.set(`${place}zarr.json`, { ...document, attributes })
      return
    }
    this.#documents.set(`${place}${array === null ? '.zgroup' : '.zarray'}`, array ?? { zarr_format: 2 })
    this.#documents.set(`${place}.zattrs`, attributes)
  }
}

async function readsOf(format: 2 | 3, columns: number): Promise<number> {
  const store = new WideStore(format, columns)
  const data = new StoredAnnData(await openZarr(store, 'wide.zarr'), 'wide.zarr')
  const { obs } = await data.describe('', async () => undefined)
  expect(obs.filter(({ kind }) => kind === 'continuous')).toHaveLength(columns)
  return store.reads
}

test.each([
  [2, 2],
  [3, 1],
] as const)('a column more costs a store of format %i no more than its %i documents', async (format, documents) => {
  const growth = (await readsOf(format, 200)) - (await readsOf(format, 100))
  expect(growth).toBe(100 * documents)
})
