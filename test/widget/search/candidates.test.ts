import { describe, expect, test } from 'vitest'
import type { Hints } from '../../../protocol/comm.ts'
import type { PageFacts } from '../../../widget/page-facts.ts'
import { candidates } from '../../../widget/search/candidates.ts'

const PORT = 8765
const DIRECT = `direct http://127.0.0.1:${PORT}/`

/** A page at this address, as Chromium would describe it; `overrides` for what the address does not tell. */
function page(href: string, overrides: Partial<PageFacts> = {}): PageFacts {
  const url = new URL(href)
  const isLocal = ['localhost', '127.0.0.1'].includes(url.hostname)
  return {
    origin: url.protocol.startsWith('http') ? url.origin : `${url.protocol}//${url.host}`,
    scheme: url.protocol,
    hostname: url.hostname,
    pathname: url.pathname,
    isSecureContext: url.protocol !== 'http:' || isLocal,
    isElectron: false,
    isSafari: false,
    hasColabProxy: false,
    loopbackPermission: 'prompt',
    configBaseUrl: null,
    bodyBaseUrl: null,
    ancestors: '',
    ...overrides,
  }
}

function asked(facts: PageFacts, { hints = {}, override = null }: { hints?: Hints; override?: string | null } = {}) {
  return candidates(facts, { port: PORT, hints, override }).flatMap((candidate) => {
    if (candidate.how === 'late') return [`${candidate.kind} from ${candidate.from}`]
    return candidate.how === 'ask' ? [`${candidate.kind} ${candidate.base}`] : []
  })
}

const WEBVIEW = 'vscode-webview://1a2b3c/index.html'
const hub = (prefix: string): Hints => ({ hubPrefix: prefix })

