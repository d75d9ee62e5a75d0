import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { HostedCache } from '../../../../server/hosted-ui/cache/hosted-cache.ts'
import { encodeManifest, Generation, generationName } from '../../../../server/hosted-ui/cache/stored-build.ts'
import { hostedCachePlace } from '../../../../server/process/config.ts'

const SOURCE = 'https://viewer.example'
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-test-cache-'))
  folders.push(folder)
  return folder
}

async function store(cache: HostedCache, build: string): Promise<Generation> {
  const part = await cache.begin()
  await part.store('index.html', 'text/html', Buffer.from(`<p>${build}</p>`))
  await part.store('assets/app.js', 'text/javascript', Buffer.from(`build(${JSON.stringify(build)})`))
  return cache.publish(part, SOURCE, build)
}

async function textOf(generation: Generation | null, path: string): Promise<string | undefined> {
  return (await generation?.read(path))?.bytes.toString()
}

test('a complete build is found again with its bytes, and everything of it is this user’s alone', async () => {
  const place = join(makeFolder(), 'hosted')
  await store(new HostedCache(place), 'one')
  const { generation } = await new HostedCache(place).newest(SOURCE)
  expect(await textOf(generation, 'assets/app.js')).toBe('build("one")')
  expect(generation?.manifest.build).toBe('one')
  expect(await textOf(generation, 'assets/none.js')).toBe(undefined)
  expect((await new HostedCache(place).newest('https://other.example')).generation).toBe(null)
  expect(lstatSync(place).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(generation?.folder ?? '')) {
    expect(lstatSync(join(generation?.folder ?? '', name)).mode & 0o777).toBe(0o600)
  }
})

test('a new build takes the place of the old one only when it is complete; two are kept', async () => {
  const cache = new HostedCache(join(makeFolder(), 'hosted'))
  await store(cache, 'one')
  const part = await cache.begin()
  await part.store('index.html', 'text/html', Buffer.from('<p>two</p>'))
  expect((await cache.newest(SOURCE)).generation?.manifest.build).toBe('one')
  await cache.publish(part, SOURCE, 'two')
  expect((await cache.newest(SOURCE)).generation?.manifest.build).toBe('two')
  await store(cache, 'three')
  expect((await cache.list()).generations.map(({ build }) => build)).toEqual(['three', 'two'])
})

test('a build that a process serves is not removed for newer ones', async () => {
  const cache = new HostedCache(join(makeFolder(), 'hosted'))
  await cache.use(await store(cache, 'one'))
  await store(cache, 'two')
  await store(cache, 'three')
  await store(cache, 'four')
  expect((await cache.list()).generations.map(({ build }) => build)).toEqual(['four', 'three', 'one'])
})

test('the same build fetched by two is stored once, and the second finds the first', async () => {
  const place = join(makeFolder(), 'hosted')
  const [a, b] = [new HostedCache(place), new HostedCache(place)]
  const [one, other] = [await a.begin(), await b.begin()]
  for (const part of [one, other]) await part.store('index.html', 'text/html', Buffer.from('<p>same</p>'))
  const [first, second] = await Promise.all([a.publish(one, SOURCE, 'same'), b.publish(other, SOURCE, 'same')])
  expect(await textOf(first, 'index.html')).toBe('<p>same</p>')
  expect(await textOf(second, 'index.html')).toBe('<p>same</p>')
  expect(readdirSync(place).filter((name) => name.startsWith('part-'))).toEqual([])
})

test('whoever fetched the same build and comes later finds it stored already; an older build that is back is the newest', async () => {
  const cache = new HostedCache(join(makeFolder(), 'hosted'))
  const slow = await cache.begin()
  await slow.store('index.html', 'text/html', Buffer.from('<p>one</p>'))
  await slow.store('assets/app.js', 'text/javascript', Buffer.from('build("one")'))
  const first = await store(cache, 'one')
  expect((await cache.publish(slow, SOURCE, 'one')).name).toBe(first.name)
  expect((await cache.list()).generations).toHaveLength(1)
  await store(cache, 'two')
  await store(cache, 'one')
  expect((await cache.newest(SOURCE)).generation?.manifest.build).toBe('one')
})

