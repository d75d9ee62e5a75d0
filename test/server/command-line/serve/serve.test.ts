import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect, createServer, isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { handshakeKey, nameOf } from '../../../../protocol/handshake.ts'
import { makeNonce } from '../../../../protocol/probe.ts'
import { ROUTES } from '../../../../protocol/urls.ts'
import { runCommand } from '../../../../server/command-line/run-command.ts'
import { Terminal } from '../../../../server/command-line/terminal.ts'
import { CommandLine, type CommandOptions, runCommandLine } from '../../../stage/command-line.ts'
import { hostedSite } from '../../../stage/hosted-site.ts'
import { requestRaw } from '../../../stage/raw-http.ts'
import { identityAt } from '../../../stage/served-page.ts'
import { filesOf, MADE_WITHIN_MS } from '../../sources/anndata-files.ts'

// A process for each, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

/** Files that can be shown, `good.h5ad` with 12 cells and 5 genes, and files that cannot. */
let data = ''
let stores = ''
/** What is no AnnData. */
let foreign = ''
beforeAll(async () => {
  data = await filesOf('make_refused.py')
  stores = await filesOf('make_zarr.py')
  foreign = await filesOf('make_foreign.py')
}, MADE_WITHIN_MS)

/** What is said of an opening that takes its time, as on a busy machine. */
const SLOW = /^Opening .*\n/

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