describe('where notebooks live: what is asked, best first', () => {
  type Row = [name: string, facts: PageFacts, told: { hints?: Hints; override?: string }, expected: string[]]
  const rows: Row[] = [
    [
      '1 JupyterLab on this computer',
      page('http://localhost:8888/lab/tree/a.ipynb', { configBaseUrl: '/' }),
      {},
      ['same-origin-proxy http://localhost:8888/proxy/8765/', DIRECT],
    ],
    [
      '2 the same through ssh -L',
      page('http://127.0.0.1:8888/lab', { configBaseUrl: '/' }),
      { hints: { ssh: true } },
      ['same-origin-proxy http://127.0.0.1:8888/proxy/8765/', DIRECT],
    ],
    [
      '3 JupyterLab at a LAN address over plain http, whatever the permission reads',
      page('http://192.168.1.7:8888/lab', { configBaseUrl: '/', loopbackPermission: 'granted' }),
      {},
      ['same-origin-proxy http://192.168.1.7:8888/proxy/8765/'],
    ],
    [
      '4 Jupyter in Docker',
      page('http://localhost:8888/lab', { configBaseUrl: '/' }),
      {},
      ['same-origin-proxy http://localhost:8888/proxy/8765/', DIRECT],
    ],
    [
      '5 JupyterHub on one domain',
      page('https://hub.example.org/user/alice/lab', { configBaseUrl: '/user/alice/' }),
      { hints: hub('/user/alice/') },
      ['same-origin-proxy https://hub.example.org/user/alice/proxy/8765/'],
    ],
    [
      '6 JupyterHub with a subdomain per user',
      page('https://alice.hub.example.org/user/alice/lab', { configBaseUrl: '/user/alice/' }),
      { hints: hub('/user/alice/') },
      ['same-origin-proxy https://alice.hub.example.org/user/alice/proxy/8765/'],
    ],
    [
      '7 Binder',
      page('https://hub.2i2c.mybinder.org/user/x-y-z/lab', { configBaseUrl: '/user/x-y-z/' }),
      { hints: hub('/user/x-y-z/') },
      ['same-origin-proxy https://hub.2i2c.mybinder.org/user/x-y-z/proxy/8765/'],
    ],
    [
      '8 nbclassic',
      page('http://localhost:8888/x/nbclassic/notebooks/a.ipynb', { bodyBaseUrl: '/x/' }),
      {},
      ['same-origin-proxy http://localhost:8888/x/proxy/8765/', DIRECT],
    ],
    [
      '9 Voila, whose body attribute is wrong',
      page('http://localhost:8866/voila/render/a.ipynb', { configBaseUrl: '/', bodyBaseUrl: '/voila/' }),
      {},
      ['same-origin-proxy http://localhost:8866/proxy/8765/', DIRECT],
    ],
    ['10 VS Code on this computer', page(WEBVIEW, { isElectron: true }), {}, [DIRECT]],
    [
      '11 VS Code Remote-SSH, whose forwarded port may be the same number',
      page(WEBVIEW, { isElectron: true }),
      { hints: { ssh: true } },
      [DIRECT],
    ],
    ['12 VS Code on an existing Jupyter server', page(WEBVIEW, { isElectron: true }), {}, [DIRECT]],
    [
      '12 the same, which writes the address of that server on its page',
      page(WEBVIEW, { isElectron: true, bodyBaseUrl: 'http://jupyter.example.org:8888/' }),
      {},
      [DIRECT],
    ],
    [
      '13 Codespaces in the browser',
      page('https://abc.vscode-cdn.net/insider/index.html', { loopbackPermission: 'denied' }),
      { hints: { codespaceName: 'fuzzy-owl', codespacesDomain: 'app.github.dev' } },
      ['cross-origin-proxy https://fuzzy-owl-8765.app.github.dev/'],
    ],
    [
      '14 Codespaces in VS Code desktop',
      page(WEBVIEW, { isElectron: true }),
      { hints: { codespaceName: 'fuzzy-owl', codespacesDomain: 'app.github.dev' } },
      [DIRECT],
    ],
    [
      '15 vscode.dev with a tunnel, whose address cannot be formed',
      page('https://abc.vscode-cdn.net/index.html'),
      {},
      [],
    ],
    [
      '16 code-server by the path of its workbench',
      page('https://code.example.org/ide/stable-0f0d/static/webview/fake.html'),
      {},
      ['same-origin-proxy https://code.example.org/ide/proxy/8765/'],
    ],
    [
      '16 code-server by its template',
      page('https://code.example.org/ide/stable-0f0d/static/webview/fake.html'),
      { hints: { vscodeProxyUri: './proxy/{{port}}' } },
      ['same-origin-proxy https://code.example.org/ide/proxy/8765/'],
    ],
    [
      '17 Coder',
      page('https://coder.example.org/@alice/ws/apps/code/stable-0f0d/static/fake.html'),
      { hints: { vscodeProxyUri: 'https://{{port}}--main--ws--alice.coder.example.org/' } },
      [
        'same-origin-proxy https://coder.example.org/@alice/ws/apps/code/proxy/8765/',
        'cross-origin-proxy https://8765--main--ws--alice.coder.example.org/',
      ],
    ],
    [
      '17 Coder where no template is set',
      page('https://coder.example.org/@alice/ws/apps/code/stable-0f0d/static/fake.html'),
      {},
      ['same-origin-proxy https://coder.example.org/@alice/ws/apps/code/proxy/8765/'],
    ],
    ['18 Gitpod, whose formula nobody has seen work', page('https://abc.ws-eu.gitpod.io/webview/'), {}, []],
    [
      '19 Colab',
      page('https://abc-colab.googleusercontent.com/outputframe.html', { hasColabProxy: true }),
      {},
      ['cross-origin-proxy from colab'],
    ],
    [
      '19 Colab, in an output that may not use the kernel',
      page('https://abc-colab.googleusercontent.com/outputframe.html'),
      {},
      [],
    ],
    ['20 Kaggle, which has no proxy', page('https://abc.kaggleusercontent.com/embed.html'), {}, []],
    [
      '21 Databricks, whose driver proxy reaches no port on loopback',
      page('https://adb-1.azuredatabricks.net/output.html'),
      { hints: { databricks: true } },
      [],
    ],
    [
      '22 SageMaker notebook instance',
      page('https://n.notebook.eu-west-1.sagemaker.aws/lab', { configBaseUrl: '/' }),
      {},
      ['same-origin-proxy https://n.notebook.eu-west-1.sagemaker.aws/proxy/8765/'],
    ],
    [
      '23 SageMaker Studio',
      page('https://d-1.studio.eu-west-1.sagemaker.aws/jupyter/default/lab', { configBaseUrl: '/jupyter/default/' }),
      {},
      ['same-origin-proxy https://d-1.studio.eu-west-1.sagemaker.aws/jupyter/default/proxy/8765/'],
    ],
    [
      '23 SageMaker Studio with a JupyterLab space',
      page('https://x.studio.eu-west-1.sagemaker.aws/jupyterlab/default/lab', {
        configBaseUrl: '/jupyterlab/default/',
      }),
      {},
      ['same-origin-proxy https://x.studio.eu-west-1.sagemaker.aws/jupyterlab/default/proxy/8765/'],
    ],
    [
      '23 SageMaker Studio Lab',
      page('https://x.studio.us-east-2.sagemaker.aws/studiolab/default/jupyter/lab', {
        configBaseUrl: '/studiolab/default/jupyter/',
      }),
      {},
      ['same-origin-proxy https://x.studio.us-east-2.sagemaker.aws/studiolab/default/jupyter/proxy/8765/'],
    ],
    [
      '24 Vertex AI Workbench',
      page('https://1a-dot-us.notebooks.googleusercontent.com/lab', { configBaseUrl: '/' }),
      {},
      ['same-origin-proxy https://1a-dot-us.notebooks.googleusercontent.com/proxy/8765/'],
    ],
    [
      '25 Azure ML, by its Jupyter server only: nobody has seen the address per port work',
      page('https://ci.westeurope.instances.azureml.ms/lab', { configBaseUrl: '/' }),
      {},
      ['same-origin-proxy https://ci.westeurope.instances.azureml.ms/proxy/8765/'],
    ],
    [
      '26 Posit Workbench, whose paths to ports are obfuscated',
      page('https://posit.example.org/s/abc123/vscode/'),
      {},
      [],
    ],
    [
      '27 Open OnDemand',
      page('https://ood.example.edu/node/c12/40123/lab', { configBaseUrl: '/node/c12/40123/' }),
      { hints: { slurm: true } },
      ['same-origin-proxy https://ood.example.edu/node/c12/40123/proxy/8765/'],
    ],
    [
      '28 Paperspace',
      page('https://abc.paperspacegradient.com/lab', { configBaseUrl: '/' }),
      {},
      ['same-origin-proxy https://abc.paperspacegradient.com/proxy/8765/'],
    ],
    ['29 Deepnote, whose one public port is never used', page('https://deepnote.com/workspace/x'), {}, []],
    ['29 Hex', page('https://app.hex.tech/x/hex/y'), {}, []],
    ['30 marimo', page('http://localhost:2718/'), {}, [DIRECT]],
    ['30 marimo on another host, which has no proxy', page('https://marimo.example.org/'), {}, []],
    ['31 molab', page('https://molab.marimo.io/notebooks-of/x'), {}, []],
    ['33 PyCharm', page('http://localhost:63342/jupyter.html'), {}, [DIRECT]],
    [
      '34 a site portal with the address that its staff names',
      page('https://portal.example.org/workspaces/7'),
      { override: 'https://portal.example.org/passthrough/{port}' },
      ['override https://portal.example.org/passthrough/8765/'],
    ],
    ['34 a site portal of which nobody has told', page('https://portal.example.org/workspaces/7'), {}, []],
  ]

  test('every environment has its row', () => {
    // 32 is JupyterLite, where no kernel can start the server; 35 a page without a kernel, whose view asks nobody.
    const without = new Set([32, 35])
    const numbers = new Set(rows.map(([name]) => Number.parseInt(name, 10)))
    const missing = Array.from({ length: 35 }, (_, index) => index + 1).filter((number) => !numbers.has(number))
    expect(missing).toEqual([...without])
  })

  test.each(rows)('%s', (_name, facts, told, expected) => {
    expect(asked(facts, told)).toEqual(expected)
  })
})

