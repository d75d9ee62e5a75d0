import processConsole from 'node:console'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { onTestFinished, vi } from 'vitest'
import type { KernelMessage, Welcome, WidgetMessage } from '../../protocol/comm.ts'
import type { FromPage, ToPage } from '../../protocol/page-link.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'

/**
 * The widget on the notebook's real classes: the widget manager of `@jupyter-widgets/base-manager`, anywidget's own
 * model and view, the bundled module. Only the comm beneath them is in memory, and its kernel end is the test.
 */

type CommMessage = { content: { data: unknown }; buffers?: DataView[] }

/** One comm, with the widget's end as Jupyter's manager expects it. */
class MemoryComm {
  readonly target_name = 'jupyter.widget'
  /** What the widget sent, custom messages only, in order. */
  readonly sent: { message: WidgetMessage; body: Uint8Array | null }[] = []
  /** Set to make `send` throw, as a disposed comm does. */
  isDisposed = false
  /** Called for each message of the widget. */
  onSent: (message: WidgetMessage, body: Uint8Array | null) => void = () => undefined
  readonly comm_id: string
  #receive: (message: CommMessage) => unknown = () => undefined
  #close: (message: CommMessage) => void = () => undefined

  constructor(id: string) {
    this.comm_id = id
  }

  on_msg(receive: (message: CommMessage) => unknown): void {
    this.#receive = receive
  }

  on_close(close: (message: CommMessage) => void): void {
    this.#close = close
  }

  send(
    data: { method: string; content?: WidgetMessage },
    _callbacks: unknown,
    _metadata: unknown,
    buffers: ArrayBuffer[] = [],
  ): string {
    if (this.isDisposed) throw new Error('Comm is disposed')
    if (data.method === 'custom' && data.content !== undefined) {
      // Through text and back, as on a wire.
      const message: WidgetMessage = JSON.parse(JSON.stringify(data.content))
      const body = buffers[0] === undefined ? null : new Uint8Array(buffers[0].slice(0))
      this.sent.push({ message, body })
      this.onSent(message, body)
    }
    return 'message-id'
  }

  close(): void {
    this.isDisposed = true
  }

  /** Kernel → widget, with the bytes as a window on a larger buffer, as Jupyter's deserialiser hands them over. */
  async push(content: unknown, bodies: Uint8Array[] = []): Promise<void> {
    const buffers = bodies.map((body) => {
      const larger = new Uint8Array(body.byteLength + 12)
      larger.set(body, 5)
      return new DataView(larger.buffer, 5, body.byteLength)
    })
    await this.#receive({
      content: { data: { method: 'custom', content: JSON.parse(JSON.stringify(content)) } },
      buffers,
    })
  }

  endByKernel(): void {
    this.#close({ content: { data: {} } })
  }
}

export type KernelEnd = {
  /** Kernel → widget. */
  push(message: KernelMessage | Record<string, unknown>, body?: Uint8Array): Promise<void>
  /** Widget → kernel, so far. */
  sent: MemoryComm['sent']
  /** The next or an earlier message of this kind that fits. */
  heard<Kind extends WidgetMessage['kind']>(
    kind: Kind,
    fits?: (message: Extract<WidgetMessage, { kind: Kind }>) => boolean,
  ): Promise<Extract<WidgetMessage, { kind: Kind }>>
  /** Answer messages as they come. */
  onSent: (answer: MemoryComm['onSent']) => void
  /** The kernel closes the widget. */
  close(): void
  /** The kernel restarts: the manager marks all models as dead, as JupyterLab's does. */
  restart(): Promise<void>
  /** `send` of the comm throws from here on. */
  breakSend(): void
}

export type RenderedView = {
  el: HTMLElement
  root: HTMLElement
  shadow: ShadowRoot
  /** The frame of this number, counted from 0, once it is there. */
  page(index?: number): Promise<PageEnd>
  remove(): void
}

