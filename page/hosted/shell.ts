import * as v from 'valibot'
import type { Command } from '../../protocol/commands.ts'
import { delay } from '../../protocol/delay.ts'
import { type HostedAnswer, hostedAnswerSchema } from '../../protocol/hosted.ts'
import { HOSTED_ROUTES } from '../../protocol/urls.ts'
import { ChannelClient, type CommandOutcome } from '../connection/channel-client.ts'
import { connectHost, type HostLink } from '../connection/host-link.ts'
import type { Launch } from '../connection/launch.ts'
import { type Access, openAccess } from '../connection/page-access.ts'
import { ServerClient } from '../connection/server-client.ts'
import { failureOfAnswer, isOfTheWay, sentenceOf } from '../connection/server-failure.ts'
import type { ConsoleCapture } from '../console-capture.ts'
import { hostedMessage } from './hosted-message.ts'
import { failureSheet, type ProgressSheet, progressSheet, type SheetAction, unavailableSheet } from './sheet.ts'

/** How often the server is asked how far fetching is. */
const LOOK_EVERY_MS = 400
/** A page that did not stand in its frame after as many attempts never will. */
const MAX_LOADS = 3
/** A hosted page that is not there after this long says so. */
const LOAD_TIMEOUT_MS = 30_000

/**
 * The page around the hosted viewer. To the widget and the kernel it is a page like the embedded one; inside it stands
 * cellucid's own page, which knows nothing of either: commands are told it as its notebook would.
 */
export class Shell {
  readonly #launch: Launch
  readonly #signal: AbortSignal
  readonly #root: HTMLElement
  readonly #host: Promise<HostLink | null>
  #frame: HTMLIFrameElement | null = null
  /** The hosted page stood, and had to go. */
  #isAway = false
  /** Stands while the hosted viewer is fetched. */
  #progress: ProgressSheet | null = null
  #viewerToken = ''
  #viewerId = ''

