/** What the browser says about permission to reach this computer from the page. */
export type LoopbackPermission = 'granted' | 'denied' | 'prompt'

/** What the widget sees of the page it runs in; plain data, so that {@link candidates} can be pure. */
export type PageFacts = {
  /** `window.origin`: what CORS sends, also from a srcdoc frame. */
  origin: string
  /** With the colon: `https:`, `vscode-webview:`. */
  scheme: string
  hostname: string
  pathname: string
  isSecureContext: boolean
  /** A desktop application's webview, whose loopback is the user's own computer. */
  isElectron: boolean
  isSafari: boolean
  /** The page holds Colab's `google.colab.kernel.proxyPort`, and its kernel may be used. */
  hasColabProxy: boolean
  loopbackPermission: LoopbackPermission
  /** `baseUrl` of `#jupyter-config-data`: JupyterLab, Notebook 7, JupyterHub, Voila. */
  configBaseUrl: string | null
  /** `body[data-base-url]`: Notebook 6 and nbclassic; wrong under Voila, which has the one above. */
  bodyBaseUrl: string | null
  /** Space separated, nearest first; empty where the page is the outermost or the browser does not say. */
  ancestors: string
}

/** The one place that reads the page around the widget. */
export async function readPageFacts(page: Window = window): Promise<PageFacts> {
  const { location, document, navigator } = page
  return {
    origin: page.origin,
    scheme: location.protocol,
    hostname: location.hostname,
    pathname: location.pathname,
    isSecureContext: page.isSecureContext,
    isElectron: queries(page).some((query) => query.get('platform') === 'electron'),
    isSafari: navigator.vendor?.startsWith('Apple') === true,
    hasColabProxy: colabKernel(page) !== null,
    loopbackPermission: await loopbackPermission(navigator),
    configBaseUrl: configBaseUrl(document),
    bodyBaseUrl: document.body?.dataset.baseUrl ?? null,
    ancestors: [...(location.ancestorOrigins ?? [])].join(' '),
  }
}

/** Ask Colab for the URL that it forwards to a port of the kernel's machine. */
export async function askColab(port: number, page: Window = window): Promise<string> {
  const kernel = colabKernel(page)
  if (kernel === null) throw new Error('This page has no Colab kernel')
  return await kernel.proxyPort(port)
}

type ColabKernel = { accessAllowed?: boolean; proxyPort(port: number, options?: object): Promise<string> }

function colabKernel(page: Window): ColabKernel | null {
  // Colab's global has no types of its own; each step is checked.
  const kernel = (page as { google?: { colab?: { kernel?: ColabKernel } } }).google?.colab?.kernel
  return typeof kernel?.proxyPort === 'function' && kernel.accessAllowed !== false ? kernel : null
}

/** Read this one key only: the login token of the notebook lives in the same JSON. */
function configBaseUrl(document: Document): string | null {
  const text = document.getElementById('jupyter-config-data')?.textContent
  if (!text) return null
  try {
    const config: unknown = JSON.parse(text)
    if (typeof config !== 'object' || config === null || !('baseUrl' in config)) return null
    return typeof config.baseUrl === 'string' ? config.baseUrl : null
  } catch {
    return null // Not the JSON of a notebook server; the next source of a base is asked.
  }
}

/** The page's own query and those of the frames around it that may be read: VS Code names its platform on an outer one. */
function queries(page: Window): URLSearchParams[] {
  const found: URLSearchParams[] = []
  let frame = page
  for (let depth = 0; depth < 5; depth++) {
    try {
      found.push(new URLSearchParams(frame.location.search))
    } catch {
      return found // A frame of another origin: nothing further out can be read.
    }
    if (frame.parent === frame) return found
    frame = frame.parent as Window // `parent` is typed as a WindowProxy, which is what a Window is seen through
  }
  return found
}

/** Chromium 145 split the permission and kept the old name; a browser that knows neither may still ask its user. */
async function loopbackPermission(navigator: Navigator): Promise<LoopbackPermission> {
  for (const name of ['loopback-network', 'local-network-access']) {
    try {
      // The DOM types do not list these names yet.
      const status = await navigator.permissions.query({ name: name as PermissionName })
      return status.state
    } catch {
      // TypeError: an unknown name, or no permissions API at all.
    }
  }
  return 'prompt'
}
