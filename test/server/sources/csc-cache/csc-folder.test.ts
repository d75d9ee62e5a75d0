import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { DATA_FILE, INDEX_FILE } from '../../../../server/sources/csc-cache/csc-file.ts'
import { ColumnFolder } from '../../../../server/sources/csc-cache/csc-folder.ts'

let root = ''
const INDEX = new Uint8Array(4)

beforeEach(async () => {
  const parent = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(parent, { recursive: true }))
  root = join(parent, 'columns')
})

/** A complete store of so many bytes, used so many seconds ago. */
async function write(folder: ColumnFolder, key: string, bytes: number, usedAgo: number): Promise<void> {
  const part = (await folder.begin(key, bytes))!
  await part.file.write(new Uint8Array(bytes))
  await part.file.close()
  await part.finish(INDEX)
  const then = Date.now() / 1000 - usedAgo
  await utimes(join(root, key, INDEX_FILE), then, then)
}

describe('ColumnFolder', () => {
  test('a store is found once it is finished, and belongs to its user alone', async () => {
    const folder = new ColumnFolder(root)
    const part = (await folder.begin('a', 10))!
    expect(await folder.find('a')).toBeNull()
    await part.file.close()
    await part.finish(INDEX)
    expect(await folder.find('a')).toBe(join(root, 'a'))
    expect(await readdir(root)).toEqual(['a'])
    const modes = await Promise.all(
      [root, join(root, 'a'), join(root, 'a', DATA_FILE)].map(async (path) => (await stat(path)).mode & 0o777),
    )
    expect(modes).toEqual([0o700, 0o700, 0o600])
  })

  test('one that is abandoned leaves nothing', async () => {
    const part = (await new ColumnFolder(root).begin('a', 10))!
    await part.file.close()
    await part.abandon()
    expect(await readdir(root)).toEqual([])
  })

  test('what a killed process left is removed, what a living one writes is not', async () => {
    const { pid: dead } = spawnSync(process.execPath, ['-e', ''])
    for (const pid of [dead, process.ppid]) await mkdir(join(root, `a.part-${pid}-00000000`), { recursive: true })
    const part = (await new ColumnFolder(root).begin('b', 10))!
    await part.file.close()
    expect((await readdir(root)).filter((name) => name.startsWith('a.'))).toEqual([`a.part-${process.ppid}-00000000`])
  })

  test('makes room by what was not used longest, and looking for a store uses it', async () => {
    const folder = new ColumnFolder(root, 100)
    await write(folder, 'old', 40, 300)
    await write(folder, 'older but used', 40, 400)
    expect(await folder.find('older but used')).not.toBeNull()
    await write(folder, 'new', 40, 0)
    expect((await readdir(root)).toSorted()).toEqual(['new', 'older but used'])
  })

  test('takes nothing larger than all it may hold, and removes nothing for it', async () => {
    const folder = new ColumnFolder(root, 100)
    await write(folder, 'a', 40, 0)
    expect(await folder.begin('b', 101)).toBeNull()
    expect(await readdir(root)).toEqual(['a'])
  })

  test.skipIf(process.getuid?.() === 0)('a folder that may not be written to holds no store', async () => {
    await mkdir(root)
    await chmod(root, 0o500)
    expect(await new ColumnFolder(root).begin('a', 1)).toBeNull()
  })

  test('a place that is no folder holds no store', async () => {
    await writeFile(root, 'a file')
    const folder = new ColumnFolder(root)
    expect(await folder.begin('a', 1)).toBeNull()
    expect(await folder.find('a')).toBeNull()
  })

  test('what is half written goes when the process ends', async () => {
    const script = `
      const { ColumnFolder } = await import(${JSON.stringify(join(import.meta.dirname, '../../../../server/sources/csc-cache/csc-folder.ts'))})
      await new ColumnFolder(process.argv[1]).begin('a', 10)
      process.exit(0)`
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script, root])
    expect(status).toBe(0)
    expect(await readdir(root)).toEqual([])
  })
})
