import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { HOSTED_ROUTES, KEY_HEADER } from '../../protocol/urls.ts'
import { packNpm } from '../../scripts/pack.mjs'
import { filesOf } from '../server/sources/anndata-files.ts'
import { filesOf as filesOfBuild, hostedSite } from '../stage/hosted-site.ts'
import { identityAt } from '../stage/served-page.ts'
import { type Ids, tradeToken } from '../stage/start-server.ts'

const run = promisify(execFile)
let tarball = ''

beforeAll(async () => {
  tarball = await packNpm()
}, 60_000)

/** A folder that holds nothing but the installed package, and a PATH with nothing but Node and its npm: no Python. */
async function installed() {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-npm-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { stdout } = await run('sh', ['-c', 'readlink -f "$(command -v npm)"; command -v sh'])
  const [npm = '', shell = ''] = stdout.trim().split('\n')
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  symlinkSync(process.execPath, join(programs, 'node'))
  symlinkSync(npm, join(programs, 'npm'))
  symlinkSync(join(dirname(npm), 'npx-cli.js'), join(programs, 'npx'))
  symlinkSync(shell, join(programs, 'sh'))
  const env = { HOME: folder, PATH: programs }
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--prefix', folder, tarball], {
    env,
    cwd: folder,
  })
  return { folder, env }
}

test('the tarball holds the program and nothing to install beside it, and cannot be published', async () => {
  const { folder, env } = await installed()
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'cellucid-notebook',
  ])
  const own = join(folder, 'node_modules/cellucid-notebook')
  const isPart = (name: string) => name.startsWith('server-')
  expect(readdirSync(own).filter(isPart).length).toBeGreaterThan(5)
  expect(
    readdirSync(own)
      .filter((name) => !isPart(name))
      .sort(),
  ).toEqual([
    'LICENSE',
    'README.md',
    'THIRD-PARTY-LICENSES.txt',
    'cli.mjs',
    'first-file.h5ad',
    'hdf5-plugins',
    'package.json',
    'page',
    'server.mjs',
  ])
  const facts = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'))
  expect(facts).toMatchObject({ private: true, bin: { 'cellucid-notebook': 'cli.mjs' } })
  expect(facts).not.toHaveProperty('dependencies')
  // Refused before anything is sent, also to whoever is logged in; the registry named here does not exist.
  const registry = ['--registry', 'http://127.0.0.1:9/', '--//127.0.0.1:9/:_authToken=none']
  const published = run('npm', ['publish', tarball, ...registry], { env, cwd: folder })
  await expect(published).rejects.toThrow(/EPRIVATE|marked as private/)
})

/** `npx cellucid-notebook serve` of a real file with Node alone, until it has said its link. */
async function startServed(args: readonly string[] = []) {
  const { folder, env } = await installed()
  copyFileSync(join(await filesOf('make_h5ad.py'), 'csr-plain.h5ad'), join(folder, 'data.h5ad'))
  const served = spawn('npx', ['--offline', 'cellucid-notebook', 'serve', 'data.h5ad', '--no-open', ...args], {
    env,
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  served.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  const closed = once(served, 'close')
  onTestFinished(() => {
    if (served.exitCode === null && served.signalCode === null) process.kill(-(served.pid ?? 0), 'SIGKILL')
  })
  await expect.poll(() => output, { timeout: 60_000 }).toMatch(/Ctrl\+C ends it/)
  expect(output).toContain('data.h5ad: 300 cells × 24 genes')
  return {
    link: new URL(/http:\S+viewerToken=\S+/.exec(output)?.[0] ?? ''),
    /** As a terminal sends it: to all of its foreground group. @returns all that was said */
    async interrupt() {
      process.kill(-(served.pid ?? 0), 'SIGINT')
      await closed
      return output
    },
  }
}

test('npx cellucid-notebook serve shows a real .h5ad with Node alone, and Ctrl+C ends it', async () => {
  const { link, interrupt } = await startServed()
  expect(await (await fetch(link)).text()).toContain('Content-Security-Policy')
  expect(await identityAt(link)).toMatchObject({ kind: 'h5ad', nObs: 300 })
  expect((await interrupt()).trimEnd()).toMatch(/Ended\.$/)
})

test('with --ui hosted it fetches the hosted viewer into the user’s cache and serves it', async () => {
  const upstream = await hostedSite('one')
  const { link, interrupt } = await startServed(['--ui', 'hosted', '--web-source-url', upstream.url])
  const { viewerId, viewerToken } = Object.fromEntries(link.searchParams) as Ids // as the program printed them
  const headers = { [KEY_HEADER]: await tradeToken(new URL('.', link).href, { viewerId, viewerToken }) }
  const { state, url } = await (await fetch(new URL(HOSTED_ROUTES.hosted, link), { headers })).json()
  expect(state).toMatchObject({
    status: 'ready',
    build: 'one',
    place: expect.stringContaining('.cache/cellucid-notebook'),
  })
  expect(url).toMatch(/^_cellucid\/u\/[A-Za-z0-9_-]{43}\/\?anndata=true$/)
  const page = await fetch(new URL(url, link))
  expect(Buffer.from(await page.arrayBuffer())).toEqual(filesOfBuild('one').get('/index.html'))
  expect(await interrupt()).toContain(`Shown by cellucid's hosted viewer, from ${upstream.url}.`)
})
