import { describe, expect, test } from 'vitest'
import type { ObsmEntry } from '../../../data/anndata/anndata-reader.ts'
import { defaultEmbedding, listEmbeddings } from '../../../data/anndata/default-embedding.ts'
import { readJson } from '../../protocol/fixtures.ts'

type Shape = number | [columns: number, container: string]
type Fixture = { first: { obsm: Record<string, Shape>; own: string | null; first: string | null }[] }

function entries(shapes: Record<string, number>): ObsmEntry[] {
  return Object.entries(shapes).map(([key, columns]) => ({ key, columns, version: '1' }))
}
const order = (shapes: Record<string, number>) => listEmbeddings(entries(shapes), 10).map(({ key }) => key)

describe('choice of an embedding', () => {
  test('goes from UMAP over t-SNE, graphs and others to PCA and spatial, and offers all', () => {
    const shapes = { spatial: 2, X_pca: 50, X_phate: 2, X_draw_graph_fa: 2, X_tsne: 2, X_umap: 2, X_scVI: 30 }
    const expected = ['X_umap', 'X_tsne', 'X_draw_graph_fa', 'X_phate', 'X_pca', 'spatial', 'X_scVI']
    expect(order(shapes)).toEqual(expected)
  })

  test('shows 2D before 3D before 1D of the same kind', () => {
    expect(order({ X_umap_3d: 3, X_umap_1d: 1, X_umap_2d: 2, X_umap: 2 })).toEqual([
      'X_umap_2d',
      'X_umap_3d',
      'X_umap_1d',
      'X_umap',
    ])
  })

  test('offers the dimensions that the columns give, those they were made for first', () => {
    const made = listEmbeddings(entries({ X_umap_1d: 1, X_umap: 2, X_tsne: 3, X_pca: 50 }), 10)
    expect(Object.fromEntries(made.map(({ key, dimensions }) => [key, dimensions]))).toEqual({
      X_umap_1d: [1],
      X_umap: [2],
      X_tsne: [3, 2],
      X_pca: [2, 3],
    })
  })

  test('labels are what people say', () => {
    const made = listEmbeddings(entries({ X_umap_2d: 2, X_umap: 2, X_tsne: 2, X_pca: 9, X_my_map: 2, spatial: 2 }), 10)
    expect(made.map(({ label }) => label)).toEqual(['UMAP 2D', 'UMAP', 't-SNE', 'my_map', 'PCA', 'spatial'])
  })

  test('a latent space alone is no picture, spatial alone is one', () => {
    const own = { defaultEmbedding: null, nObs: 10 }
    expect(defaultEmbedding({ obsm: entries({ X_scVI: 30, X_lsi: 50 }), ...own })).toBeNull()
    expect(defaultEmbedding({ obsm: entries({ X_scVI: 30, spatial: 2 }), ...own })).toBe('spatial')
    expect(defaultEmbedding({ obsm: [], ...own })).toBeNull()
  })

  test('what has other rows than cells, or cannot be read, is not offered', () => {
    const broken: ObsmEntry[] = [
      { key: 'X_umap', columns: 2, rows: 9, version: '1' },
      { key: 'X_tsne', columns: 2, reason: 'its values are texts', version: '1' },
      { key: 'X_pca', columns: 5, rows: 10, version: '1' },
    ]
    expect(listEmbeddings(broken, 10).map(({ key }) => key)).toEqual(['X_pca'])
  })

  test.each(readJson<Fixture>('embeddings').first)('the first of $obsm with uns $own is $first', (row) => {
    const obsm = Object.entries(row.obsm).map(([key, value]): ObsmEntry => {
      const [columns, container] = Array.isArray(value) ? value : [value]
      return { key, columns, version: '1', ...(container === 'texts' ? { reason: 'its values are texts' } : {}) }
    })
    expect(defaultEmbedding({ obsm, nObs: 10, defaultEmbedding: row.own })).toBe(row.first)
  })
})
