import { KernelLink, type WidgetModel } from './kernel/kernel-link.ts'
import { View } from './view.ts'

type Stage = { model: WidgetModel; signal?: AbortSignal }

/**
 * The widget's front module. A function, so that each model has a link of its own which `initialize` and `render` share;
 * the hosts hand each of them another wrapper of the model.
 */
export default function widget() {
  let link: KernelLink | null = null
  const listen = ({ model, signal }: Stage) => {
    const life = lifetime(signal)
    link = new KernelLink(model, life.signal)
    return { link, end: life.end }
  }
  return {
    initialize(stage: Stage) {
      return listen(stage).end
    },
    render({ model, el, signal }: Stage & { el: HTMLElement }) {
      const life = lifetime(signal)
      // Hosts before `initialize` was known call `render` alone.
      new View(el, link ?? listen({ model, signal: life.signal }).link, life.signal)
      return life.end
    },
  }
}

/** Older hosts pass no signal and call the clean-up instead; newer do both. */
function lifetime(signal: AbortSignal | undefined): { signal: AbortSignal; end: () => void } {
  const own = new AbortController()
  return {
    signal: signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]),
    end: () => own.abort(),
  }
}
