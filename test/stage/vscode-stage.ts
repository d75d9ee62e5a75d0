import { join, resolve } from 'node:path'
import { NO_STORAGE } from './browser-profile.ts'
import { REQUIRE_JS, unpackedPackage, VSCODE_WIDGETS } from './packed-package.ts'
import { bundle, html, type ServedPage, servePages } from './page-server.ts'
import { type StandInStage, startStandIn } from './stand-in/stand-in-stage.ts'

const ROOT = resolve(import.meta.dirname, '../..')

export type VscodeOptions = {
  /** The kernel runs on another machine, none of whose ports is forwarded. */
  isRemote?: boolean
  /** With the policy of `notebook.experimental.enableCsp`. */
  hasPolicy?: boolean
}

/**
 * A stand-in for VS Code: a page around a webview of another origin around the notebook's outputs, VS Code's own widget
 * manager in it, a real kernel behind it; no storage, no sign of Jupyter. It cannot prove the real thing.
 */
export async function startVscodeStage(name: string, options: VscodeOptions = {}): Promise<StandInStage> {
  return await startStandIn(name, {
    kernels: { ownNetwork: options.isRemote === true },
    preferences: NO_STORAGE,
    async startFront() {
      const server = await servePages(await vscodePages(options.hasPolicy))
      return {
        workbenchUrl: `http://127.0.0.1:${server.port}/workbench.html`,
        webviewUrl: `http://localhost:${server.port}/index.html?platform=electron&purpose=notebookRenderer`,
        isNested: true,
        stop: () => server.stop(),
      }
    },
  })
}

/** All that is served under the name of one of VS Code's pages, by path. */
export async function vscodePages(hasPolicy = false): Promise<Record<string, ServedPage>> {
  return {
    '/workbench.html': html('<style>body{margin:0}iframe{width:100%;height:880px;border:0}</style>', WORKBENCH_BODY),
    '/workbench.js': await bundle(join(import.meta.dirname, 'stand-in/workbench.ts')),
    '/index.html': html(
      '<style>body{margin:0}iframe{width:100%;height:860px;border:0}</style>',
      '<iframe id="active-frame" name="active-frame" src="output.html"></iframe>',
    ),
    '/output.html': html(`${hasPolicy ? POLICY : ''}<base href="/notebook-folder/">`, OUTPUT_BODY),
    '/output.js': await bundle(join(import.meta.dirname, 'vscode/output.ts')),
    '/require.js': { file: join(unpackedPackage(REQUIRE_JS), 'require.js') },
    '/ipywidgets.js': { file: join(unpackedPackage(VSCODE_WIDGETS), 'dist/ipywidgets.js') },
    '/nbextensions/anywidget/index.js': { file: join(ROOT, '.venv/share/jupyter/nbextensions/anywidget/index.js') },
  }
}

const WORKBENCH_BODY = '<script type="module" src="/workbench.js"></script>'

/** `data-base-url`: where the extension says that the files of widgets lie. */
const OUTPUT_BODY = `<script src="/require.js"></script>
<script>document.body.dataset.baseUrl = 'https://file+.vscode-resource.vscode-cdn.net/usr/share/jupyter/'</script>
<script type="module">
import { activate } from '/ipywidgets.js'
activate()
await import('/output.js')
</script>`

/** What VS Code sets where its user asked for a policy; the resources' origin is this stand-in's own. */
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none';
script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' https: http: data:;
font-src 'self' https:; connect-src https:; child-src https: data:">`
