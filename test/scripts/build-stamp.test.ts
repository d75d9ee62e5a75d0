import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isBuildCurrent, removeBuildStamp, writeBuildStamp } from '../../scripts/build-stamp.mjs'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cellucid-stamp-'))
  await writeFile(join(root, 'build.mjs'), 'one')
  await writeFile(join(root, 'page.ts'), 'two')
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('bundles are made again after any file that went into them changed or went, and not before', async () => {
  expect(isBuildCurrent(root)).toBe(false)
  writeBuildStamp(root, ['page.ts', 'build.mjs'])
  expect(isBuildCurrent(root)).toBe(true)
  await appendFile(join(root, 'build.mjs'), ' ')
  expect(isBuildCurrent(root)).toBe(false)
  writeBuildStamp(root, ['page.ts', 'build.mjs'])
  await rm(join(root, 'page.ts'))
  expect(isBuildCurrent(root)).toBe(false)
  writeBuildStamp(root, ['build.mjs'])
  removeBuildStamp(root)
  expect(isBuildCurrent(root)).toBe(false)
})

test('the build counts its own scripts, the page’s template and the style sheets among what it is made from', async () => {
  const stamp = await readFile(resolve(import.meta.dirname, '../../node_modules/.stamps/build.json'), 'utf8')
  const { inputs } = JSON.parse(stamp) as { inputs: string[] }
  for (const file of [
    'esbuild.config.mjs',
    'scripts/page-bundle.mjs',
    'scripts/page-html.mjs',
    'page/index.html',
    'page/page.css',
    'page/main.tsx',
    'server/main.ts',
    'protocol/frame.ts',
    'package-lock.json',
  ]) {
    expect(inputs).toContain(file)
  }
})
