import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AsExport } from '../../../../server/hosted-ui/export/export-layout.ts'
import { openSource } from '../../../../server/sources/open-source.ts'
import { cellucidOf, filesOf, MADE_WITHIN_MS } from '../../sources/anndata-files.ts'

vi.setConfig({ testTimeout: MADE_WITHIN_MS })

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal

async function asExport(path: string): Promise<AsExport> {
  const source = await openSource({ kind: 'path', path }, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return new AsExport(source)
}

const exported = async (version: string, way: string) => join(await filesOf('make_export.py', cellucidOf(version)), way)

async function jsonOf(layout: AsExport, path: string) {
  return JSON.parse(Buffer.from((await layout.file(path, signal))?.bytes ?? []).toString())
}

test.each(['plain', 'gzip', 'quantised16-gzip'])(
  'a folder of the form that the hosted page reads is handed over byte for byte, with graph, vectors and outliers: %s',
  async (way) => {
    const folder = await exported('0.0.9', way)
    const layout = await asExport(folder)
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      statSync(join(folder, path)).isFile(),
    )
    for (const part of ['connectivity/edges.src', 'vectors/velocity_umap_2d', 'obs/passed.outliers', 'points_3d']) {
      expect(paths.filter((path) => path.startsWith(part))).toHaveLength(1)
    }
    for (const path of paths) {
      const file = await layout.file(path, signal)
      expect([path, Buffer.from(file?.bytes ?? []).equals(readFileSync(join(folder, path)))]).toEqual([path, true])
      expect(file?.type).toBe(path.endsWith('.json') ? 'application/json' : 'application/octet-stream')
    }
  },
)

test('of such a folder nothing else is handed over, and nothing from outside it', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'cellucid-test-layout-'))
  onTestFinished(() => rmSync(parent, { recursive: true }))
  const folder = join(parent, 'export')
  cpSync(await exported('0.0.9', 'plain'), folder, { recursive: true })
  writeFileSync(join(parent, 'secret.bin'), 'secret')
  for (const name of ['notes.txt', 'thesis.json', 'obs/.hidden', 'obs/private.csv'])
    writeFileSync(join(folder, name), 'x')
  symlinkSync(join(parent, 'secret.bin'), join(folder, 'obs/passed.values.f32'))
  const layout = await asExport(folder)
  for (const path of [
    'notes.txt',
    'thesis.json',
    'obs/.hidden',
    'obs/private.csv',
    '../secret.bin',
    'obs/../../secret.bin',
    'obs',
    '',
  ]) {
    expect([path, await layout.file(path, signal)]).toEqual([path, null])
  }
  await expect(layout.file('obs/passed.values.f32', signal)).rejects.toThrow(/leads out of the folder/)
})

test('of an AnnData the UMAPs, the fields and the arrows are those that cellucid’s own server sends', async () => {
  const folder = await filesOf('make_velocity.py', cellucidOf('0.0.9'))
  const expected = JSON.parse(readFileSync(join(folder, 'identity.json'), 'utf8'))
  const layout = await asExport(join(folder, 'velocity.h5ad'))
  const { stats, embeddings, obs_fields, vector_fields } = await jsonOf(layout, 'dataset_identity.json')
  // The dimension that is shown first is ours to choose, as in the embedded viewer.
  expect(embeddings).toEqual({ ...expected.embeddings, default_dimension: 2 })
  expect([stats, obs_fields, vector_fields]).toEqual([expected.stats, expected.obs_fields, expected.vector_fields])
  expect(Object.keys(vector_fields.fields)).toEqual(expect.arrayContaining(['velocity_umap', 'T_fwd_umap']))
  for (const { files } of Object.values<{ files: Record<string, string> }>(vector_fields.fields)) {
    for (const path of Object.values(files)) {
      const sent = floatsOf((await layout.file(path, signal))?.bytes ?? Buffer.of())
      const own = floatsOf(readFileSync(join(folder, path.replace('vectors/', ''))))
      expect([path, sent.length]).toEqual([path, own.length])
      expect(Math.max(...sent.map((value, i) => Math.abs(value - (own[i] ?? Number.NaN))))).toBeLessThan(1e-5)
    }
  }
  for (const none of ['vectors/velocity_pca_2d.bin', 'vectors/wide_umap_2d.bin', 'vectors/X_umap_2d.bin']) {
    expect([none, await layout.file(none, signal)]).toEqual([none, null])
  }
})

test('the middle of each category is where cellucid’s own server puts it, without its outermost cells', async () => {
  const folder = await filesOf('make_velocity.py', cellucidOf('0.0.9'))
  const { latent_key, ...expected } = JSON.parse(readFileSync(join(folder, 'obs_manifest.json'), 'utf8'))
  const { latent_key: _, ...manifest } = await jsonOf(
    await asExport(join(folder, 'velocity.h5ad')),
    'obs_manifest.json',
  )
  expect(expected._categoricalFields[0][4]['2']).toHaveLength(3)
  expect(manifest).toEqual(rounded(expected))
})

/** Numbers to the fifth digit; cellucid computes in f32. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, each) => (typeof each === 'number' ? expect.closeTo(each, 5) : each))
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer)
}

test('a folder of the later form is told in the earlier one, without what that cannot be made from', async () => {
  const layout = await asExport(await exported('0.9.4', 'plain'))
  expect(await jsonOf(layout, 'dataset_identity.json')).toMatchObject({
    version: 2,
    stats: { n_cells: 70, n_genes: 6, has_connectivity: false },
  })
  expect(await jsonOf(layout, 'obs_manifest.json')).toMatchObject({ _format: 'compact_v1', latent_key: null })
  // No latent space: no cell is an outlier, as in cellucid's own server.
  const outliers = (await layout.file('obs/passed.outliers.f32', signal))?.bytes
  expect(outliers).toEqual(new Uint8Array(70 * 4))
  for (const none of ['connectivity_manifest.json', 'connectivity/edges.src.bin', 'vectors/velocity_umap_2d.bin']) {
    expect([none, await layout.file(none, signal)]).toEqual([none, null])
  }
})
