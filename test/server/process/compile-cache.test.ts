import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { compiledFiles } from '../../../server/process/compile-cache.ts'

const MODULE = resolve(import.meta.dirname, '../../../server/process/compile-cache.ts')
const IS_ROOT = process.getuid?.() === 0

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'compiled-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What a program that keeps its code there says of it, in a process of its own. */
function keptBy(folder: string): string {
  const source = `import { keepCompiled } from ${JSON.stringify(MODULE)}
import { getCompileCacheDir } from 'node:module'
keepCompiled(${JSON.stringify(folder)})
process.stdout.write(getCompileCacheDir() === undefined ? 'nothing' : 'kept')
await import('node:util')`
  return execFileSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' })
}

test('what Node compiled is kept in a folder of the user alone', () => {
  const folder = join(emptyFolder(), 'new/compiled')
  expect(keptBy(folder)).toBe('kept')
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})

type Spoil = (folder: string, above: string) => void
const OTHERS: [string, Spoil][] = [
  ['that others may write to', (folder) => chmodSync(folder, 0o777)],
  ['in a folder that others may write to', (_, above) => chmodSync(above, 0o777)],
  [
    'that is a link',
    (folder) => {
      rmSync(folder, { recursive: true })
      symlinkSync(emptyFolder(), folder)
    },
  ],
]
if (IS_ROOT) {
  OTHERS.push(['of another user', (folder) => chownSync(folder, 65_534, 65_534)])
  OTHERS.push(['in a folder of another user', (_, above) => chownSync(above, 65_534, 65_534)])
}

test.each(OTHERS)('code is not taken from a folder %s', (_, spoil) => {
  const above = join(emptyFolder(), 'cache')
  const folder = join(above, 'compiled')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  expect(keptBy(folder)).toBe('kept')
  spoil(folder, above)
  expect(keptBy(folder)).toBe('nothing')
})

test('where nothing can be kept the program starts all the same', () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'file'), '')
  expect(keptBy(join(folder, 'file/compiled'))).toBe('nothing')
})

test('what many builds have left is given up', () => {
  const folder = join(emptyFolder(), 'compiled')
  mkdirSync(folder, { mode: 0o700 })
  for (let i = 0; i < 201; i++) writeFileSync(join(folder, `old-${i}`), 'x')
  expect(keptBy(folder)).toBe('kept')
  expect(compiledFiles(folder).filter(({ path }) => path.includes('old-'))).toEqual([])
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})
