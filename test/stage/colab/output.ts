import type { KernelConnection } from '@jupyterlab/services/lib/kernel/default.js'
import type { IComm } from '@jupyterlab/services/lib/kernel/kernel.js'
import type { ICommOpenMsg } from '@jupyterlab/services/lib/kernel/messages.js'
import { startOutput, type WidgetManager } from '../stand-in/notebook-output.ts'

/** What is used of the AMD modules of the widget manager for pages without a notebook. */
type HtmlManager = Omit<WidgetManager, 'show'> & {
  readonly comm_target_name: string
  create_view(model: object, options: object): Promise<object>
  display_view(view: Promise<object>, element: HTMLElement): Promise<void>
  handle_comm_open(comm: object, message: ICommOpenMsg): Promise<object>
}
type Modules = {
  manager: { HTMLManager: new (options: object) => HtmlManager; requireLoader: unknown }
  base: { shims: { services: { Comm: new (comm: IComm) => object } } }
}

declare global {
  interface Window {
    google: { colab: { kernel: { accessAllowed: boolean; proxyPort(port: number): Promise<string> } } }
    require(names: string[], loaded: typeof start, failed: (error: Error) => void): void
  }
}

/** The frame asks the page around it, which stands on another origin and has the user's session. */
window.google = {
  colab: {
    kernel: {
      accessAllowed: true,
      proxyPort: (port) =>
        new Promise((answered) => {
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = ({ data }: MessageEvent<string>) => answered(data)
          window.parent.postMessage({ kind: 'port', port }, '*', [port2])
        }),
    },
  },
}

function makeManager(
  kernel: KernelConnection,
  { manager: { HTMLManager, requireLoader }, base }: Modules,
): WidgetManager {
  const manager = new HTMLManager({ loader: requireLoader })
  kernel.registerCommTarget(manager.comm_target_name, async (comm, message) => {
    await manager.handle_comm_open(new base.shims.services.Comm(comm), message)
  })
  return {
    has_model: (id) => manager.has_model(id),
    get_model: (id) => manager.get_model(id),
    async show(model, _message, element) {
      await manager.display_view(manager.create_view(model, {}), element)
    },
  }
}

const names = ['@jupyter-widgets/html-manager', '@jupyter-widgets/base']
const start = (manager: Modules['manager'], base: Modules['base']) =>
  startOutput((kernel) => makeManager(kernel, { manager, base }))
window.require(names, start, window.reportError)
