import { effect } from '@preact/signals'
import { options, render } from 'preact'
import { delay } from '../protocol/delay.ts'
import { colorLabel } from './columns/colorable.ts'
import { connectHost, type HostLink } from './connection/host-link.ts'
import type { Launch } from './connection/launch.ts'
import { openAccess } from './connection/page-access.ts'
import { isOfTheWay, sentenceOf } from './connection/server-failure.ts'
import type { ConsoleCapture } from './console-capture.ts'
import { pageKeys } from './input/keyboard.ts'
import { App } from './panel/app.tsx'
import { providePage } from './panel/page-context.ts'
import { Store } from './state/store.ts'
import { summaryOf } from './state/summary.ts'
import { unplacedSentence } from './state/unplaced.ts'
import { freezeOutOfSight } from './viewer/context-freezer.ts'
import { Picture } from './viewer/picture.ts'
import { ViewerSession } from './viewer/viewer-session.ts'

/** The server is told at most so often that the user is here. */
const TOUCHED_EVERY_MS = 5_000
/** With nothing to draw yet, the page is laid out after so long. */
const EMPTY_PAGE_AFTER_MS = 250

/** From the launch to the first picture, and from then on by itself. What goes wrong is said in place. */
export async function openPage(launch: Launch, capture: ConsoleCapture, signal: AbortSignal): Promise<void> {
  const store = new Store()
  const root = document.getElementById('page')
  if (root === null) throw new Error('The page came without its root element.')
  followSystemTheme(store, signal)
  markRoot(store)
  // The first picture before all: what is laid out in the same task as it would keep it waiting.
  options.debounceRendering = (layOut) => setTimeout(layOut)
  const host = meetHost(launch, store)
  let isShown = false
  try {
    const access = await openAccess(launch, { host, wantsAgain: () => untilWanted(store), signal })
    const session = new ViewerSession(access, { store, lost: (reason) => tellLost(host, store, reason), signal })
    passConsole(capture, host, session)
    void host.then((link) => {
      const user = link?.start.user ?? null
      if (user !== null) session.channel.introduce(user)
    })
    watchTouch(session, signal)
    addEventListener('keydown', pageKeys(session.history), { signal })
    const canvas = makeCanvas()
    const { picture, shown } = session.start(() => new Picture(canvas, store))
    const { limitation } = picture.scatter
    if (limitation !== null) store.notify({ topic: 'drawing', level: 'info', text: limitation })
    // Laid out when there is something to draw, where that is near: a slow card shows no empty page in between.
    await Promise.race([session.viewer.arrival, delay(EMPTY_PAGE_AFTER_MS, signal)])
    root.replaceChildren()
    providePage({ viewer: session.viewer, history: session.history, picture, canvas, session })
    render(<App />, root)
    isShown = true
    tellUnplaced(host, store, signal)
    const { nObs } = await shown
    delete options.debounceRendering
    store.isReady.value = true
    void host.then((link) => link?.drawn(nObs))
    session.freezer.resolve(freezeOutOfSight(canvas, picture.scatter, signal))
  } catch (error) {
    if (signal.aborted) return
    const sentence = sentenceOf(error)
    store.fatal.value = sentence
    if (!isShown) {
      root.replaceChildren()
      render(
        <p class="waiting" role="alert">
          {sentence}
        </p>,
        root,
      )
    }
    // Through the notebook there is no address to pass over.
    const isLost = isOfTheWay(error) && !launch.isTunnel
    void host.then((link) => (isLost ? link?.lost(sentence) : link?.failed(sentence)))
  }
}

/** What stands in place of the first picture, which may have to be chosen: the cell shows the page all the same. */
function tellUnplaced(host: Promise<HostLink | null>, store: Store, signal: AbortSignal): void {
  const stop = effect(() => {
    const failed = store.notices.value.find(({ topic }) => topic === 'dataset' || topic === 'embedding')
    const sentence = failed?.text ?? unplacedSentence(store)
    if (sentence !== null && !store.isReady.value) void host.then((link) => link?.failed(sentence))
  })
  signal.addEventListener('abort', stop)
}

function meetHost(launch: Launch, store: Store): Promise<HostLink | null> {
  const hello = { viewerId: launch.viewerId ?? '' }
  const host = connectHost(window, hello, {
    theme: (theme) => {
      store.surroundings.value = theme
    },
    stalled: (waitsFor) => {
      store.waitsFor.value = waitsFor
    },
  })
  void host.then((link) => {
    if (link === null) return
    store.surroundings.value = link.start.theme
    effect(() => {
      if (store.height.value !== null) link.resize(store.height.value)
    })
  })
  return host
}

/** To the widget where there is one, which speaks to the kernel also when the server is gone; else by the channel. */
function passConsole(capture: ConsoleCapture, host: Promise<HostLink | null>, session: ViewerSession): void {
  void host.then((link) => {
    capture.tell((lines) => {
      if (link === null) session.channel.event({ kind: 'console', lines })
      else link.console(lines)
    })
  })
}

/** Resolves when the user of a tab wants to connect once more. */
function untilWanted(store: Store): Promise<void> {
  return new Promise((resolve) => {
    store.connectAgain.value = () => {
      store.connectAgain.value = null
      resolve()
    }
  })
}

function tellLost(host: Promise<HostLink | null>, store: Store, reason: string): void {
  void host.then((link) => {
    if (link !== null) link.lost(reason)
    else store.notify({ topic: 'connection', level: 'error', text: `${reason} ${TAB_ADVICE}` })
  })
}

const TAB_ADVICE = 'Open viewer.viewer_url from the notebook, or the link in the terminal.'

function makeCanvas(): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.className = 'cells'
  canvas.tabIndex = 0
  canvas.setAttribute('role', 'application') // its name is the Summary's to say
  return canvas
}

/** The page that the user touched last is the one that answers for the viewer. */
function watchTouch(session: ViewerSession, signal: AbortSignal): void {
  let last = Number.NEGATIVE_INFINITY
  const touch = ({ timeStamp }: Event) => {
    if (timeStamp - last < TOUCHED_EVERY_MS) return
    last = timeStamp
    session.channel.touched()
  }
  for (const type of ['pointerdown', 'keydown']) addEventListener(type, touch, { signal, capture: true })
}

/** Until the notebook says which look it has. */
function followSystemTheme(store: Store, signal: AbortSignal): void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  store.surroundings.value = dark.matches ? 'dark' : 'light'
  const follow = () => {
    store.surroundings.value = dark.matches ? 'dark' : 'light'
  }
  dark.addEventListener('change', follow, { signal })
}

/** What tests and tools read without knowing the page's insides. */
function markRoot(store: Store): void {
  const { dataset } = document.documentElement
  effect(() => {
    dataset.theme = store.theme.value
  })
  effect(() => {
    dataset.cells = String(store.cellCount.value)
    dataset.selected = String(store.selection.value.cells.length)
    dataset.color = store.color.value === null ? '' : colorLabel(store.color.value.by)
    dataset.ready = String(store.isReady.value)
  })
  effect(() => {
    document.title = store.identity.value === null ? 'Cellucid' : `${store.identity.value.name}: ${summaryOf(store)}`
  })
}