test('a build of more than 2,000 files or 250 MB is refused before it is kept', async () => {
  const cache = new HostedCache(join(makeFolder(), 'hosted'))
  const many = await cache.begin()
  for (let i = 0; i < 2_000; i++) await many.store(`assets/${i}.js`, 'text/javascript', Buffer.from('same'))
  await expect(many.store('assets/last.js', 'text/javascript', Buffer.from('same'))).rejects.toThrow(
    'The site has more than 2000 files.',
  )
  const large = await cache.begin()
  const file = Buffer.alloc(25 << 20)
  for (let i = 0; i < 10; i++) await large.store(`assets/${i}.wasm`, 'application/wasm', file)
  await expect(large.store('assets/last.wasm', 'application/wasm', Buffer.from('1'))).rejects.toThrow(
    'The site has more than 250 MB.',
  )
})

test('the oldest builds leave while all together would take more than a gigabyte, but none that is served', async () => {
  const place = join(makeFolder(), 'hosted')
  mkdirSync(place, { mode: 0o700 })
  const claimed = { path: 'assets/app.wasm', sha256: 'a'.repeat(64), bytes: 25 << 20, type: 'application/wasm' }
  const sources = [1, 2, 3, 4, 5].map((number) => {
    const files = Array.from({ length: 10 }, (_, i) => ({ ...claimed, path: `assets/${i}.wasm` }))
    const manifest = encodeManifest({ source: `https://${number}.example`, build: null, files })
    mkdirSync(join(place, generationName(number, manifest)))
    writeFileSync(join(place, generationName(number, manifest), 'manifest.json'), manifest)
    return `https://${number}.example`
  })
  const cache = new HostedCache(place)
  const oldest = await Generation.open(place, readdirSync(place).sort()[0] ?? '')
  if (oldest === null) throw new Error('It was just written.')
  await cache.use(oldest)
  await cache.begin()
  expect((await cache.list()).generations.map(({ source }) => source).sort()).toEqual([
    sources[0],
    sources[3],
    sources[4],
  ])
})

const DAMAGES: [string, RegExp, (folder: string, file: string) => void][] = [
  ['a byte is another one', /app\.js is not as it was stored/, (_, file) => writeFileSync(file, 'build("0ne")')],
  ['a file is shorter', /app\.js is not as it was stored/, (_, file) => writeFileSync(file, 'build')],
  ['a file is gone', /app\.js is not as it was stored/, (_, file) => rmSync(file)],
  [
    'a file too many lies there',
    /"extra\.js", which was never/,
    (folder) => writeFileSync(join(folder, 'extra.js'), ''),
  ],
  [
    'its list is another',
    /its list of files is damaged/,
    (folder) => writeFileSync(join(folder, 'manifest.json'), '{}'),
  ],
  [
    'a file is a link to its own bytes',
    /app\.js is a symbolic link/,
    (folder, file) => {
      writeFileSync(join(folder, '..', 'elsewhere'), 'build("one")')
      rmSync(file)
      symlinkSync(join(folder, '..', 'elsewhere'), file)
    },
  ],
]
test.each(DAMAGES)('a build is removed, with the reason, when %s', async (_, reason, spoil) => {
  const cache = new HostedCache(join(makeFolder(), 'hosted'))
  const generation = await store(cache, 'one')
  expect((await cache.newest(SOURCE)).damage).toBe(null)
  spoil(generation.folder, join(generation.folder, generation.file('assets/app.js')?.sha256 ?? ''))
  const found = await cache.newest(SOURCE)
  expect(found.generation).toBe(null)
  expect(found.damage).toMatch(reason)
  expect((await cache.list()).generations).toEqual([])
})

test('a byte swapped while the build is served is not served, although time and size are as before', async () => {
  const cache = new HostedCache(join(makeFolder(), 'hosted'))
  const generation = await store(cache, 'one')
  const file = join(generation.folder, generation.file('assets/app.js')?.sha256 ?? '')
  const { atime, mtime } = lstatSync(file)
  writeFileSync(file, 'build("0ne")')
  execFileSync('touch', ['-d', mtime.toISOString(), file])
  expect(atime).toBeInstanceOf(Date)
  expect(await generation.read('assets/app.js')).toBe(null)
  expect(await generation.damage()).toMatch(/app\.js/)
})

test('what a killed process had fetched is taken over, without the file that it was writing', async () => {
  const place = join(makeFolder(), 'hosted')
  const cache = new HostedCache(place)
  const part = await cache.begin()
  await part.store('index.html', 'text/html', Buffer.from('<p>half</p>'))
  await part.store('assets/app.js', 'text/javascript', Buffer.from('half()'))
  const [name = ''] = readdirSync(place)
  // As if process 2^22 + 1, which cannot be, had left it.
  const left = join(place, name.replace(/^part-\d+/, 'part-4194305'))
  execFileSync('mv', [join(place, name), left])
  writeFileSync(join(left, part.files.get('assets/app.js')?.sha256 ?? ''), 'ha')
  writeFileSync(join(left, 'half-written'), 'x')
  const next = await cache.begin()
  expect([...next.files.keys()]).toEqual(['index.html'])
  expect((await next.read('index.html'))?.toString()).toBe('<p>half</p>')
  expect(readdirSync(place)).toHaveLength(1)
  expect(readdirSync(next.folder)).not.toContain('half-written')
})

