import { MAX_USER_NAME } from '../../protocol/page-link.ts'

/**
 * The notebook around a widget, as JupyterLab's widget manager knows it and hands it out with the model. Other front
 * ends say nothing of it: then it is not shared, and nobody hears when it is saved. Each step is checked, since none of
 * it has a type here.
 */
export class NotebookDocument {
  readonly #context: object | null

  constructor(widgetManager: unknown) {
    this.#context = part(widgetManager, 'context')
  }

  /** Several people edit it at once, by jupyter-collaboration. */
  get isShared(): boolean {
    const model = part(this.#context, 'model')
    return model !== null && 'collaborative' in model && model.collaborative === true
  }

  /** By what name the others know who looks at this page; `null` where it is not shared. */
  get user(): string | null {
    const awareness = part(part(part(this.#context, 'model'), 'sharedModel'), 'awareness') as Partial<Awareness> | null
    if (!this.isShared || typeof awareness?.getLocalState !== 'function') return null
    const user = part(awareness.getLocalState(), 'user') as { display_name?: unknown; name?: unknown } | null
    const name = user?.display_name || user?.name
    return typeof name === 'string' && name !== '' ? name.slice(0, MAX_USER_NAME) : null
  }

  /** Tell when it is being saved, before its content is read; the user asked for it, or it saves itself by the clock. */
  whenSaved(tell: () => void, signal: AbortSignal): void {
    const saveState = part(this.#context, 'saveState') as Partial<SaveState> | null
    if (typeof saveState?.connect !== 'function') return
    const hear = (_: unknown, state: unknown) => {
      if (state === 'started') tell()
    }
    saveState.connect(hear)
    signal.addEventListener('abort', () => saveState.disconnect?.(hear), { once: true })
  }
}

/** Of Yjs: what each participant says of itself. */
type Awareness = { getLocalState(): unknown }

/** A signal of Lumino. */
type SaveState = {
  connect(hear: (sender: unknown, state: unknown) => void): boolean
  disconnect(hear: (sender: unknown, state: unknown) => void): boolean
}

/** A member of an object that is itself one; reading it may throw in a model that is disposed. */
function part(whole: unknown, name: string): object | null {
  if (typeof whole !== 'object' || whole === null) return null
  try {
    const value: unknown = Reflect.get(whole, name)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