describe('a forced base', () => {
  const lab = page('https://hub.example.org/lab', { configBaseUrl: '/' })
  const forced = (override: string, facts = lab) => candidates(facts, { port: PORT, hints: {}, override })

  test('stands alone, although the notebook has a proxy', () => {
    expect(forced('https://your.domain.example/cellucid')).toEqual([
      { how: 'ask', kind: 'override', base: 'https://your.domain.example/cellucid/', retries: false },
    ])
  })

  test('may be a path on the notebook’s own origin', () => {
    expect(forced('/services/cells/{port}/')).toMatchObject([
      { how: 'ask', base: 'https://hub.example.org/services/cells/8765/' },
    ])
  })

  test('of plain http is refused on a page of https, with the reason', () => {
    const [only, ...others] = forced('http://cells.example.org/')
    expect(others).toEqual([])
    expect(only).toMatchObject({ how: 'skip', kind: 'override', base: 'http://cells.example.org/' })
    expect(only).toHaveProperty('why', expect.stringContaining('https'))
  })

  test('of plain http is asked from a page of plain http', () => {
    expect(forced('http://cells.example.org/', page('http://lan.example.org/lab'))).toMatchObject([{ how: 'ask' }])
  })

  test('on this computer follows the browser’s permission like any other', () => {
    expect(forced('http://127.0.0.1:8765')).toMatchObject([{ how: 'click', base: 'http://127.0.0.1:8765/' }])
    expect(forced('http://127.0.0.1:{port}', page('http://localhost:8888/lab'))).toMatchObject([{ how: 'ask' }])
  })

  test.each(['cells', 'ftp://x.example/', 'javascript:alert(1)', 'https://user:word@x.example/', ''])(
    'that is no address is not asked: %j',
    (text) => {
      expect(forced(text)).toMatchObject([{ how: 'skip', kind: 'override', base: null }])
    },
  )
})

