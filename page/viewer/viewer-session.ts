import type { Identity } from '../../protocol/identity.ts'
import type { PageState } from '../../protocol/state.ts'
import { colorTitle } from '../columns/colorable.ts'
import { ChannelClient, type ChannelHandlers } from '../connection/channel-client.ts'
import type { Access } from '../connection/page-access.ts'
import { ServerClient } from '../connection/server-client.ts'
import { sentenceOf } from '../connection/server-failure.ts'
import { takeCellSet } from '../state/cell-set-state.ts'
import { tellCompany } from '../state/company.ts'
import { History } from '../state/history.ts'
import type { Store } from '../state/store.ts'
import { CommandOrder } from './command-order.ts'
import { applyCommand } from './commands.ts'
import type { Picture } from './picture.ts'
import { fittingPicture, keepSnapshot } from './snapshot.ts'
import { Reporter } from './state-reporter.ts'
import { type PictureControls, Viewer } from './viewer.ts'

type SessionOptions = {
  store: Store
  /** The server will not come back by itself; the sentence says why. */
  lost(reason: string): void
  signal: AbortSignal
}

/** What the server takes in one body. */
const MAX_SCREENSHOT_BYTES = 500_000

/** One page at one server: the viewer, and the channel that tells it what to do and the kernel what was done. */
export class ViewerSession {
  readonly viewer: Viewer
  readonly channel: ChannelClient
  readonly history: History
  /** What {@link freezeOutOfSight} returned, once there is a picture to freeze. */
  readonly freezer = Promise.withResolvers<() => Promise<void>>()
  readonly #store: Store
  readonly #access: Access
  readonly #signal: AbortSignal
  readonly #reporter: Reporter
  readonly #savesNoPictures = new AbortController()
  readonly #savedState = Promise.withResolvers<PageState | null>()
  readonly #lost: (reason: string) => void
  readonly #order = new CommandOrder()
  #started: Promise<Identity> = Promise.reject(new Error('The viewer has not started.'))

  constructor(access: Access, { store, lost, signal }: SessionOptions) {
    this.#access = access
    this.#signal = signal
    this.#store = store
    this.#lost = lost
    this.viewer = new Viewer(store, new ServerClient(access.transport), signal)
    this.channel = new ChannelClient({ ...access, handlers: this.#handlers(), signal })
    this.#reporter = new Reporter(store, this.channel)
    this.history = new History(store)
    this.#started.catch(() => undefined)
  }

  /**
   * Ask for the first picture's data, then make what draws it: a graphics context takes its time, and they come meanwhile.
   * @returns the picture, and when it stands; `shown` rejects with what kept it from being drawn, a sentence
   */
  start(makePicture: () => Picture): { picture: Picture; shown: Promise<Identity> } {
    this.#started = this.viewer.start(this.#savedState.promise)
    this.#started.catch(() => undefined) // Awaited below, unless the browser cannot draw.
    void this.channel.run()
    const picture = makePicture()
    this.viewer.picture = picture
    return { picture, shown: this.#shown(picture) }
  }

  async #shown(picture: Picture): Promise<Identity> {
    const identity = await this.#started
    await this.viewer.whenPlaced()
    await picture.whenDrawn()
    this.#reporter.begin()
    this.history.begin()
    const signal = AbortSignal.any([this.#signal, this.#savesNoPictures.signal])
    keepSnapshot(this.#store, picture, this.viewer.client, signal)
    const dimensions = this.#store.embedding.value?.dimensions ?? 0
    this.#reporter.flush() // before `ready`: who waits for it reads what is shown
    this.channel.event({ kind: 'ready', nCells: identity.nObs, dimensions })
    return identity
  }

  /** @param cell under the pointer, `null` for none */
  tellHover(cell: number | null): void {
    this.channel.event({ kind: 'hover', cell, position: this.#positionOf(cell) })
  }

  tellClick(cell: number | null, { button, shiftKey, ctrlKey }: PointerEvent): void {
    this.channel.event({ kind: 'click', cell, button, shift: shiftKey, ctrl: ctrlKey })
  }

  #handlers(): ChannelHandlers {
    const store = this.#store
    let saved: PageState | null = null
    let setsToCome = 0
    return {
      welcome: ({ state, cellSets, savesPictures }) => {
        if (!savesPictures) this.#savesNoPictures.abort()
        saved = state
        setsToCome = cellSets
        if (cellSets === 0) this.#savedState.resolve(state)
      },
      cellSet: (name, cells) => {
        takeCellSet(store, name, cells)
        if (--setsToCome === 0) this.#savedState.resolve(saved)
      },
      command: (command, cells, body) => {
        const context = {
          viewer: this.viewer,
          identity: this.#started,
          event: this.channel.event.bind(this.channel),
          screenshot: ({ requestId, scale }: { requestId: string; scale: number }) =>
            this.#screenshot(requestId, scale),
          freeze: async () => (await this.freezer.promise)(),
          report: () => this.#report(),
        }
        return this.#order.run(command, async () => {
          const outcome = await applyCommand(context, command, cells, body)
          this.#reporter.flush()
          return outcome
        })
      },
      kernel: (status) => {
        store.kernel.value = status
      },
      reading: (done) => {
        store.reading.value = done
      },
      sorting: (sorting) => {
        store.sorting.value = sorting
      },
      data: (version, isAnew) => {
        const told = this.#started.then(() => this.viewer.dataChanged(version, isAnew))
        told.catch(() => undefined) // Its sentence is in its place.
      },
      company: (others) => tellCompany(store, others),
      refused: (reason) => {
        store.notify({ topic: 'refused', level: 'error', text: reason })
      },
      connected: (isConnected) => {
        store.isConnected.value = isConnected
      },
      lost: (reason) => {
        // Without a channel there is no saved state to wait for.
        this.#savedState.resolve(null)
        this.#lost(reason)
      },
    }
  }

  /** Genes are kept sorted no longer: the kernel's memory is wanted for something else. */
  giveBack(): void {
    this.channel.giveBack()
  }

  async #screenshot(requestId: string, scale: number): Promise<void> {
    try {
      const picture = this.viewer.picture as PictureControls // made before the identity that every command waits for
      await picture.whenDrawn()
      const png = await fittingPicture(picture, scale, MAX_SCREENSHOT_BYTES)
      await this.viewer.client.putSnapshot(png, requestId, this.#signal)
    } catch (error) {
      this.channel.event({ kind: 'screenshot', requestId, reason: sentenceOf(error) })
      throw error
    }
  }

  /** In the dataset's own coordinates. */
  #positionOf(cell: number | null): number[] | null {
    const embedding = this.#store.embedding.value
    if (cell === null || embedding === null) return null
    const { dimensions, positions, center, scale } = embedding
    const at = positions.subarray(cell * dimensions, (cell + 1) * dimensions)
    return Array.from(at, (value, axis) => value * scale + (center[axis] ?? 0))
  }

  /** What this page knows of itself, for `debug_connection()`. */
  #report(): Record<string, unknown> {
    const { identity, embedding, color, isConnected, pending, notices } = this.#store
    return {
      transport: this.#access.transport.kind,
      isConnected: isConnected.value,
      cells: identity.value?.nObs ?? null,
      embedding: embedding.value?.key ?? null,
      color: color.value === null ? null : colorTitle(color.value.by),
      pending: [...pending.value.values()],
      notices: notices.value.map(({ text }) => text),
      droppedMessages: this.channel.dropped,
      canvas: [innerWidth, innerHeight, devicePixelRatio],
      userAgent: navigator.userAgent,
    }
  }
}