function serve(args: readonly string[], options: CommandOptions = {}): CommandLine {
  const run = new CommandLine(['serve', ...args], { cwd: data, ...options })
  onTestFinished(() => run.stop())
  return run
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

describe('serve of one dataset', () => {
  test('prints what it is and a link that opens it, and ends cleanly on Ctrl+C', async () => {
    const run = serve(['good.h5ad'])
    const link = await run.link()
    expect(run.output).toContain('good.h5ad: 12 cells × 5 genes')
    expect(run.output).toContain('whoever has it sees the data')
    expect(link.hostname).toBe('127.0.0.1')
    const page = await fetch(link)
    expect([page.status, (await page.text()).slice(0, 15)]).toEqual([200, '<!doctype html>'])
    expect(await identityAt(link)).toMatchObject({ name: 'good.h5ad', nObs: 12 })
    run.interrupt()
    expect(await run.ended).toBe(0)
    expect(run.output.trimEnd().split('\n').at(-1)).toBe('Ended.')
    expect(run.errors.replace(SLOW, '')).toBe('')
    expect(await isFree(Number(link.port))).toBe(true)
  })

  test.each(['SIGTERM', 'SIGHUP'] as const)('ends with status 0 on %s', async (signal) => {
    const run = serve(['good.h5ad'])
    await run.link()
    run.process.kill(signal)
    expect(await run.ended).toBe(0)
  })

  test('Ctrl+C while the hosted viewer is fetched ends it, and no link to nothing is left', async () => {
    const upstream = await hostedSite('one', 'silent')
    const run = serve(['good.h5ad', '--ui', 'hosted', '--web-source-url', upstream.url], {
      env: { CELLUCID_WEB_PROXY_CACHE_DIR: join(emptyFolder(), 'hosted') },
    })
    await run.says(/Fetching the hosted viewer from \S+ …/)
    run.interrupt()
    expect(await run.ended).toBe(0)
    expect(run.output.trimEnd().split('\n')).toEqual(['', 'good.h5ad: 12 cells × 5 genes', '', 'Ended.'])
    expect(run.errors).not.toContain('warning')
  })

  test('a second Ctrl+C does not wait for a browser that hangs', async () => {
    const run = serve(['good.h5ad'])
    const link = await run.link()
    const hanging = connect({ port: Number(link.port), host: '127.0.0.1' })
    const { viewerId = '', viewerToken = '' } = Object.fromEntries(link.searchParams)
    const claim = new URLSearchParams({ viewerId, by: nameOf(handshakeKey(viewerToken)), nonce: makeNonce() })
    const upgrade = [
      `GET /_cellucid/channel?${claim} HTTP/1.1`,
      `Host: ${link.host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
    ]
    hanging.write(
      `${[...upgrade, 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${'A'.repeat(22)}==`].join('\r\n')}\r\n\r\n`,
    )
    hanging.on('error', () => hanging.destroy())
    await new Promise<void>((answered) => {
      hanging.on('data', (chunk: Buffer) => {
        if (chunk.includes('challenge')) answered()
      })
    })
    run.interrupt()
    // What the first one does is done when the server says goodbye on the socket.
    await new Promise((closing) => hanging.once('data', closing))
    run.interrupt()
    expect(await run.ended).toBe(130)
  })

  test('shows a zarr store and an export by the same word', async () => {
    const run = serve([join(stores, 'csr-v3.zarr')])
    expect((await identityAt(await run.link())).kind).toBe('zarr')
  })

  test('shows no secret in its command line, its environment or what it says with --verbose', async () => {
    const run = serve(['good.h5ad', '--verbose'])
    const link = await run.link()
    await identityAt(link)
    await run.says(/Answered method=GET route=\/_cellucid\/identity status=200/)
    const said = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${run.process.pid}/${name}`, 'utf8'))
    const everything = [run.output.replace(link.href, ''), run.errors, ...said].join()
    expect(everything).not.toContain(link.searchParams.get('viewerToken'))
  })

  test('takes the next free port, and refuses one that was named and is taken, with who holds it', async () => {
    const first = await serve(['good.h5ad']).link()
    const second = await serve(['good.h5ad']).link()
    expect(second.port).not.toBe(first.port)
    const { status, errors } = await runCommandLine(['serve', 'good.h5ad', '--port', first.port], { cwd: data })
    expect(status).toBe(69)
    expect(errors).toMatch(
      new RegExp(`^error: Port ${first.port} was asked for, but \\S+ \\(process \\d+\\) listens on it`),
    )
  })
})

describe('serve for other machines', () => {
  /** One request to an address of this machine, under a name. */
  async function statusAt(address: string, path: string, host: string): Promise<number | undefined> {
    const asked = request({ host: address, port: Number(host.split(':').at(-1)), path, headers: { host } }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage] // the arguments of 'response'
    answer.resume()
    return answer.statusCode
  }

  test('warns, is there at every address that it prints, and says nothing at any of them without the link', async () => {
    const run = serve(['good.h5ad', '--host', '0.0.0.0'])
    const { port, search } = await run.link()
    await run.says(/^warning: Other machines can reach this server\. It shows nothing without the link/m)
    const links = [...run.output.matchAll(/http:\/\/\S+/g)].map(([link]) => new URL(link))
    const addresses = links.filter(({ hostname }) => isIP(hostname) !== 0)
    expect(addresses.map(({ hostname }) => isIP(hostname))).toEqual(addresses.map(() => 4))
    for (const link of addresses) expect(await identityAt(link)).toMatchObject({ nObs: 12 })

    // Only a server of every address is reached by the second one of the loopback network.
    for (const address of ['127.0.0.2', ...addresses.map(({ hostname }) => hostname)]) {
      for (const { host } of links) {
        expect([address, host, await statusAt(address, `/${search}`, host)]).toEqual([address, host, 200])
        for (const path of ['/', '/?viewerId=0000000000000000', ...READS]) {
          expect([address, host, path, await statusAt(address, path, host)]).toEqual([address, host, path, 401])
        }
      }
      for (const host of [`127.0.0.2:${port}`, `0.0.0.0:${port}`, `evil.example:${port}`]) {
        expect([host, await statusAt(address, `/${search}`, host)]).toEqual([host, 421])
      }
    }
  })

  const READS = [ROUTES.health, ROUTES.info, ROUTES.identity, ROUTES.genes, ROUTES.commands].map((route) => `/${route}`)

  test('is no word of warning where the address is this machine’s own', async () => {
    const run = serve(['good.h5ad', '--host', 'localhost'])
    expect(await identityAt(await run.link())).toMatchObject({ nObs: 12 })
    expect(run.errors.replace(SLOW, '')).toBe('')
  })
})

describe('a command that cannot be done says why in one sentence, and nothing of its insides', () => {
  test.each<[line: string, status: number, words: string[]]>([
    ['serve good.h5ad --host nowhere.invalid', 69, ['--host takes an address or a name of this machine']],
    ['serve missing.h5ad', 66, ['"missing.h5ad" cannot be opened: there is no such file or folder. Check the path.']],
    ['serve text.h5ad', 65, ['"text.h5ad" is not an HDF5 file', 'adata.write_h5ad()']],
    ['serve empty.h5ad', 65, ['"empty.h5ad" is empty (0 bytes)']],
    ['serve truncated.h5ad', 65, ['truncated']],
    ['serve empty-obsm.h5ad', 65, ['sc.pp.pca(adata)', 'sc.tl.umap(adata)']],
    ['serve no-cells.h5ad', 65, ['no cells']],
    ['serve good.h5ad --color leyden', 65, ['"leyden" is neither a column of obs ("leiden")', 'Pass --gene-symbols']],
    ['serve http://127.0.0.1:9/no.zarr', 66, ['127.0.0.1:9']],
  ])('%s', async (line, status, words) => {
    const ended = await runCommandLine(line.split(' '), { cwd: data })
    for (const word of words) expect(ended.errors).toContain(word)
    expect(ended.status).toBe(status)
    expect(ended.errors.replace(SLOW, '')).toMatch(/^error: /)
    expect(ended.errors + ended.output).not.toMatch(/^ +at |node:internal|\.mjs|undefined/m)
  })

  const FOREIGN: [name: string, words: string[]][] = [
    ['counts.csv', ['"counts.csv" is a table of text (CSV)', 'adata = scanpy.read_csv("counts.csv")']],
    ['GSE1_data.h5ad.gz', ['packed with gzip', 'gunzip -k "GSE1_data.h5ad.gz"']],
    ['molecule_info.h5', ['a list of molecules from Cell Ranger']],
    ['filtered_feature_bc_matrix', ['adata = scanpy.read_10x_mtx("filtered_feature_bc_matrix")']],
    ['samples-3.zarr', ['with 2 tables', 'such as "samples-3.zarr/tables/a"']],
    ['far.h5ad', ['is in iCloud and not on this computer']],
  ]
  test.each(FOREIGN)('what is no AnnData, in the words of the notebook: %s', async (name, words) => {
    const { status, errors } = await runCommandLine(['serve', name], { cwd: foreign })
    for (const word of words) expect(errors).toContain(word)
    expect(status).not.toBe(0)
  })

  test('a folder without a dataset', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'notes'))
    writeFileSync(join(folder, 'notes/readme.txt'), 'nothing')
    const { status, errors } = await runCommandLine(['serve', folder])
    expect([status, errors]).toEqual([
      65,
      expect.stringContaining('holds no dataset: no .h5ad or .h5mu file, no .zarr store'),
    ])
  })
})

describe('a command that cannot be meant as it was written is told what could be', () => {
  const rows: [line: string, words: string][] = [
    ['srve good.h5ad', 'There is no command "srve". Did you mean "serve"?'],
    ['package.json', 'To show "package.json": cellucid-notebook serve package.json'],
    ['serve', 'serve needs the path of a dataset'],
    ['serve good.h5ad --prot 8000', 'There is no flag --prot. Did you mean --port?'],
    ['serve good.h5ad --port', '--port needs a value'],
    ['serve good.h5ad --port 99999', '--port takes a number from 1 to 65535; found "99999"'],
    ['serve good.h5ad --open --no-open', 'exclude each other'],
    ['serve good.h5ad --ui cellxgene', '--ui takes "embedded" or "hosted"; found "cellxgene".'],
    ['serve good.h5ad --web-source-url https://x.example', '--web-source-url says where the hosted viewer comes from'],
    [
      'serve good.h5ad --ui hosted --web-source-url http://x.example',
      '--web-source-url "http://x.example" cannot be used: over plain http others could change it',
    ],
    ['serve good.h5ad --open=yes', '--open takes no value; found "yes"'],
  ]
  test.each(rows)('%s', async (line, words) => {
    const [output, errors] = [new PassThrough(), new PassThrough()]
    const status = await runCommand(line.split(' '), new Terminal({ output, errors }))
    expect(status).toBe(64)
    const said = String(errors.read())
    expect(said).toContain(words)
    expect(said).toMatch(/^error: .*\ncellucid-notebook --help says what there is\.\n$/)
    expect(output.read()).toBeNull()
  })
})

test('help, and the version, are said on stdout', async () => {
  const said = await Promise.all(
    [[], ['--help'], ['serve', '--help'], ['--version']].map((args) => runCommandLine(args)),
  )
  expect(said.map(({ status, errors }) => [status, errors])).toEqual(said.map(() => [0, '']))
  const [bare, help, serveHelp, version] = said.map(({ output }) => output)
  expect(bare).toBe(help)
  expect(help).toContain('cellucid-notebook serve PATH…')
  expect(serveHelp).toContain('--no-open')
  expect(version).toMatch(/^\d+\.\d+\.\d+\n$/)
})

describe('several datasets', () => {
  const HOSTILE = '\u001b[31m<img src=x onerror=alert(1)>&\u202e".h5ad'

  function folderOfSome(): string {
    const folder = emptyFolder()
    for (const name of ['b/one.h5ad', 'a/one.h5ad', HOSTILE, '.hidden.h5ad']) {
      mkdirSync(join(folder, name, '..'), { recursive: true })
      copyFileSync(join(data, 'good.h5ad'), join(folder, name))
    }
    writeFileSync(join(folder, 'broken.h5ad'), 'no')
    return folder
  }

  /** The list's links, by their text. */
  async function listAt(link: URL): Promise<{ html: string; links: Map<string, URL> }> {
    const html = await (await fetch(link)).text()
    const found = html.matchAll(/<a href="([^"]*)"><bdi>(.*?)<\/bdi>/g)
    const links = [...found].map(
      ([, href = '', name = '']) => [name, new URL(href.replaceAll('&amp;', '&'), link)] as const,
    )
    return { html, links: new Map(links) }
  }

  test('are listed in the terminal and in a page, and each opens when it is chosen', async () => {
    const run = serve([folderOfSome()])
    const link = await run.link()
    expect(run.output).toContain('4 datasets, to choose from in the page:')
    const { html, links } = await listAt(link)
    expect([...links.keys()]).toEqual([
      '\ufffd[31m&lt;img src=x onerror=alert(1)&gt;&amp;\ufffd&quot;.h5ad',
      'a/one.h5ad',
      'b/one.h5ad',
      'broken.h5ad',
    ])
    expect(html).not.toContain('<img')
    for (const steering of ['\u202e', '\u001b']) expect(run.output).not.toContain(steering)
    const chosen = await fetch(links.get('b/one.h5ad') ?? '', { redirect: 'manual' })
    expect(chosen.status).toBe(303)
    const opened = new URL(chosen.headers.get('location') ?? '', link)
    expect(await identityAt(opened)).toMatchObject({ name: 'b/one.h5ad', nObs: 12 })
    const again = await fetch(links.get('b/one.h5ad') ?? '', { redirect: 'manual' })
    expect(new URL(again.headers.get('location') ?? '', link).href).toBe(opened.href)
    expect((await listAt(link)).html.match(/<span>open<\/span>/g)).toHaveLength(1)
  })

  test('one that cannot be shown is refused in the page, and works once it is mended', async () => {
    const folder = folderOfSome()
    const link = await serve([folder]).link()
    const broken = (await listAt(link)).links.get('broken.h5ad') ?? ''
    const answer = await fetch(broken)
    expect(answer.status).toBe(422)
    expect(await answer.text()).toMatch(/<p role="alert">[^<]*broken\.h5ad[^<]*is not an HDF5 file/)
    copyFileSync(join(data, 'good.h5ad'), join(folder, 'broken.h5ad'))
    expect((await fetch(broken, { redirect: 'manual' })).status).toBe(303)
  })

  test('what is added meanwhile is listed when the page is loaded again', async () => {
    const folder = folderOfSome()
    const link = await serve([folder]).link()
    copyFileSync(join(data, 'good.h5ad'), join(folder, 'later.h5ad'))
    expect([...(await listAt(link)).links.keys()]).toContain('later.h5ad')
  })

  test('two of the same name are told apart, and one that is named twice is there once', async () => {
    const folder = folderOfSome()
    const paths = ['a/one.h5ad', 'b/one.h5ad', './a/one.h5ad', 'broken.h5ad'].map((name) => join(folder, name))
    const { links } = await listAt(await serve(paths).link())
    expect([...links.keys()]).toEqual([join(folder, 'a/one.h5ad'), join(folder, 'b/one.h5ad'), 'broken.h5ad'])
  })

  test('the list needs its secret, runs nothing, and is embedded by nobody', async () => {
    const link = await serve([folderOfSome()]).link()
    const headers = [['Host', link.host]] as const
    const right = await requestRaw(Number(link.port), { target: link.pathname + link.search, headers })
    expect(right.status).toBe(200)
    expect(right.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'none'; style-src 'sha256-\S+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    const wrong = new URL(link)
    wrong.searchParams.set('viewerToken', 'a'.repeat(64))
    const none = new URL(link)
    none.searchParams.delete('viewerToken')
    for (const { pathname, search } of [wrong, none]) {
      const answer = await requestRaw(Number(link.port), { target: pathname + search, headers })
      expect([answer.status, answer.body.includes('one.h5ad')]).toEqual([401, false])
    }
  })
})

describe('the browser', () => {
  /** A browser that writes down with what it was started. */
  function browser() {
    const folder = emptyFolder()
    const [program, heard] = [join(folder, 'browser'), join(folder, 'heard')]
    writeFileSync(program, `#!/bin/sh\nprintf %s "$1" > ${heard}.part && mv ${heard}.part ${heard}\n`)
    chmodSync(program, 0o755)
    return {
      env: { BROWSER: program },
      async address(): Promise<string> {
        await expect.poll(() => existsSync(heard)).toBe(true)
        return readFileSync(heard, 'utf8')
      },
    }
  }

  test('is started with an address that holds no secret, is good once, and leads to the link', async () => {
    const { env, address } = browser()
    const run = serve(['good.h5ad', '--open'], { env })
    const link = await run.link()
    expect(run.output).toContain('It opens in the browser.')
    const pass = await address()
    expect(pass).not.toContain(link.searchParams.get('viewerToken'))
    expect(pass).not.toContain(link.searchParams.get('viewerId'))
    const first = await fetch(pass, { redirect: 'manual' })
    expect(new URL(first.headers.get('location') ?? '', pass).href).toBe(link.href)
    const second = await fetch(pass, { redirect: 'manual' })
    expect([second.status, await second.text()]).toEqual([401, expect.stringContaining('stands in the terminal')])
  })

  test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'of another user gets nothing for the same address, and does not use it up',
    async () => {
      const { env, address } = browser()
      const link = await serve(['good.h5ad', '--open'], { env }).link()
      const pass = await address()
      const ask = `const answer = await fetch(process.argv[1], { redirect: 'manual' }); console.log(answer.status)`
      const stranger = ['--reuid=65534', '--clear-groups', process.execPath, '--input-type=module', '-e', ask, pass]
      const { stdout } = await promisify(execFile)('setpriv', stranger)
      expect(stdout.trim()).toBe('401')
      const own = await fetch(pass, { redirect: 'manual' })
      expect(new URL(own.headers.get('location') ?? '', pass).href).toBe(link.href)
    },
  )

  test('that cannot be started leaves the link, and a warning where it was asked for', async () => {
    const run = serve(['good.h5ad', '--open'], { env: { BROWSER: '/no/such/browser' } })
    await run.link()
    await run.says(/warning: No browser could be started here\./)
    expect(run.output).toContain('Open it in a browser.')
  })

  test('is not started where nobody watches, and over SSH the forwarding is said', async () => {
    const { env, address } = browser()
    const run = serve(['good.h5ad'], { env: { ...env, SSH_CONNECTION: '10.0.0.1 5000 10.0.0.2 22' } })
    const { port } = await run.link()
    expect(run.output).toMatch(new RegExp(`ssh -N -L ${port}:127\\.0\\.0\\.1:${port} \\S+@\\S+`))
    await expect(Promise.race([address(), run.says(/It opens/), Promise.resolve('nothing')])).resolves.toBe('nothing')
  })
})

describe.runIf(existsSync('/usr/bin/script'))('in a terminal', () => {
  const BOLD = '\u001b[1m'

  test('the link stands out, unless NO_COLOR says otherwise', async () => {
    const run = serve(['good.h5ad', '--no-open'], { isTerminal: true })
    await run.link()
    expect(run.output).toContain(`${BOLD}http://`)
    const plain = serve(['good.h5ad', '--no-open'], { isTerminal: true, env: { NO_COLOR: '1' } })
    await plain.link()
    expect(plain.output).not.toContain(BOLD)
    const piped = serve(['good.h5ad'])
    await piped.link()
    expect(piped.output + piped.errors).not.toContain('\u001b')
  })
})