describe('this computer', () => {
  const directOf = (facts: PageFacts, hints: Hints = {}) =>
    candidates(facts, { port: PORT, hints, override: null }).find(({ kind }) => kind === 'direct')
  const publicPage = 'https://notebooks.example.org/lab'

  test.each([
    ['prompt', 'click'],
    ['granted', 'ask'],
    ['denied', 'skip'],
  ] as const)('from a public https page with permission %s: %s', (loopbackPermission, how) => {
    expect(directOf(page(publicPage, { loopbackPermission }))).toMatchObject({ how })
  })

  test('is asked from a loopback page although its permission reads denied', () => {
    expect(directOf(page('http://localhost:8888/lab', { loopbackPermission: 'denied' }))).toMatchObject({ how: 'ask' })
  })

  test.each([
    'http://localhost:1/',
    'http://jupyter.localhost:1/',
    'http://127.0.0.1:1/',
    'http://127.8.9.1:1/',
    'http://[::1]:1/',
  ])('is asked from %s', (href) => {
    expect(directOf(page(href, { isSecureContext: true }))).toMatchObject({ how: 'ask' })
  })

  test('is not asked by a page whose name only looks like loopback', () => {
    expect(directOf(page('http://127.0.0.1.example.org/lab'))).toMatchObject({ how: 'skip' })
  })

  test('is not asked by Safari on https', () => {
    expect(directOf(page(publicPage, { isSafari: true, loopbackPermission: 'granted' }))).toMatchObject({ how: 'skip' })
  })

  test.each([
    ['on a Hub', hub('/user/a/')],
    ['in a codespace', { codespaceName: 'fuzzy-owl', codespacesDomain: 'app.github.dev' }],
    ['at Databricks', { databricks: true }],
  ] as const)('gets no button where the kernel runs %s', (_where, hints) => {
    expect(directOf(page(publicPage), hints)).toMatchObject({ how: 'skip' })
  })

  test('is asked again when refused in a desktop webview, whose port forward may come late', () => {
    expect(directOf(page(WEBVIEW, { isElectron: true }))).toMatchObject({ how: 'ask', retries: true })
    expect(directOf(page('http://localhost:8888/lab'))).toMatchObject({ how: 'ask', retries: false })
  })

  test('is not asked by a webview in a browser', () => {
    expect(directOf(page(WEBVIEW, { loopbackPermission: 'denied' }))).toMatchObject({ how: 'skip' })
  })
})

