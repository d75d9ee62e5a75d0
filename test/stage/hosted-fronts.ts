import type { IncomingMessage } from 'node:http'
import { join, resolve } from 'node:path'
import { NO_THIRD_PARTY_COOKIES, THIRD_PARTY_COOKIES } from './browser-profile.ts'
import { makeCertificate } from './certificate.ts'
import { startFaultProxy } from './fault-proxy.ts'
import { HTML_MANAGER, REQUIRE_JS, unpackedPackage } from './packed-package.ts'
import { bundle, html, servePages } from './page-server.ts'
import { type StandInFront, type StandInStage, startStandIn } from './stand-in/stand-in-stage.ts'
import { vscodePages } from './vscode-stage.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** Names that only this browser knows, all of them this computer; no certificate here is signed by anybody. */
const BROWSER_ARGUMENTS = ['--host-resolver-rules=MAP *.test 127.0.0.1', '--ignore-certificate-errors']

const LOGIN_PAGE = '<!doctype html><title>Log in</title><h1>Log in</h1>'

/**
 * A stand-in for Colab: outputs in a frame of another site, `google.colab.kernel.proxyPort`, ports of the kernel's
 * machine on a third site that buffers, knows no WebSocket (googlecolab/colabtools#2529) and answers 403 to a browser
 * that keeps no cookies of other sites (googlecolab/colabtools#4738).
 */
export async function startColabStage(name: string, keepsCookies: boolean): Promise<StandInStage> {
  return await startStandIn(name, {
    preferences: keepsCookies ? THIRD_PARTY_COOKIES : NO_THIRD_PARTY_COOKIES,
    browserArguments: BROWSER_ARGUMENTS,
    async startFront() {
      const tls = makeCertificate()
      const pages = await servePages(await colabPages(), tls)
      const ports = await startFaultProxy(
        0,
        {
          buffers: true,
          stripsUpgrades: true,
          route: ({ headers, url = '/' }) => ({ port: Number(/^\d+/.exec(headers.host ?? '')?.[0]), path: url }),
          instead: colabWall,
        },
        { tls },
      )
      return {
        workbenchUrl: `https://colab.test:${pages.port}/workbench.html`,
        webviewUrl: `https://outputs.usercontent.test:${pages.port}/outputframe.html`,
        isNested: false,
        ports: `https://{port}-kernel.ports.test:${ports.port}/`,
        async stop() {
          await pages.stop()
          await ports.stop()
        },
      }
    },
  })
}

function colabWall({ url, headers }: IncomingMessage) {
  if (url?.startsWith('/_sign-in') === true) {
    return { status: 204, headers: { 'set-cookie': 'kernel=mine; Path=/; Secure; HttpOnly; SameSite=None' } }
  }
  if (headers.cookie?.includes('kernel=mine') === true) return null
  return { status: 403, headers: { 'content-type': 'text/html' }, body: '<h1>403. That is an error.</h1>' }
}

async function colabPages() {
  const manager = unpackedPackage(HTML_MANAGER)
  return {
    '/workbench.html': html('<style>body{margin:0}iframe{width:100%;height:880px;border:0}</style>', WORKBENCH_BODY),
    '/workbench.js': await bundle(join(import.meta.dirname, 'stand-in/workbench.ts')),
    '/outputframe.html': html('', COLAB_OUTPUT),
    '/output.js': await bundle(join(import.meta.dirname, 'colab/output.ts')),
    '/require.js': { file: join(unpackedPackage(REQUIRE_JS), 'require.js') },
    '/libembed-amd.js': { file: join(manager, 'dist/libembed-amd.js') },
    '/anywidget.js': { file: join(ROOT, '.venv/share/jupyter/nbextensions/anywidget/index.js') },
  }
}

const WORKBENCH_BODY = '<script type="module" src="/workbench.js"></script>'
/** require.js first: what follows defines its modules there. */
const COLAB_OUTPUT = `<script src="/require.js"></script><script src="/libembed-amd.js"></script>
<script type="module" src="/output.js"></script>`

/**
 * A stand-in for a codespace in the browser: VS Code's pages, the kernel's port at a name of its own, whose visitors
 * are sent to a login that forbids frames (microsoft/vscode-livepreview#111).
 */
export async function startCodespaceStage(name: string): Promise<StandInStage> {
  const tls = makeCertificate()
  const wall = await startFaultProxy(0, { instead: codespaceWall }, { tls })
  return await startStandIn(name, {
    kernels: {
      environment: {
        CODESPACES: 'true',
        CODESPACE_NAME: 'fuzzy-owl',
        GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN: `ports.codespace.test:${wall.port}`,
      },
      ownNetwork: true,
    },
    preferences: {},
    browserArguments: BROWSER_ARGUMENTS,
    async startFront() {
      const pages = await servePages(await vscodePages(), tls)
      return {
        workbenchUrl: `https://fuzzy-owl.codespace.test:${pages.port}/workbench.html`,
        webviewUrl: `https://abc.vscode-cdn.test:${pages.port}/index.html?platform=browser&purpose=notebookRenderer`,
        isNested: true,
        async stop() {
          await pages.stop()
          await wall.stop()
        },
      }
    },
  })
}