  constructor(launch: Launch, signal: AbortSignal) {
    this.#launch = launch
    this.#signal = signal
    const root = document.getElementById('page')
    if (root === null) throw new Error('The page came without its root element.')
    this.#root = root
    const theme = (name: string) => {
      document.documentElement.dataset.theme = name
    }
    const darkness = matchMedia('(prefers-color-scheme: dark)')
    const asSystem = () => theme(darkness.matches ? 'dark' : 'light')
    asSystem()
    const hello = { viewerId: launch.viewerId ?? '' }
    this.#host = connectHost(window, hello, { theme, stalled: () => undefined })
    void this.#host.then((link) => {
      if (link === null) darkness.addEventListener('change', asSystem, { signal })
      else theme(link.start.theme)
    })
  }

  async open(capture: ConsoleCapture): Promise<void> {
    try {
      const access = await openAccess(this.#launch, {
        host: this.#host,
        wantsAgain: () => this.#untilWanted(),
        signal: this.#signal,
      })
      this.#viewerId = access.viewerId
      const channel = this.#openChannel(access)
      void this.#host.then((link) =>
        capture.tell((lines) => (link === null ? channel.event({ kind: 'console', lines }) : link.console(lines))),
      )
      await this.#showHosted(access)
    } catch (error) {
      await this.#fail(error)
    }
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#signal.aborted) return
    const sentence = sentenceOf(error)
    this.#root.replaceChildren(failureSheet(sentence))
    const link = await this.#host
    if (isOfTheWay(error)) link?.lost(sentence)
    else link?.failed(sentence)
  }

  /** Until the hosted page stands, say how far it is or why it cannot be had. */
  async #showHosted(access: Access): Promise<void> {
    for (let isAsked = false, loads = 0; ; ) {
      const answer = await ask(access, isAsked ? { kind: 'retry' } : null, this.#signal)
      isAsked = false
      if (answer.state.status === 'ready') {
        if (!(await this.#load(answer))) {
          if (++loads === MAX_LOADS) throw new Error(NOT_SHOWN)
          await delay(LOOK_EVERY_MS, this.#signal)
          continue
        }
        const { nObs } = await new ServerClient(access.transport).identity(this.#signal)
        document.documentElement.dataset.ready = 'true'
        ;(await this.#host)?.drawn(nObs)
        return
      }
      if (answer.state.status === 'unavailable') {
        await this.#offerWaysOut(access, answer)
        isAsked = true
      } else {
        await this.#showProgress(access, answer)
        await delay(LOOK_EVERY_MS, this.#signal)
      }
    }
  }

  async #showProgress(access: Access, { state, isServed }: HostedAnswer): Promise<void> {
    if (this.#progress === null) {
      this.#progress = progressSheet(state.source, { isServed }, [this.#embedded(access)])
      this.#root.replaceChildren(this.#progress.element)
      // What stands in the frame is worth seeing, though it is no picture yet.
      ;(await this.#host)?.failed('The hosted viewer is being fetched.')
    }
    this.#progress.tell(state)
  }

  /** Returns when the user wants to try again. */
  async #offerWaysOut(access: Access, { state, isServed }: HostedAnswer): Promise<void> {
    this.#progress = null
    ;(await this.#host)?.failed(`Viewer UI unavailable: ${state.lastError ?? 'it was never fetched.'}`)
    await new Promise<void>((again) => {
      const actions = [this.#embedded(access), { label: 'Try again', run: again }]
      this.#root.replaceChildren(unavailableSheet(state, { isServed }, actions))
    })
  }

  #embedded(access: Access): SheetAction {
    return { label: 'Use the embedded viewer', run: () => void this.#useEmbedded(access) }
  }

  async #useEmbedded(access: Access): Promise<void> {
    try {
      await ask(access, { kind: 'useEmbedded' }, this.#signal)
      const link = await this.#host
      // A tab finds its key again in its history.
      if (link === null) location.reload()
      else link.lost('The embedded viewer is shown in place of the hosted one.')
    } catch (error) {
      this.#root.replaceChildren(failureSheet(sentenceOf(error)))
    }
  }

  /** @returns false when something else than the hosted page came: its files are looked at again */
  async #load({ url, viewerToken }: HostedAnswer): Promise<boolean> {
    const frame = document.createElement('iframe')
    frame.title = 'Cellucid, the hosted viewer'
    frame.referrerPolicy = 'no-referrer'
    frame.allow = 'fullscreen; clipboard-write'
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
    frame.src = url
    this.#root.replaceChildren(frame)
    this.#progress = null
    await Promise.race([loaded, delay(LOAD_TIMEOUT_MS, this.#signal)])
    // Of our own origin, so that an error of the server's is told from a page.
    if (frame.contentDocument?.contentType !== 'text/html') return false
    this.#frame = frame
    this.#viewerToken = viewerToken
    return true
  }

  #openChannel(access: Access): ChannelClient {
    const lost = (reason: string) => void this.#host.then((link) => link?.lost(reason))
    const ignore = () => undefined
    const channel = new ChannelClient({
      ...access,
      handlers: {
        welcome: ignore,
        cellSet: ignore,
        reading: ignore,
        sorting: ignore,
        company: ignore,
        data: ignore,
        kernel: ignore,
        refused: ignore,
        connected: (isConnected) => this.#follow(access, isConnected),
        command: async (command, cells) => this.#pass(command, cells),
        lost,
      },
      signal: this.#signal,
    })
    void channel.run()
    return channel
  }

  /**
   * Without the connection nobody knows who answers in the server's place: the hosted page, which asks by itself, goes at
   * once, and is loaded anew when the server has proven itself again.
   */
  #follow(access: Access, isConnected: boolean): void {
    if (!isConnected && this.#frame !== null) {
      this.#frame = null
      this.#isAway = true
      this.#root.replaceChildren(failureSheet(AWAY))
    } else if (isConnected && this.#isAway) {
      this.#isAway = false
      this.#showHosted(access).catch((error: unknown) => this.#fail(error))
    }
  }

  #untilWanted(): Promise<void> {
    return new Promise((resolve) => {
      this.#root.replaceChildren(failureSheet(AWAY, [{ label: 'Try again', run: resolve }]))
    })
  }

  /** As cellucid's own notebook output does: a message to the frame's window, with the viewer's id and token. */
  #pass(command: Command, cells: Uint32Array | null): CommandOutcome {
    const message = hostedMessage(command, cells)
    if (message === null) {
      return { ok: false, reason: 'the hosted viewer knows no such command; show the data with ui="embedded"' }
    }
    const inner = this.#frame?.contentWindow
    if (inner == null) return { ok: false, reason: 'the hosted viewer is not there yet' }
    inner.postMessage({ ...message, viewerId: this.#viewerId, viewerToken: this.#viewerToken }, location.origin)
    return { ok: true }
  }
}

const AWAY = 'The connection to the viewer’s server is lost.'
const NOT_SHOWN =
  'The page of the hosted viewer was fetched, but the browser does not show it in its frame. Show the data with ' +
  'ui="embedded".'

/** How the hosted viewer stands. @param order what is to be done about it, `null`: nothing */
async function ask(
  { transport }: Access,
  order: { kind: 'retry' | 'useEmbedded' } | null,
  signal: AbortSignal,
): Promise<HostedAnswer> {
  const headers = { 'content-type': 'application/json' }
  const body = order === null ? null : new TextEncoder().encode(JSON.stringify(order))
  const method = order === null ? 'GET' : 'POST'
  const answer = await transport.call({ method, path: HOSTED_ROUTES.hosted, headers, body, signal })
  if (answer.status !== 200) throw failureOfAnswer(answer)
  return v.parse(hostedAnswerSchema, JSON.parse(new TextDecoder().decode(answer.body)))
}