describe('the base of the notebook server from its path', () => {
  test.each([
    ['/lab/tree/a.ipynb', ['/', '/lab/']],
    ['/user/lab/lab', ['/user/', '/user/lab/']],
    ['/x/nbclassic/notebooks/a.ipynb', ['/x/', '/x/nbclassic/']],
    ['/tree', ['/']],
    ['/labyrinth/a', []],
    ['/lab/lab/lab/lab', ['/', '/lab/', '/lab/lab/']],
  ])('%s is cut into %j', (pathname, bases) => {
    const facts = page(`http://localhost:8888${pathname}`)
    expect(asked(facts)).toEqual([
      ...bases.map((base) => `same-origin-proxy http://localhost:8888${base}proxy/8765/`),
      DIRECT,
    ])
  })

  test('is not cut from a file or webview', () => {
    expect(asked(page('file:///home/a/lab/x.html', { isSecureContext: true }))).toEqual([])
    expect(asked(page('vscode-webview://x/lab/y', { isElectron: true }))).toEqual([DIRECT])
  })

  test('without a slash at its end gets one', () => {
    const facts = page('http://localhost:8888/lab', { configBaseUrl: '/user/x' })
    expect(asked(facts)[0]).toBe('same-origin-proxy http://localhost:8888/user/x/proxy/8765/')
  })

  test('on another origin is a cross-origin proxy and comes after this computer', () => {
    const facts = page('http://localhost:8888/lab', { configBaseUrl: 'https://jupyter.example.org/' })
    expect(asked(facts)).toEqual([DIRECT, 'cross-origin-proxy https://jupyter.example.org/proxy/8765/'])
  })
})

test('a hint never switches a base on that its formula does not give', () => {
  const hints: Hints = { vscodeProxyUri: 'not an address {{port}}', codespaceName: 'x' }
  expect(asked(page('https://x.vscode-cdn.net/'), { hints })).toEqual([])
})

test('the text of a base never holds the port of another viewer: each call fills its own', () => {
  const facts = page('http://localhost:1/lab', { configBaseUrl: '/' })
  expect(candidates(facts, { port: 1234, hints: {}, override: null })).toMatchObject([
    { base: 'http://localhost:1/proxy/1234/' },
    { base: 'http://127.0.0.1:1234/' },
  ])
})

describe('with a socket file beside the port', () => {
  const DOOR = '0123456789abcdef0123456789abcdef'
  const kinds = (facts: PageFacts, override: string | null = null) =>
    candidates(facts, { port: PORT, door: DOOR, hints: {}, override }).map(({ kind }) => kind)

  test('the notebook server is asked first, below its own base', () => {
    const facts = page('https://hub.example.org/user/alice/lab', { configBaseUrl: '/user/alice/' })
    const [first, second] = candidates(facts, { port: PORT, door: DOOR, hints: {}, override: null })
    const base = `https://hub.example.org/user/alice/cellucid/${DOOR}/`
    expect(first).toEqual({ how: 'ask', kind: 'server-extension', base, retries: false })
    expect(second?.kind).toBe('same-origin-proxy')
  })

  test('where the page knows no notebook server of its own origin, nothing more is asked', () => {
    const elsewhere = [page(WEBVIEW), page('http://localhost:2718/'), page('https://app.hex.tech/x/hex/y')]
    for (const facts of elsewhere) expect(kinds(facts)).not.toContain('server-extension')
    const told = page(WEBVIEW, { configBaseUrl: 'https://jupyter.example.org/' })
    expect(kinds(told)).not.toContain('server-extension')
  })

  test('a forced address still stands alone', () => {
    expect(kinds(page('http://localhost:8888/lab', { configBaseUrl: '/' }), 'https://x.example/')).toEqual(['override'])
  })
})
