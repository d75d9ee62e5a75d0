import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { HostedCache } from '../../../server/hosted-ui/cache/hosted-cache.ts'
import { fetchBuild } from '../../../server/hosted-ui/fetch-build.ts'
import { Site } from '../../../server/hosted-ui/site/site.ts'
import { parseSource } from '../../../server/hosted-ui/site/site-address.ts'
import { makeCertificate } from '../../stage/certificate.ts'
import { filesOf, type HostedSite, hostedSite, type SiteMode } from '../../stage/hosted-site.ts'

function stage({ url }: HostedSite) {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-test-fetch-'))
  const site = new Site(parseSource(url))
  onTestFinished(async () => {
    await site.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const cache = new HostedCache(join(folder, 'hosted'))
  const told: string[] = []
  const fetch = (signal = new AbortController().signal) =>
    fetchBuild({ site, cache, signal, tell: ({ done, total }) => told.push(`${done}/${total}`) })
  return { site, cache, fetch, told }
}

test('a build is fetched whole, with the files that its files speak of, and stored under its stamp', async () => {
  const upstream = await hostedSite('one')
  const { cache, fetch, told } = stage(upstream)
  const generation = await fetch()
  expect(generation.manifest.build).toBe('one')
  const expected = filesOf('one')
  expect(generation.paths.map((path) => `/${path}`).sort()).toEqual([...expected.keys()].sort())
  for (const path of generation.paths) {
    expect((await generation.read(path))?.bytes).toEqual(expected.get(`/${path}`))
  }
  expect(generation.file('assets/app-one.js')?.type).toBe('text/javascript')
  expect(told.at(-1)).toBe('6/6')
  expect(readdirSync(cache.place).filter((name) => /^(part|left|old)-/.test(name))).toEqual([])
})

test('what goes up is the same for everybody: no cookie, no referrer, no query, nothing packed', async () => {
  const upstream = await hostedSite('one')
  await stage(upstream).fetch()
  for (const { path, headers } of upstream.requests) {
    expect(path).not.toContain('?')
    const { host, connection, ...said } = headers
    expect(said).toEqual({ accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'cellucid-notebook' })
    expect([host, connection]).toEqual([upstream.url.slice('http://'.length), 'keep-alive'])
  }
})

const REFUSED: [SiteMode, RegExp][] = [
  ['gone', /broke the connection|did not answer/],
  ['reset', /broke the connection/],
  ['short', /broke the connection|ended after/],
  ['endless', /more than the 25 MB/],
  ['huge', /more than the 25 MB/],
  ['html for a script', /came as text\/html: another page answered in its place/],
  ['redirect', /leads elsewhere \(status 302\)/],
]
test.each(REFUSED)(
  'nothing is stored as a build, and the reason is said, when the site is: %s',
  async (mode, reason) => {
    const upstream = await hostedSite('one', mode)
    const { cache, fetch } = stage(upstream)
    await expect(fetch()).rejects.toThrow(reason)
    expect((await cache.list()).generations).toEqual([])
  },
)

test('a connection that breaks once is tried again, and the build comes', async () => {
  const { fetch } = stage(await hostedSite('one', 'reset once'))
  expect((await fetch()).paths).toHaveLength(6)
})

test('a new build in the middle of a download is the one that is stored, with none of the old one’s files', async () => {
  const { fetch } = stage(await hostedSite('one', 'new build meanwhile'))
  const generation = await fetch()
  expect(generation.manifest.build).toBe('one-next')
  expect(generation.paths.filter((path) => path.endsWith('-one.js'))).toEqual([])
  expect(generation.paths).toContain('assets/app-one-next.js')
})

test('after a break the next attempt asks only for what is missing', async () => {
  const upstream = await hostedSite('one', 'reset')
  const { fetch } = stage(upstream)
  await expect(fetch()).rejects.toThrow()
  upstream.mode = 'healthy'
  upstream.requests.length = 0
  await fetch()
  const asked = upstream.requests.map(({ path }) => path)
  expect(asked).toContain('/assets/app-one.js')
  expect(asked).not.toContain('/favicon.svg')
})

test('a download is stopped at once, and goes on later from where it was', async () => {
  const upstream = await hostedSite('one', 'stall at the end')
  const { cache, fetch, told } = stage(upstream)
  const stop = new AbortController()
  const fetching = fetch(stop.signal)
  await expect.poll(() => told.at(-1)).toBe('4/5')
  stop.abort(new Error('The user has enough.'))
  await expect(fetching).rejects.toThrow('The user has enough.')
  expect((await cache.list()).generations).toEqual([])
  upstream.mode = 'healthy'
  expect((await fetch()).paths).toHaveLength(6)
})

test('a site whose certificate is not trusted is not fetched from', async () => {
  const { cert, key } = makeCertificate()
  const server = createServer({ cert, key }, (_, response) => response.end('<p>hello</p>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const { fetch } = stage({ url } as HostedSite)
  await expect(fetch()).rejects.toThrow(/certificate that is not trusted/)
})
