import { expect, test } from 'vitest'
import { genesIn, suggestionsFor } from '../../../page/columns/suggestions.ts'
import { X } from '../../../protocol/matrix.ts'
import { IDENTITY } from '../memory-server.ts'

const identity = {
  ...IDENTITY,
  obs: [
    { key: 'percent_mito', kind: 'continuous', version: '1' },
    { key: 'mito', kind: 'continuous', version: '1' },
    { key: 'Mitosis', kind: 'categorical', version: '1' },
    { key: 'barcode', kind: 'identifier', version: '1' },
    { key: 'sampled', kind: 'date', version: '1' },
    { key: 'broken', kind: 'unsupported', version: '1', reason: 'it holds complex numbers' },
  ] as const,
}
const genes = [
  { key: '7', label: 'MITOL', id: 'ENSG7' },
  { key: '8', label: 'CD3D', id: 'ENSG8' },
]
const labels = (query: string) =>
  suggestionsFor({ identity: { ...identity, obs: [...identity.obs] }, recent: [], matrix: X }, genes, query).map(
    ({ group, label }) => `${group}: ${label}`,
  )

test('exact fields come first, then beginnings, then genes, then fields that only hold the text', () => {
  expect(labels('mito')).toEqual(['Fields: mito', 'Fields: Mitosis', 'Genes: MITOL', 'More fields: percent_mito'])
})

test('genes of an earlier query that do not match this one are left out, and ids match too', () => {
  expect(labels('cd3')).toEqual(['Genes: CD3D'])
  expect(labels('ensg7')).toEqual(['Genes: MITOL'])
})

test('nothing typed lists every field that can colour, and one colour for all', () => {
  expect(labels('')).toEqual([
    'Fields: percent_mito',
    'Fields: mito',
    'Fields: Mitosis',
    'Fields: sampled',
    'Fields: One colour for all',
  ])
})

test('the genes that coloured lately come first while nothing is typed', () => {
  const gene = { axis: 'var', key: 'CD3D', matrix: { in: 'X' } } as const
  const field = { axis: 'obs', key: 'mito' } as const
  const [first, second] = suggestionsFor(
    { identity: { ...identity, obs: [] }, recent: [field, gene], matrix: X },
    [],
    '',
  )
  expect(first).toEqual({ group: 'Recent', label: 'CD3D', detail: 'X', by: gene })
  expect(second?.label).toBe('One colour for all')
})

test('several names offer the mean of these genes', () => {
  const suggestion = suggestionsFor(
    { identity: { ...identity, obs: [] }, recent: [], matrix: X },
    genes,
    'CD3D, CD3E;CD3G',
  ).at(-1)
  expect(suggestion).toMatchObject({
    label: 'Mean of 3 genes',
    by: { axis: 'set', name: 'CD3D + CD3E + CD3G', keys: ['CD3D', 'CD3E', 'CD3G'], matrix: X },
  })
})

test('a list of genes is cut at spaces, commas and lines, but not within the name of one of several alike', () => {
  expect(genesIn(' CD3D, MS4A1;NKG7\n LYZ ')).toEqual(['CD3D', 'MS4A1', 'NKG7', 'LYZ'])
  expect(genesIn('TBCE (2 of 2) CD3D, TBCE (1 of 12)')).toEqual(['TBCE (2 of 2)', 'CD3D', 'TBCE (1 of 12)'])
})
