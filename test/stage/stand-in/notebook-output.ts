import { KernelMessage, ServerConnection } from '@jupyterlab/services'
import { KernelConnection } from '@jupyterlab/services/lib/kernel/default.js'
import type { CellOutputs, RunResult, Shown, ToOutput, ToWorkbench } from './messages.ts'

const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json'
const KERNEL_PROTOCOL = 'v1.kernel.websocket.jupyter.org'

/** What the test calls. */
export type OutputPage = {
  /** Run source as one of the notebook's cells; what the cell showed before goes. */
  run(cell: number, source: string): Promise<RunResult>
}

/** What is used of a front end's widget manager. */
export type WidgetManager = {
  has_model(id: string): boolean
  get_model(id: string): Promise<object>
  /** Draw a view of the model into the element. */
  show(model: object, message: object, element: HTMLElement): Promise<void>
}

declare global {
  interface Window {
    outputPage: OutputPage
  }
}

const workbench = window.top
if (workbench === null) throw new Error('this page has no workbench around it')
const tell = (message: ToWorkbench) => workbench.postMessage(message, '*')

/** The kernel's socket, whose other end the workbench holds. */
class WorkbenchSocket {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  static current: WorkbenchSocket | null = null
  readonly protocol = KERNEL_PROTOCOL
  readyState = WorkbenchSocket.CONNECTING
  binaryType = 'arraybuffer'
  onopen: ((event: object) => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: object) => void) | null = null
  onerror: ((event: object) => void) | null = null

  constructor() {
    WorkbenchSocket.current = this
    queueMicrotask(() => {
      this.readyState = WorkbenchSocket.OPEN
      this.onopen?.({ target: this })
    })
  }

  send(data: string | ArrayBuffer): void {
    tell({ kind: 'frame', data })
  }

  close(): void {
    this.readyState = WorkbenchSocket.CLOSED
  }
}

/** Runs cells and shows what they show, widgets by the front end's own manager. */
class NotebookOutput implements OutputPage {
  readonly #kernel: KernelConnection
  readonly #manager: WidgetManager
  readonly #cells = new Map<string, number>()
  readonly #outputs: CellOutputs

  constructor(kernel: KernelConnection, manager: WidgetManager, outputs: CellOutputs) {
    this.#kernel = kernel
    this.#manager = manager
    this.#outputs = outputs
    kernel.iopubMessage.connect((_, message) => this.#receive(message))
  }

  async run(cell: number, source: string): Promise<RunResult> {
    this.#outputs[cell] = []
    this.#draw(cell)
    const result: RunResult = { text: '', error: null }
    const metadata = { cellId: `cell-${cell}` }
    const future = this.#kernel.requestExecute({ code: source }, false, metadata)
    this.#cells.set(future.msg.header.msg_id, cell)
    future.onIOPub = (message) => {
      if (KernelMessage.isStreamMsg(message) && message.content.name === 'stdout') result.text += message.content.text
      if (KernelMessage.isErrorMsg(message)) result.error = `${message.content.ename}: ${message.content.evalue}`
    }
    await future.done
    return result
  }

  drawAll(): void {
    for (const cell of Object.keys(this.#outputs)) this.#draw(Number(cell))
  }

  #receive(message: KernelMessage.IIOPubMessage): void {
    if (KernelMessage.isDisplayDataMsg(message) || KernelMessage.isExecuteResultMsg(message)) this.#show(message)
    if (KernelMessage.isUpdateDisplayDataMsg(message)) this.#update(message)
  }

  #show({ content, parent_header }: KernelMessage.IDisplayDataMsg | KernelMessage.IExecuteResultMsg): void {
    const cell = 'msg_id' in parent_header ? this.#cells.get(parent_header.msg_id) : undefined
    if (cell === undefined) return
    const shown: Shown = { displayId: content.transient?.display_id ?? null, data: content.data }
    this.#outputs[cell] = [...(this.#outputs[cell] ?? []), shown]
    this.#append(cell, shown)
    tell({ kind: 'outputs', outputs: this.#outputs })
  }

  #update({ content }: KernelMessage.IUpdateDisplayDataMsg): void {
    for (const [cell, list] of Object.entries(this.#outputs)) {
      list.forEach((shown, index) => {
        if (shown.displayId !== content.transient.display_id) return
        shown.data = content.data
        const output = container(Number(cell)).children[index]
        if (output instanceof HTMLElement) void this.#render(shown, output)
      })
    }
    tell({ kind: 'outputs', outputs: this.#outputs })
  }

  #draw(cell: number): void {
    container(cell).replaceChildren()
    for (const shown of this.#outputs[cell] ?? []) this.#append(cell, shown)
  }

  #append(cell: number, shown: Shown): void {
    const output = document.createElement('div')
    output.className = 'output'
    container(cell).append(output)
    void this.#render(shown, output)
  }

  async #render({ data }: Shown, output: HTMLElement): Promise<void> {
    const view = data[WIDGET_VIEW]
    if (isWidgetView(view)) {
      const model = await this.#modelOf(view.model_id)
      await this.#manager.show(model, view, output)
    } else output.innerHTML = String(data['text/html'] ?? data['text/plain'] ?? '')
  }

  /** What opens the model may still be on its way, or in the queue of the connection. */
  async #modelOf(id: string): Promise<object> {
    for (;;) {
      const next = new Promise<void>((came) => {
        const once = () => {
          this.#kernel.iopubMessage.disconnect(once)
          came()
        }
        this.#kernel.iopubMessage.connect(once)
      })
      if (this.#manager.has_model(id)) return await this.#manager.get_model(id)
      await next
    }
  }
}

function container(cell: number): HTMLElement {
  const id = `cell-${cell}`
  const known = document.getElementById(id)
  if (known !== null) return known
  const made = document.createElement('div')
  made.id = id
  made.className = 'output_container'
  document.body.append(made)
  return made
}

function isWidgetView(view: unknown): view is { model_id: string } {
  return typeof view === 'object' && view !== null && 'model_id' in view
}

type Start = Extract<ToOutput, { kind: 'start' }>

/** Wait for the workbench, and show what it has; the page is ready once `window.outputPage` is there. */
export function startOutput(makeManager: (kernel: KernelConnection) => WidgetManager): void {
  window.addEventListener('message', (event: MessageEvent<ToOutput>) => {
    if (event.source !== workbench) return
    if (event.data.kind === 'start') start(event.data, makeManager)
    else WorkbenchSocket.current?.onmessage?.({ data: event.data.data })
  })
  tell({ kind: 'ready' })
}

function start({ kernel: model, replay, outputs }: Start, makeManager: (kernel: KernelConnection) => WidgetManager) {
  const serverSettings = ServerConnection.makeSettings({
    WebSocket: WorkbenchSocket as never, // as much of one as the connection uses
    baseUrl: 'http://unused.invalid/',
    wsUrl: 'ws://unused.invalid/',
  })
  const kernel = new KernelConnection({ model, serverSettings })
  const page = new NotebookOutput(kernel, makeManager(kernel), outputs)
  for (const data of replay) WorkbenchSocket.current?.onmessage?.({ data })
  page.drawAll()
  window.outputPage = page
}
