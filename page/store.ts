import { computed, type ReadonlySignal, signal } from '@preact/signals'
import type { Column, Embedding } from '../protocol/column-frame.ts'
import type { Identity } from '../protocol/identity.ts'
import type { Camera, ColorBy } from '../protocol/state.ts'
import type { KernelStatus } from './channel-client.ts'
import type { Theme } from './scatter/scatter.ts'

/** A colour that is on screen: what it is and the column that was read for it. */
export type ShownColor = { by: ColorBy; column: Column }
/** How the user wants a continuous colour drawn; `null`: from the column. */
export type ScaleSettings = { scale: string; range: readonly [number, number] | null }
/** Who made the selection: the user with which tool, a command, or the state the page started from. */
export type SelectionSource = 'lasso' | 'legend' | 'click' | 'panel' | 'command' | 'state'
/** `cells` ascending and unique. */
export type Selection = { cells: Uint32Array; source: SelectionSource }
/** A sentence in place. `error` stays until it is closed or the next try works. */
export type Notice = { topic: string; level: 'info' | 'error'; text: string }

const NO_CELLS = new Uint32Array(0)

/** All that the page knows and shows. Panel and commands write it by way of the Viewer; the picture follows by effect. */
export class Store {
  readonly identity = signal<Identity | null>(null)
  readonly embedding = signal<Embedding | null>(null)
  readonly color = signal<ShownColor | null>(null)
  /** obs key → names of its categories that the legend hides. */
  readonly hiddenCategories = signal<Readonly<Record<string, readonly string[]>>>({})
  /** Name of a colour (column-cache's colorName) → its scale. */
  readonly scales = signal<Readonly<Record<string, ScaleSettings>>>({})
  readonly selection = signal<Selection>({ cells: NO_CELLS, source: 'state' })
  /** CSS colour → its cells; later ones are drawn over earlier ones. */
  readonly highlights = signal<ReadonlyMap<string, Uint32Array>>(new Map())
  readonly hiddenCells = signal<Uint32Array>(NO_CELLS)
  readonly camera = signal<Camera | null>(null)
  readonly theme = signal<Theme>('light')
  readonly tool = signal<'pan' | 'lasso'>('pan')

  /** What is being read, as the user knows it: "CD3D", "UMAP". Topic → text. */
  readonly pending = signal<ReadonlyMap<string, string>>(new Map())
  readonly notices = signal<readonly Notice[]>([])
  /** `null`: the first connection is still on its way. */
  readonly isConnected = signal<boolean | null>(null)
  readonly kernel = signal<KernelStatus>('idle')
  /** Tunnel: requests wait for the running cell. */
  readonly isStalled = signal(false)
  /** The first picture stands. */
  readonly isReady = signal(false)
  /** The page cannot go on; the sentence says why. */
  readonly fatal = signal<string | null>(null)

  readonly cellCount: ReadonlySignal<number> = computed(() => this.identity.value?.nObs ?? 0)

  /** Say that something is being read, and take back what was said of its topic before. */
  begin(topic: string, what: string): void {
    this.dismiss(topic)
    this.pending.value = new Map(this.pending.value).set(topic, what)
  }

  end(topic: string): void {
    const pending = new Map(this.pending.value)
    pending.delete(topic)
    this.pending.value = pending
  }

  notify(notice: Notice): void {
    this.notices.value = [...this.notices.value.filter(({ topic }) => topic !== notice.topic), notice]
  }

  dismiss(topic: string): void {
    if (this.notices.value.some((notice) => notice.topic === topic)) {
      this.notices.value = this.notices.value.filter((notice) => notice.topic !== topic)
    }
  }
}