test('clearing removes what the cache stored and nothing else', async () => {
  const place = join(makeFolder(), 'hosted')
  const cache = new HostedCache(place)
  await store(cache, 'one')
  await cache.noteChecked(SOURCE)
  writeFileSync(join(place, 'thesis.txt'), 'mine')
  expect(await cache.clear()).toEqual({ generations: 1, bytes: 22 })
  expect(readdirSync(place)).toEqual(['thesis.txt'])
  expect(await cache.list()).toEqual({ place, exists: true, bytes: 0, generations: [] })
  expect(await new HostedCache(join(place, 'none')).clear()).toEqual({ generations: 0, bytes: 0 })
})

const REFUSED: [string, RegExp, (folder: string) => string][] = [
  ['a symbolic link', /is a symbolic link, which is not followed/, linked],
  ['a file', /is not a folder/, (folder) => made(join(folder, 'file'), (path) => writeFileSync(path, ''))],
  ['writable by others', /Others may write to/, (folder) => made(join(folder, 'open'), (path) => open(path))],
  ['the root', /is used for other things/, () => '/'],
  ['the shared temporary folder', /is used for other things/, () => tmpdir()],
  ['the working folder', /is used for other things/, () => process.cwd()],
  ['the home folder', /is used for other things/, () => process.env.HOME ?? ''],
]
test.each(REFUSED)('a cache folder that is %s is refused with a sentence', async (_, sentence, make) => {
  const cache = new HostedCache(make(makeFolder()))
  await expect(cache.begin()).rejects.toThrow(sentence)
  await expect(cache.newest(SOURCE)).rejects.toThrow(sentence)
  await expect(cache.clear()).rejects.toThrow(sentence)
})

const isRoot = process.getuid?.() === 0
test.skipIf(!isRoot)('a cache folder of another user is refused with a sentence (needs root to make one)', async () => {
  const place = join(makeFolder(), 'theirs')
  mkdirSync(place, { mode: 0o700 })
  execFileSync('chown', ['65534', place])
  await expect(new HostedCache(place).begin()).rejects.toThrow(/belongs to another user/)
})

test('a folder that others may only read is made this user’s alone', async () => {
  const place = join(makeFolder(), 'mine')
  mkdirSync(place, { mode: 0o755 })
  await store(new HostedCache(place), 'one')
  expect(lstatSync(place).mode & 0o777).toBe(0o700)
})

test('the environment names the place; without it, it lies in the user’s cache', () => {
  expect(hostedCachePlace({ CELLUCID_WEB_PROXY_CACHE_DIR: '/a/b' }, 'linux')).toBe('/a/b')
  expect(hostedCachePlace({ CELLUCID_WEB_PROXY_CACHE_DIR: '~/b' }, 'linux')).toBe(`${process.env.HOME}/b`)
  const xdg = { XDG_CACHE_HOME: '/x', CELLUCID_WEB_PROXY_CACHE_DIR: '' }
  expect(hostedCachePlace(xdg, 'linux')).toBe('/x/cellucid-notebook/hosted-ui')
})

function made(path: string, make: (path: string) => void): string {
  make(path)
  return path
}

function open(path: string): void {
  mkdirSync(path)
  chmodSync(path, 0o777)
}

function linked(folder: string): string {
  mkdirSync(join(folder, 'real'))
  return made(join(folder, 'link'), (path) => symlinkSync(join(folder, 'real'), path))
}

test('a process of its own says what the cache holds, and clears it, without a server', async () => {
  const place = join(makeFolder(), 'hosted')
  await store(new HostedCache(place), 'one')
  const ask = (action: string) => {
    const env = { ...process.env, CELLUCID_WEB_PROXY_CACHE_DIR: place }
    return JSON.parse(
      execFileSync(process.execPath, ['server/main.ts', 'web-cache', action], { env, encoding: 'utf8' }),
    )
  }
  expect(ask('list')).toMatchObject({ place, bytes: 22, generations: [{ source: SOURCE, build: 'one', files: 2 }] })
  expect(ask('clear')).toEqual({ place, generations: 1, bytes: 22 })
  expect(ask('list')).toMatchObject({ bytes: 0, generations: [] })
})