function codespaceWall({ url }: IncomingMessage) {
  if (url?.startsWith('/login') !== true) return { status: 302, headers: { location: '/login' } }
  return { status: 200, headers: { 'content-type': 'text/html', 'x-frame-options': 'DENY' }, body: LOGIN_PAGE }
}

/** Where code-server puts its workbench's files, below the path under which it is served. */
const WEBVIEW_FOLDER = '/ide/stable-0f0d/static/out/vs/workbench/contrib/webview/browser/pre'

/**
 * A stand-in for code-server: webviews on the workbench's own origin, ports at `proxy/PORT/` beside it. Without the
 * login's cookie its root leads to the login and all below it answers 401 (coder/code-server, `src/node/routes`).
 */
export async function startCodeServerStage(name: string): Promise<StandInStage> {
  return await startStandIn(name, {
    preferences: {},
    browserArguments: BROWSER_ARGUMENTS,
    async startFront() {
      const pages = await vscodePages()
      const { '/index.html': index, '/output.html': output } = pages
      if (index === undefined || output === undefined) throw new Error('VS Code has no webview page')
      const server = await servePages({
        ...pages,
        [`${WEBVIEW_FOLDER}/index.html`]: index,
        [`${WEBVIEW_FOLDER}/output.html`]: output,
      })
      const front = await startFaultProxy(
        server.port,
        { route: pathProxy, instead: (request) => (pathProxy(request) === null ? null : pathWall(request)) },
        { tls: makeCertificate() },
      )
      return {
        workbenchUrl: `https://code.test:${front.port}/workbench.html`,
        webviewUrl: `https://code.test:${front.port}${WEBVIEW_FOLDER}/index.html?platform=browser`,
        isNested: true,
        cookies: [{ ...LOGGED_IN, domain: 'code.test' }],
        async stop() {
          await front.stop()
          await server.stop()
        },
      }
    },
  })
}

const LOGGED_IN = { name: 'code-server-session', value: 'yes', path: '/' }

function isLoggedIn({ headers }: IncomingMessage): boolean {
  return headers.cookie?.includes(`${LOGGED_IN.name}=${LOGGED_IN.value}`) === true
}

function pathProxy({ url = '/' }: IncomingMessage): { port: number; path: string } | null {
  const [, port, rest = '/'] = /^\/ide\/proxy\/(\d+)(\/.*)?$/.exec(url) ?? []
  return port === undefined ? null : { port: Number(port), path: rest }
}

function pathWall(request: IncomingMessage) {
  const { host, origin } = request.headers
  const isForeign = origin !== undefined && new URL(origin).host !== host
  if (isLoggedIn(request) && !(request.headers.upgrade !== undefined && isForeign)) return null
  const isRoot = pathProxy(request)?.path === '/'
  return isRoot ? { status: 302, headers: { location: '/login' } } : { status: 401, headers: {} }
}

/**
 * A stand-in for Coder: as code-server, and each port at a name of its own that the kernel knows as
 * `VSCODE_PROXY_URI`. The login's cookie reaches the names below it, and no question of another origin is answered.
 */
export async function startCoderStage(name: string): Promise<StandInStage> {
  const tls = makeCertificate()
  const ports = await startFaultProxy(
    0,
    {
      route: ({ headers, url = '/' }) => ({ port: Number(/^\d+/.exec(headers.host ?? '')?.[0]), path: url }),
      instead: (request) => (isLoggedIn(request) ? null : { status: 303, headers: { location: '/login' } }),
    },
    { tls },
  )
  return await startStandIn(name, {
    kernels: { environment: { VSCODE_PROXY_URI: `https://{{port}}--main--ws--alice.coder.test:${ports.port}/` } },
    preferences: {},
    browserArguments: BROWSER_ARGUMENTS,
    async startFront(): Promise<StandInFront> {
      const pages = await servePages(await vscodePages(), tls)
      const origin = `https://code--main--ws--alice.coder.test:${pages.port}`
      return {
        workbenchUrl: `${origin}/workbench.html`,
        webviewUrl: `${origin}/index.html?platform=browser`,
        isNested: true,
        cookies: [{ ...LOGGED_IN, domain: '.coder.test' }],
        async stop() {
          await pages.stop()
          await ports.stop()
        },
      }
    },
  })
}
