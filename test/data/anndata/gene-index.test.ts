import { describe, expect, test } from 'vitest'
import { GeneIndex } from '../../../data/anndata/gene-index.ts'

const keys = (index: GeneIndex, query: string, limit = 20) => index.search(query, limit).genes.map(({ key }) => key)

describe('GeneIndex', () => {
  test('lists exact, then prefix, then substring matches, each by alphabet, whatever the case', () => {
    const index = new GeneIndex(['XCD3', 'CD3G', 'CD3', 'cd3d', 'MS4A1', 'ACD3B'])
    expect(keys(index, 'Cd3')).toEqual(['CD3', 'cd3d', 'CD3G', 'ACD3B', 'XCD3'])
  })

  test('counts all matches and returns at most the limit', () => {
    const index = new GeneIndex(Array.from({ length: 50 }, (_, i) => `G${i}`))
    const { total, genes } = index.search('g1', 3)
    expect({ total, length: genes.length }).toEqual({ total: 11, length: 3 })
  })

  test('an empty question lists var in its own order', () => {
    expect(keys(new GeneIndex(['b', 'a', 'c']), ' ', 2)).toEqual(['b', 'a'])
  })

  test('finds a gene by its symbol and by its id, and shows the symbol', () => {
    const index = new GeneIndex(['ENSG1', 'ENSG2'], ['CD3D', ''])
    expect(index.search('cd3', 9).genes).toEqual([{ key: 'CD3D', label: 'CD3D', id: 'ENSG1' }])
    expect(index.search('ensg', 9).genes.map(({ label }) => label)).toEqual(['CD3D', 'ENSG2'])
    expect(index.find('CD3D')).toEqual({ kind: 'one', index: 0 })
    expect(index.find('ENSG1')).toEqual({ kind: 'one', index: 0 })
  })

  test('never lets a symbol stand for its gene that is another gene’s id', () => {
    const index = new GeneIndex(['A', 'B'], ['B', 'x'])
    expect(index.search('b', 9).genes[0]).toEqual({ key: 'A', label: 'B', id: 'A' })
  })

  test('lists twins with keys of their own; the bare name means several, never the first', () => {
    const index = new GeneIndex(['A', 'TWIN', 'B', 'TWIN'])
    expect(index.search('twin', 9).genes).toEqual([
      { key: 'TWIN (1 of 2)', label: 'TWIN (1 of 2)', id: 'TWIN' },
      { key: 'TWIN (2 of 2)', label: 'TWIN (2 of 2)', id: 'TWIN' },
    ])
    expect(index.find('TWIN')).toEqual({ kind: 'several', keys: ['TWIN (1 of 2)', 'TWIN (2 of 2)'] })
    expect(index.find('TWIN (2 of 2)')).toEqual({ kind: 'one', index: 3 })
  })

  test('symbols that several ids share are told apart by id; the bare symbol is the first row’s, as in scanpy', () => {
    const index = new GeneIndex(['ENSG1', 'ENSG2'], ['SYM', 'SYM'])
    expect(index.search('sym', 9).genes).toEqual([
      { key: 'ENSG1', label: 'SYM (1 of 2)', id: 'ENSG1' },
      { key: 'ENSG2', label: 'SYM (2 of 2)', id: 'ENSG2' },
    ])
    expect(index.find('SYM')).toEqual({ kind: 'one', index: 0 })
  })

  test('genes of raw are meant by the symbols of var, and one that raw alone has by its key', () => {
    const { symbols } = new GeneIndex(['A', 'B', 'C'], ['alpha', 'beta', 'beta'])
    const raw = new GeneIndex(['C', 'B', 'R', 'alpha'], ['beta', 'beta', 'rho', 'alpha'], symbols)
    expect(raw.find('beta')).toEqual({ kind: 'one', index: 1 })
    expect([raw.find('alpha'), raw.find('rho')]).toEqual([{ kind: 'none' }, { kind: 'none' }])
    expect(raw.find('R')).toEqual({ kind: 'one', index: 2 })
    const keys = raw.search('', 9).genes.map(({ key }) => key)
    expect(keys.map((key) => raw.find(key))).toEqual([0, 1, 2, 3].map((index) => ({ kind: 'one', index })))
  })

  test('keys stay unique where a gene is really called like a made one', () => {
    const index = new GeneIndex(['T', 'T (1 of 2)', 'T'])
    const made = index.search('t', 9).genes.map(({ key }) => key)
    expect(new Set(made).size).toBe(3)
    expect(made.map((key) => index.find(key))).toEqual(
      expect.arrayContaining([0, 1, 2].map((place) => ({ kind: 'one', index: place }))),
    )
  })

  test('names of JavaScript’s own objects are names like others', () => {
    const index = new GeneIndex(['__proto__', 'constructor', 'toString'])
    expect(index.find('constructor')).toEqual({ kind: 'one', index: 1 })
    expect(index.find('hasOwnProperty')).toEqual({ kind: 'none' })
    expect(keys(index, '__proto')).toEqual(['__proto__'])
  })

  test('offers near names for a slip of the pen and for another case', () => {
    const index = new GeneIndex(['MS4A1', 'CD3D', 'CD3E', 'NKG7'])
    expect(index.near('MS4A')[0]).toBe('MS4A1')
    expect(index.near('cd3d')[0]).toBe('CD3D')
    expect(index.near('GNLY')).toEqual([])
  })
})
