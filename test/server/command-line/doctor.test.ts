import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { CommandLine, runCommandLine } from '../../stage/command-line.ts'

// A process for each, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('doctor says what is in place, who holds the port, and what Python told', async () => {
  const holder = createServer()
  const isOurs = await new Promise<boolean>((resolve) => {
    holder.once('error', () => resolve(false)) // somebody else holds it already, which is as good
    holder.listen(8765, '127.0.0.1', () => resolve(true))
  })
  onTestFinished(() => void holder.close())
  const facts = JSON.stringify({ python: '3.12.4', anywidget: '0.11.0', 'jupyter-server-proxy': 'not installed' })
  const { status, output, errors } = await runCommandLine(['doctor', '--python', facts], {
    env: { XDG_CACHE_HOME: emptyFolder(), SSH_CONNECTION: '10.0.0.1 5000 10.0.0.2 22' },
  })
  expect([status, errors]).toEqual([0, ''])
  expect(output).toMatch(/^ok +Node\.js +\d+\.\d+\.\d+ \(.*node\)$/m)
  expect(output).toMatch(/^ok +viewer page +complete$/m)
  expect(output).toMatch(/^ok +HDF5 +works, with \d filters/m)
  if (isOurs) expect(output).toMatch(new RegExp(`^note +port 8765 +held by \\S+ \\(process ${process.pid}\\)$`, 'm'))
  else expect(output).toMatch(/^note +port 8765 +held by /m)
  expect(output).toMatch(/^note +browser +on another machine/m)
  expect(output).toMatch(/^ok +anywidget +0\.11\.0$/m)
  expect(output).toMatch(
    /^note +jupyter-server-proxy +not installed\n +Without it, .*pip install jupyter-server-proxy/m,
  )
  expect(output).toMatch(/Data can be shown\.\n$/)
})

test('doctor of an install that lacks its page says so and ends with status 1', async () => {
  const folder = emptyFolder()
  const built = resolve(import.meta.dirname, '../../../python/cellucid_notebook/_static')
  for (const file of readdirSync(built).filter((name) => name.endsWith('.mjs'))) {
    cpSync(join(built, file), join(folder, file))
  }
  const run = new CommandLine(['doctor'], { program: join(folder, 'cli.mjs') })
  expect(await run.ended).toBe(1)
  expect(run.output).toMatch(/^broken +viewer page +.*\n +Install cellucid-notebook again\.$/m)
  expect(run.output).toMatch(/^note +HDF5 +works, but its filters are missing$/m)
  expect(run.output).toMatch(/^note +Python +not looked at/m)
  expect(run.output).toMatch(/no data can be shown\. See above\.\n$/)
})

test('cache says what is kept and where, and clears it, and nothing else', async () => {
  const home = emptyFolder()
  const store = join(home, 'cellucid-notebook/columns/abc')
  mkdirSync(store, { recursive: true })
  // A finished store, as far as a look from outside tells.
  for (const name of ['columns.bin', 'index.bin']) writeFileSync(join(store, name), 'x'.repeat(2_000))
  const compiled = join(home, 'cellucid-notebook/compiled')
  mkdirSync(compiled, { mode: 0o777 }) // others may write there, so nothing is taken from it nor put into it
  chmodSync(compiled, 0o777)
  writeFileSync(join(compiled, 'part'), 'x'.repeat(3_000))
  writeFileSync(join(home, 'keep.txt'), 'mine')
  const cache = (...args: string[]) => runCommandLine(['cache', ...args], { env: { XDG_CACHE_HOME: home } })
  const listed = await cache()
  expect([listed.status, listed.output]).toEqual([0, expect.stringContaining('1 file, 2.0 KB')])
  expect(listed.output).toContain(join(home, 'cellucid-notebook/columns'))
  expect(listed.output).toContain('compiled for quick starts: 1 file, 3.0 KB')
  expect((await cache('clear')).output).toContain('1 file, 2.0 KB, removed')
  expect((await cache('list')).output).toContain('sorted for quick access: nothing')
})