/** A frame of the widget, with the test in the place of the page inside. */
export type PageEnd = {
  iframe: HTMLIFrameElement
  /** Where the frame was navigated; `null` for a srcdoc. */
  url: string | null
  /** Greet the widget as the page does, from the origin of its URL. */
  greet(forged?: { source?: unknown; origin?: string; viewerId?: string }): void
  /** The first message of this kind. */
  heard<Kind extends ToPage['kind']>(kind: Kind): Promise<Extract<ToPage, { kind: Kind }>>
  send(message: FromPage): void
  /** `connect` messages with their ports. */
  connects: { message: unknown; targetOrigin: string }[]
}

export type WidgetHost = {
  kernel: KernelEnd
  /** As a notebook cell does it, once for each output area. */
  render(): Promise<RenderedView>
}

/** A `welcome` that parses; tests override what they are about. */
export function welcome(overrides: Partial<Welcome> = {}): Welcome {
  return {
    kind: 'welcome',
    protocol: PROTOCOL_VERSION,
    viewerId: '0123456789abcdef',
    viewerToken: Array.from({ length: 32 }, (_, byte) => byte.toString(16).padStart(2, '0')).join(''),
    port: 8765,
    instanceId: 'feedfacefeedface',
    override: null,
    hints: {},
    height: 600,
    buffers: true,
    cellRuns: false,
    ...overrides,
  }
}

let bundle: Promise<string> | null = null

/** The widget as it travels: one ES module. */
function widgetBundle(): Promise<string> {
  bundle ??= build({
    entryPoints: ['widget/index.ts'],
    bundle: true,
    format: 'esm',
    write: false,
    loader: { '.css': 'text' },
    // Each model imports its own copy; nothing here may depend on the real network.
    logLevel: 'silent',
  }).then((result) => result.outputFiles[0]?.text ?? '')
  return bundle
}

type HostOptions = {
  /** false: the notebook was reopened, and there is no kernel behind its widgets. */
  isLive?: boolean
}

/** A notebook page with one widget of ours in it, not yet rendered. Everything ends with the test. */
export async function startWidgetHost({ isLive = true }: HostOptions = {}): Promise<WidgetHost> {
  const { manager, version } = await loadManager()
  fakeFrames()
  vi.stubGlobal('origin', location.origin)
  hushHappyDom()
  const comm = new MemoryComm('c'.repeat(32))
  const layout = await manager.new_model(
    {
      model_name: 'LayoutModel',
      model_module: '@jupyter-widgets/base',
      model_module_version: '2.0.0',
      view_name: 'LayoutView',
      view_module: '@jupyter-widgets/base',
      view_module_version: '2.0.0',
      model_id: 'layout-1',
      ...(isLive ? { comm: new MemoryComm('layout-1') as never } : {}),
    },
    {},
  )
  const model = await manager.new_model(
    {
      model_name: 'AnyModel',
      model_module: 'anywidget',
      model_module_version: version,
      view_name: 'AnyView',
      view_module: 'anywidget',
      view_module_version: version,
      model_id: comm.comm_id,
      ...(isLive ? { comm: comm as never } : {}),
    },
    {
      _model_name: 'AnyModel',
      _model_module: 'anywidget',
      _model_module_version: version,
      _view_name: 'AnyView',
      _view_module: 'anywidget',
      _view_module_version: version,
      _anywidget_id: 'cellucid_notebook.viewer.Viewer',
      _esm: await widgetBundle(),
      layout: `IPY_MODEL_${layout.model_id}`,
    },
  )
  onTestFinished(() => model.close(true))
  return {
    kernel: kernelEnd(comm, () => manager.disconnect()),
    async render() {
      const view = await manager.create_view(model)
      document.body.append(view.el)
      const root = await appears(view.el, '.cellucid-notebook')
      const shadow = root.shadowRoot
      if (shadow === null) throw new Error('The cell has no shadow root')
      const remove = () => view.remove()
      onTestFinished(remove)
      return { el: view.el, root, shadow, page: (index = 0) => pageEnd(shadow, index), remove }
    },
  }
}

