import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { billOfMaterials } from '../../scripts/bill-of-materials.mjs'

const ROOT = resolve(import.meta.dirname, '../..')

type Component = { type: string; name: string; version?: string; purl: string; hashes?: { content: string }[] }
type Locked = { version: string; integrity: string }

async function json<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(join(ROOT, file), 'utf8'))
}

test('the wheel’s bill of materials has what CycloneDX requires, and is that of the bundles as they are', async () => {
  const built = await json<Record<string, unknown>>('python/cellucid_notebook/_static/cellucid-notebook.cdx.json')
  expect(built).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.7', version: 1 })
  const components = built.components as Component[]
  for (const component of components) {
    expect(component).toMatchObject({
      type: 'library',
      name: expect.stringMatching(/./),
      purl: expect.stringMatching(/^pkg:(npm|pypi)\//),
    })
  }
  const references = (built.dependencies as { ref: string }[]).map(({ ref }) => ref)
  expect(new Set(references).size).toBe(references.length)
  const { inputs } = await json<{ inputs: string[] }>('node_modules/.stamps/build.json')
  expect(built).toEqual(billOfMaterials(ROOT, inputs))
})

test('each bundled package is named with the version and the digest of the lock file', async () => {
  const { packages } = await json<{ packages: Record<string, Locked> }>('package-lock.json')
  const folders = ['node_modules/fastify', 'node_modules/@noble/hashes']
  const { components } = billOfMaterials(
    ROOT,
    folders.map((folder) => `${folder}/index.js`),
  )
  const bundled = (components as Component[]).filter(({ purl }) => purl.startsWith('pkg:npm/'))
  const locked = [...folders].sort().map((folder) => packages[folder] as Locked)
  expect(bundled.map(({ version }) => version)).toEqual(locked.map(({ version }) => version))
  expect(bundled.map(({ hashes }) => hashes?.[0]?.content)).toEqual(
    locked.map(({ integrity }) => Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')),
  )
  expect(bundled.map(({ purl }) => purl)).toEqual([
    expect.stringMatching(/^pkg:npm\/%40noble\/hashes@/),
    expect.stringMatching(/^pkg:npm\/fastify@/),
  ])
})

test('a package that is bundled without being locked ends the build', () => {
  expect(() => billOfMaterials(ROOT, ['node_modules/unknown/index.js'])).toThrow(
    'node_modules/unknown is bundled, and not in package-lock.json.',
  )
})

test('what pip brings beside the wheel is named with the range that is asked for', async () => {
  const { components } = billOfMaterials(ROOT, [])
  const project = await readFile(join(ROOT, 'pyproject.toml'), 'utf8')
  const asked = /^dependencies = \[\n([^\]]+)\]/m.exec(project)?.[1]?.trim().split('\n') ?? []
  expect(components).toHaveLength(asked.length)
  expect(components).toContainEqual(
    expect.objectContaining({ name: 'numpy', isExternal: true, versionRange: 'vers:pypi/>=1.24' }),
  )
})
