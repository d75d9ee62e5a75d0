import type { KernelConnection } from '@jupyterlab/services/lib/kernel/default.js'
import { startOutput, type WidgetManager } from '../stand-in/notebook-output.ts'

/** What is used of the package's widget manager. */
type PackedManager = Omit<WidgetManager, 'show'> & {
  create_view(model: object, options: object): Promise<object>
  display_view(message: object, view: object, options: { node: HTMLElement }): Promise<unknown>
}
type ScriptLoader = {
  widgetsRegisteredInRequireJs: ReadonlySet<string>
  errorHandler(...names: unknown[]): void
  successHandler(...names: unknown[]): void
  loadWidgetScript(module: string, version: string): Promise<void>
}
type ManagerClass = new (
  kernel: KernelConnection,
  el: HTMLElement | undefined,
  scripts: ScriptLoader,
  log: (message: string) => void,
) => PackedManager

declare global {
  interface Window {
    vscIPyWidgets8: { load(): void }
    vscIPyWidgets: { WidgetManager: ManagerClass }
    requirejs: { config(options: object): void }
  }
}

/** As the extension does it: the kernel's environment has the file, and its address stands in require's table. */
const scripts: ScriptLoader = {
  widgetsRegisteredInRequireJs: new Set(),
  errorHandler: (...names) => window.reportError(new Error(`the widget's class was not found: ${names.join(' ')}`)),
  successHandler: () => undefined,
  loadWidgetScript: async (module) => {
    window.requirejs.config({ paths: { [module]: `${window.origin}/nbextensions/${module}/index` } })
  },
}

startOutput((kernel) => {
  window.vscIPyWidgets8.load()
  const manager = new window.vscIPyWidgets.WidgetManager(kernel, undefined, scripts, () => undefined)
  return {
    has_model: (id) => manager.has_model(id),
    get_model: (id) => manager.get_model(id),
    async show(model, message, element) {
      await manager.display_view(message, await manager.create_view(model, { el: element }), { node: element })
    },
  }
})