function kernelEnd(comm: MemoryComm, disconnect: () => void): KernelEnd {
  const watchers = new Set<() => void>()
  let answer: MemoryComm['onSent'] = () => undefined
  comm.onSent = (message, body) => {
    answer(message, body)
    for (const look of [...watchers]) look()
  }
  return {
    sent: comm.sent,
    push: (message, body) => comm.push(message, body === undefined ? [] : [body]),
    heard: (kind, fits = () => true) =>
      new Promise((resolve) => {
        const look = () => {
          for (const { message } of comm.sent) {
            // The kind was just compared.
            if (message.kind === kind && fits(message as Parameters<typeof fits>[0])) {
              watchers.delete(look)
              resolve(message as Parameters<typeof fits>[0])
              return
            }
          }
        }
        watchers.add(look)
        look()
      }),
    onSent: (next) => {
      answer = next
    },
    close: () => comm.endByKernel(),
    restart: async () => {
      disconnect()
      await new Promise((resolve) => setTimeout(resolve, 5))
    },
    breakSend: () => {
      comm.isDisposed = true
    },
  }
}

/** happy-dom's own handle on its page. */
const happy = (window as unknown as { happyDOM: { settings: Record<string, unknown>; setURL(url: string): void } })
  .happyDOM

/** Move the notebook page to another address; `location.origin` follows. */
export function visit(url: string): void {
  happy.setURL(url)
  vi.stubGlobal('origin', location.origin)
  hushHappyDom()
}

/** Its own remarks, on frames that it does not load and connections that are refused: both are the point here. */
function hushHappyDom(): void {
  vi.spyOn(processConsole, 'error').mockImplementation(() => undefined)
}

type FakeWindow = {
  url: string | null
  connects: PageEnd['connects']
  port: MessagePort | null
  received: ToPage[]
  watchers: Set<() => void>
  location: { replace(url: string): void }
  postMessage(message: unknown, targetOrigin: string, ports: MessagePort[]): void
}

/** happy-dom loads no pages into frames here: each frame's window is ours, and says where it was sent. */
function fakeFrames(): void {
  const windows = new WeakMap<HTMLIFrameElement, FakeWindow>()
  vi.spyOn(HTMLIFrameElement.prototype, 'contentWindow', 'get').mockImplementation(function (this: HTMLIFrameElement) {
    const known = windows.get(this) ?? fakeWindow()
    windows.set(this, known)
    // Only what the widget uses of a window.
    return known as unknown as Window & typeof globalThis
  })
}

function fakeWindow(): FakeWindow {
  const frame: FakeWindow = {
    url: null,
    connects: [],
    port: null,
    received: [],
    watchers: new Set(),
    location: {
      replace(url) {
        frame.url = url
        for (const look of [...frame.watchers]) look()
      },
    },
    postMessage(message, targetOrigin, [port]) {
      frame.connects.push({ message, targetOrigin })
      frame.port = port ?? null
      if (port === undefined) return
      port.onmessage = (event: MessageEvent<ToPage>) => {
        frame.received.push(event.data)
        for (const look of [...frame.watchers]) look()
      }
      onTestFinished(() => port.close())
    },
  }
  return frame
}

async function pageEnd(shadow: ShadowRoot, index: number): Promise<PageEnd> {
  const iframe = (await appears(shadow, `iframe:nth-of-type(${index + 1})`)) as HTMLIFrameElement
  const frame = iframe.contentWindow as unknown as FakeWindow // see fakeFrames
  const until = <T>(find: () => T | undefined) =>
    new Promise<T>((resolve) => {
      const look = () => {
        const found = find()
        if (found === undefined) return
        frame.watchers.delete(look)
        resolve(found)
      }
      frame.watchers.add(look)
      look()
    })
  const isSrcdoc = iframe.hasAttribute('srcdoc')
  if (!isSrcdoc) await until(() => frame.url ?? undefined)
  return {
    iframe,
    url: frame.url,
    connects: frame.connects,
    greet({ source = frame, origin, viewerId } = {}) {
      const own = frame.url === null ? 'null' : new URL(frame.url).origin
      const data = { kind: 'pageReady', viewerId: viewerId ?? welcome().viewerId }
      const event = new MessageEvent('message', { data, origin: origin ?? own })
      Object.defineProperty(event, 'source', { value: source })
      window.dispatchEvent(event)
    },
    heard: (kind) =>
      // The kind is compared before the cast.
      until(() => frame.received.find((message) => message.kind === kind) as Extract<ToPage, { kind: typeof kind }>),
    send: (message) => frame.port?.postMessage(message),
  }
}

