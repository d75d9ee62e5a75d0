import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { KEY_HEADER } from '../../protocol/urls.ts'
import { HostedCache } from '../../server/hosted-ui/cache/hosted-cache.ts'
import { filesOf, type HostedSite, hostedSite } from '../stage/hosted-site.ts'
import { type StartedServer, startServer, tradeToken } from '../stage/start-server.ts'

/** The cache of the hosted viewer, with real server processes and a real disk under it. */
function makePlace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-test-shared-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'hosted')
}

async function started(place: string, within: readonly string[] = []): Promise<StartedServer> {
  const server = await startServer({ env: { CELLUCID_WEB_PROXY_CACHE_DIR: place }, within })
  onTestFinished(() => void server.process.kill('SIGKILL'))
  return server
}

/** What a page of this server is shown: every file of the build, and the state that the frame tells of. */
async function shown(server: StartedServer, upstream: HostedSite) {
  const viewer = await server.openViewer({ hosted: { source: upstream.url } })
  const pageKey = await tradeToken(server.base, viewer)
  const answer = await fetch(`${server.base}_cellucid/hosted`, { headers: { [KEY_HEADER]: pageKey } })
  const { state, url } = await answer.json()
  const folder = new URL('.', new URL(url, server.base))
  return {
    state,
    async files(build: string): Promise<Map<string, Buffer>> {
      const paths = [...filesOf(build).keys()]
      const bodies = await Promise.all(
        paths.map(async (path) => Buffer.from(await (await fetch(new URL(`.${path}`, folder))).arrayBuffer())),
      )
      return new Map(paths.map((path, i) => [path, bodies[i] ?? Buffer.of()]))
    },
  }
}

function ensure(server: StartedServer, upstream: HostedSite, force = false) {
  return server.kernel.call('hosted.ensure', { source: upstream.url, force })
}

/** As spread as random ones, and the same in every run. */
const KILLED_AFTER_MS = [60, 350, 900, 1_700]

test.each([1, 2, 3])(
  'of eight processes that start on one empty cache four are killed: no file is torn, and the others show the page (round %i)',
  async (round) => {
    const upstream = await hostedSite('one', 'slow')
    upstream.slowMs = 300
    const place = makePlace()
    const servers = await Promise.all(Array.from({ length: 8 }, () => started(place)))
    const [doomed, others] = [servers.slice(0, 4), servers.slice(4)]
    const fetching = others.map((server) => ensure(server, upstream))
    const killed = doomed.map(async (server, i) => {
      const cut = ensure(server, upstream).then(
        () => 'fetched',
        () => 'cut',
      )
      await delay(((KILLED_AFTER_MS[i] ?? 0) * round) / 2)
      server.process.kill('SIGKILL')
      return cut
    })
    expect(await Promise.all(killed)).toContain('cut')
    for (const { result } of await Promise.all(fetching))
      expect(result).toMatchObject({ status: 'ready', build: 'one' })

    const cache = new HostedCache(place)
    const { generation, damage } = await cache.newest(upstream.url)
    expect([generation?.manifest.build, damage]).toEqual(['one', null])
    expect((await cache.list()).generations).toHaveLength(1)
    for (const server of others) expect(await (await shown(server, upstream)).files('one')).toEqual(filesOf('one'))
    // What the killed ones left is gone once somebody fetches again; the four that serve the build are noted.
    await (await cache.begin()).abandon()
    expect(readdirSync(place).filter((name) => /^(part|left|old)-/.test(name))).toEqual([])
  },
  120_000,
)

/** A small disk, or one that is only read, under the server alone; needs Linux and `unshare`. */
function onDisk(place: string, mount: string): readonly string[] {
  return ['unshare', '-rm', 'sh', '-c', `${mount} && exec "$@"`, place]
}

test('a full disk leaves the old build serving, says so, and takes the new one once there is room', async () => {
  const upstream = await hostedSite('one')
  const place = makePlace()
  mkdirSync(place, { mode: 0o700 })
  // One build takes nine pages of memory, and there are fifteen.
  const server = await started(place, onDisk(place, 'mount -t tmpfs -o size=60k,mode=700 tmpfs "$0"'))
  expect((await ensure(server, upstream)).result).toMatchObject({ status: 'ready', build: 'one' })
  upstream.build = 'two'
  await expect(ensure(server, upstream, true)).rejects.toThrow(
    `The disk of the cache folder ${place} is full. Make room on it.`,
  )
  const { state, files } = await shown(server, upstream)
  expect(state).toMatchObject({
    status: 'ready',
    build: 'one',
    lastError: `The disk of the cache folder ${place} is full. Make room on it.`,
  })
  expect(await files('one')).toEqual(filesOf('one'))

  const within = ['-t', String(server.process.pid), '-m', '-U', '--preserve-credentials']
  execFileSync('nsenter', [...within, 'mount', '-o', 'remount,size=1m', place])
  expect((await ensure(server, upstream, true)).result).toMatchObject({
    status: 'ready',
    build: 'two',
    lastError: null,
  })
}, 60_000)

test('a build in a folder that is only read is shown, and that nothing can be fetched into it is said', async () => {
  const upstream = await hostedSite('one')
  const place = makePlace()
  await ensure(await started(place), upstream)
  const readOnly = await started(place, onDisk(place, 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"'))
  expect((await ensure(readOnly, upstream)).result).toMatchObject({ status: 'ready', build: 'one' })
  expect(await (await shown(readOnly, upstream)).files('one')).toEqual(filesOf('one'))
  await expect(ensure(readOnly, upstream, true)).rejects.toThrow(
    `The cache folder ${place} cannot be written to. Let CELLUCID_WEB_PROXY_CACHE_DIR name another one.`,
  )
}, 60_000)
