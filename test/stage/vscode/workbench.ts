import type { CellOutputs, ToOutput, ToWorkbench } from './messages.ts'

/** What the test calls. */
export type Workbench = {
  /** @param kernelUrl the kernel's socket, with the token */
  connect(kernelUrl: string, kernel: { id: string; name: string }): Promise<void>
  /** Show the notebook's outputs in a new webview; an earlier one is thrown away, as when its tab was closed. */
  show(webviewUrl: string): void
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

  constructor() {
    window.addEventListener('message', (event: MessageEvent<ToWorkbench>) => {
      // The output page is a frame in the webview's frame.
      if (event.source !== null && event.source === this.#output) this.#receive(event.data)
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

  show(webviewUrl: string): void {
    this.#webview?.remove()
    const webview = document.createElement('iframe')
    webview.id = 'webview'
    webview.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-forms allow-popups allow-downloads')
    webview.src = webviewUrl
    document.body.append(webview)
    this.#webview = webview
  }

  get #output(): Window | null {
    return this.#webview?.contentWindow?.frames[0] ?? null
  }

  #send(message: ToOutput): void {
    this.#output?.postMessage(message, '*')
  }

  #receive(message: ToWorkbench): void {
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
    }
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