/** Wait until an element is there, by its own mutations. */
export function appears(parent: ParentNode & Node, selector: string): Promise<HTMLElement> {
  return new Promise((resolve) => {
    const look = () => {
      const found = parent.querySelector<HTMLElement>(selector)
      if (found !== null) {
        observer.disconnect()
        resolve(found)
      }
    }
    const observer = new MutationObserver(look)
    observer.observe(parent, { childList: true, subtree: true, attributes: true })
    look()
  })
}

/** Wait for a state of the cell, as `npm start` does. */
export function reaches(root: HTMLElement, status: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (root.dataset.cellucidStatus !== status) return
      observer.disconnect()
      resolve()
    }
    const observer = new MutationObserver(look)
    observer.observe(root, { attributes: true })
    look()
  })
}

type Manager = import('@jupyter-widgets/base-manager').ManagerBase & { disconnect(): void }

let moduleCount = 0

/** Each model imports a module of its own, as from a blob; a file keeps the stacks of errors readable. */
function moduleUrl(source: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-widget-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  moduleCount++
  const path = join(folder, `widget-${moduleCount}.mjs`)
  writeFileSync(path, source)
  return pathToFileURL(path).href
}

/** happy-dom keeps a blob's bytes under a symbol, and there is no other way to them that does not wait. */
function bytesOf(blob: Blob | MediaSource): Buffer {
  const values = Object.getOwnPropertySymbols(blob).map((key) => (blob as unknown as Record<symbol, unknown>)[key])
  const bytes = values.find((value) => Buffer.isBuffer(value))
  if (bytes === undefined) throw new Error('This Blob is not one of happy-dom')
  return bytes
}

type Exports = Record<string, unknown>
type Classes = { base: Exports; anywidget: Exports; version: string }

/**
 * anywidget registers itself by AMD's `define` when it is first loaded, and makes its module's URL from a blob: two
 * things that Node does not know.
 */
async function loadClasses(): Promise<Classes> {
  const base: Exports = await import('@jupyter-widgets/base')
  const version: string = JSON.parse(readFileSync('node_modules/anywidget/package.json', 'utf8')).version
  URL.createObjectURL = (blob) => moduleUrl(bytesOf(blob))
  let anywidget: Exports = {}
  Object.assign(globalThis, {
    define: (_names: string[], make: (widgets: unknown) => Exports) => {
      anywidget = make(base)
    },
  })
  // @ts-expect-error: the front-end module has no types of its own
  await import('anywidget')
  return { base, anywidget, version }
}

let classes: Promise<Classes> | null = null

async function loadManager(): Promise<{ manager: Manager; version: string }> {
  classes ??= loadClasses()
  const { base, anywidget, version } = await classes
  const { ManagerBase } = await import('@jupyter-widgets/base-manager')
  class MemoryManager extends ManagerBase {
    protected override async loadClass(name: string, module: string): Promise<never> {
      const exports = module === 'anywidget' ? anywidget : base
      if (exports[name] === undefined) throw new Error(`${module} has no class ${name}`)
      return exports[name] as never // one of the classes that a manager expects under this name
    }
    protected override _create_comm(): never {
      throw new Error('The page opens no comm of its own')
    }
    protected override _get_comm_info(): never {
      throw new Error('The page asks for no comms')
    }
  }
  return { manager: new MemoryManager() as unknown as Manager, version }
}
