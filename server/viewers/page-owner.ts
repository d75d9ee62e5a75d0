import type { CellsHead } from '../../protocol/cells.ts'
import type { ViewerEvent } from '../../protocol/events.ts'
import type { InstanceId } from '../../protocol/probe.ts'
import type { PageState } from '../../protocol/state.ts'
import type { ConsoleRing } from './console-ring.ts'
import type { DataWatch } from './data-watch.ts'
import type { KernelPulse } from './kernel-status.ts'
import type { Outbox } from './outbox.ts'
import type { SortingWatch } from './sort-progress.ts'
import type { ViewerState } from './viewer-state.ts'

/** What all pages of a viewer have in common, as one of them sees it. */
export interface PageOwner<Page> {
  readonly instanceId: InstanceId
  readonly savesPictures: boolean
  readonly state: ViewerState
  readonly outbox: Outbox
  readonly console: ConsoleRing
  readonly pulse: KernelPulse
  readonly sorting: SortingWatch
  readonly data: DataWatch
  readonly primaryPage: Page | null
  /** One opened, or closed. */
  pagesChanged(): void
  /** Tell each page whose pages the others are, as far as they have names. */
  tellCompany(): void
  /** The user touched this page: it alone answers what only one page can. */
  touch(page: Page): void
  /** A page said what misses its schema. */
  refusePage(call: string, miss: string): void
  acknowledge(seq: number, ok: boolean, reason?: string): void
  keepState(page: PageState): void
  /** @param cells checked to fit `body` */
  keepCells(name: string, cells: CellsHead, body: Uint8Array): void
  forwardEvent(id: string, event: ViewerEvent, body: Uint8Array): void
  giveBack(): void
}
