import type { CellOutputs, ToOutput, ToWorkbench } from './messages.ts'

/** What the test calls. */
export type Workbench = {
  /** @param kernelUrl the kernel's socket, with the token */
  connect(kernelUrl: string, kernel: { id: string; name: string }): Promise<void>
  /**
   * Show the notebook's outputs in a new webview; an earlier one is thrown away, as when its tab was closed.
   * @param isNested the outputs are a frame in the webview's page, not that page itself
   */
  show(webviewUrl: string, isNested: boolean): void
  /** @param address where its ports are seen from outside, with `{port}` in it */
  offerPorts(address: string): void
}

/** The messages of this protocol are binary: an offset table, then channel, header, parent, metadata, content, buffers. */
const KERNEL_PROTOCOL = 'v1.kernel.websocket.jupyter.org'

/**
 * The outermost page, with the part of the extension host: it holds the connection to the kernel, and plays to a new
 * webview what opened the widgets before it came.
 */
class StandInWorkbench implements Workbench {
  #socket: WebSocket | null = null
  #kernel = { id: '', name: '' }
  #webview: HTMLIFrameElement | null = null
  #opened: ArrayBuffer[] = []
  #outputs: CellOutputs = {}
  #isNested = false
  #ports = ''

  constructor() {
    window.addEventListener('message', (event: MessageEvent<ToWorkbench>) => {
      if (event.source !== null && event.source === this.#output) this.#receive(event.data, event.ports[0])
    })
  }

  async connect(kernelUrl: string, kernel: { id: string; name: string }): Promise<void> {
    this.#kernel = kernel
    const socket = new WebSocket(kernelUrl, [KERNEL_PROTOCOL])
    socket.binaryType = 'arraybuffer'
    await new Promise((opened, failed) => {
      socket.onopen = opened
      socket.onerror = failed
    })
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (isCommOpen(data)) this.#opened.push(data)
      this.#send({ kind: 'frame', data })
    }
    this.#socket = socket
  }

  offerPorts(address: string): void {
    this.#ports = address
  }

  show(webviewUrl: string, isNested: boolean): void {
    this.#webview?.remove()
    this.#isNested = isNested
    const webview = document.createElement('iframe')
    webview.id = 'webview'
    webview.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-forms allow-popups allow-downloads')
    webview.src = webviewUrl
    document.body.append(webview)
    this.#webview = webview
  }

  get #output(): Window | null {
    const page = this.#webview?.contentWindow ?? null
    return this.#isNested ? (page?.frames[0] ?? null) : page
  }

  #send(message: ToOutput): void {
    this.#output?.postMessage(message, '*')
  }

  #receive(message: ToWorkbench, answer: MessagePort | undefined): void {
    switch (message.kind) {
      case 'ready':
        this.#send({ kind: 'start', kernel: this.#kernel, replay: this.#opened, outputs: this.#outputs })
        break
      case 'frame':
        this.#socket?.send(message.data)
        break
      case 'outputs':
        this.#outputs = message.outputs
        break
      case 'port':
        void this.#signIn(message.port).then((url) => answer?.postMessage(url))
        break
    }
  }

  /** The ports lie on another site, which knows its user by a cookie. */
  async #signIn(port: number): Promise<string> {
    const url = this.#ports.replace('{port}', String(port))
    await fetch(`${url}_sign-in`, { mode: 'no-cors', credentials: 'include' })
    return url
  }
}

function isCommOpen(data: ArrayBuffer): boolean {
  const view = new DataView(data)
  const offset = (index: number) => Number(view.getBigUint64(8 * (index + 1), true))
  const header = new TextDecoder().decode(new Uint8Array(data, offset(1), offset(2) - offset(1)))
  return JSON.parse(header).msg_type === 'comm_open'
}

declare global {
  interface Window {
    workbench: Workbench
  }
}
window.workbench = new StandInWorkbench()
