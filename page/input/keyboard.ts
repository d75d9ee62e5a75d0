import type { Scatter } from '../scatter/scatter.ts'
import type { Tool } from '../state/store.ts'
import type { Viewer } from '../viewer/viewer.ts'

export type KeyTargets = {
  viewer: Viewer
  scatter: Scatter
  gestures: { cancelOutline(): boolean }
  search(): void
  help(): void
}

/** What the help sheet lists: keys on the canvas, pointer on the canvas. */
export const SHORTCUTS: readonly (readonly [keys: string, meaning: string])[] = [
  ['Drag', 'move the picture; in 3D turn it'],
  ['Wheel', 'zoom, once the picture was clicked'],
  ['Shift + drag', 'select with the lasso'],
  ['… with Ctrl or ⌘', 'add to the selection'],
  ['… with Alt', 'subtract from it; with both keep what is in both'],
  ['Arrow keys', 'move the picture'],
  ['+ −', 'zoom'],
  ['R, double click', 'show all cells'],
  ['L, B', 'lasso, rectangle on and off'],
  ['Ctrl or ⌘ + click', 'add one cell; Alt + click takes it away'],
  ['… + Enter', 'the same with “select” or a group'],
  ['Ctrl or ⌘ + Z', 'undo; with Shift redo'],
  ['/', 'search a gene or field'],
  ['Esc', 'leave the tool, clear the selection, leave the picture'],
  ['?', 'this list'],
]

const PAN_PX = 40
const ZOOM_STEP = 1.3

/** Keys while the canvas has focus; none is taken from the notebook else, and Tab always leaves. */
export function canvasKeys({ viewer, scatter, gestures, search, help }: KeyTargets): (event: KeyboardEvent) => void {
  const { store } = viewer
  const move = (dx: number, dy: number) => () => {
    if (store.embedding.value?.dimensions === 3) scatter.orbitBy(dx, dy)
    else scatter.panBy(dx, dy)
  }
  const tool = (wanted: Tool) => () => {
    store.tool.value = store.tool.value === wanted ? 'pan' : wanted
  }
  const actions: Record<string, () => void> = {
    ArrowLeft: move(PAN_PX, 0),
    ArrowRight: move(-PAN_PX, 0),
    ArrowUp: move(0, PAN_PX),
    ArrowDown: move(0, -PAN_PX),
    '+': () => scatter.zoomBy(ZOOM_STEP),
    '=': () => scatter.zoomBy(ZOOM_STEP),
    '-': () => scatter.zoomBy(1 / ZOOM_STEP),
    r: () => viewer.resetCamera(),
    l: tool('lasso'),
    b: tool('rectangle'),
    '/': search,
    '?': help,
    Escape: () => {
      if (gestures.cancelOutline()) return
      if (store.tool.value !== 'pan') store.tool.value = 'pan'
      else if (store.selection.value.cells.length > 0) viewer.select(new Uint32Array(0), 'replace', 'panel')
      else if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    },
  }
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action === undefined) return
    event.preventDefault()
    event.stopPropagation()
    action()
  }
}

/**
 * Undo and redo anywhere on the page but in a box of text, which has its own; and on a button Enter with Ctrl, ⌘ or Alt,
 * which browsers leave alone, is a click with them: what a pointer adds and subtracts, keys do.
 */
export function pageKeys(history: { undo(): void; redo(): void }): (event: KeyboardEvent) => void {
  return (event) => {
    const { target, altKey } = event
    const isCommand = event.ctrlKey || event.metaKey
    if (target instanceof HTMLButtonElement && event.key === 'Enter' && (isCommand || altKey)) {
      event.preventDefault()
      target.dispatchEvent(new MouseEvent('click', event))
    }
    const isText = target instanceof HTMLInputElement && ['text', 'search', 'number'].includes(target.type)
    if (isText || altKey || !isCommand) return
    const key = event.key.toLowerCase()
    if (key !== 'z' && key !== 'y') return
    event.preventDefault()
    if (key === 'y' || event.shiftKey) history.redo()
    else history.undo()
  }
}
