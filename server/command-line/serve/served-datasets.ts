import { randomBytes } from 'node:crypto'
import type { OpenOptions } from '../../../protocol/pipe.ts'
import type { ViewerId, ViewerToken } from '../../../protocol/probe.ts'
import type { HostedUi } from '../../hosted-ui/hosted-ui.ts'
import { HostedViewer } from '../../hosted-ui/hosted-viewer.ts'
import { openSource, type SourceSettings } from '../../sources/open-source.ts'
import type { KernelLink } from '../../viewers/kernel-notifier.ts'
import { KernelPulse } from '../../viewers/kernel-status.ts'
import type { Viewer } from '../../viewers/viewer.ts'
import type { Viewers } from '../../viewers/viewer-registry.ts'
import type { FoundDataset } from './find-datasets.ts'

/** A dataset with the name and secret of its viewer, which is there once somebody wants to see it. */
export type Shelved = FoundDataset & { viewerId: ViewerId; viewerToken: ViewerToken }

export type ShelfParts = {
  settings: SourceSettings
  view: OpenOptions
  /** Shows them; `null`: the embedded viewer does. */
  hosted: HostedUi | null
}

/** The datasets of one `serve`, each opened when it is first asked for. */
export class Shelf {
  readonly #viewers: Viewers
  readonly #parts: ShelfParts
  readonly #byPath = new Map<string, Shelved>()
  readonly #opening = new Map<string, Promise<Viewer>>()

  constructor(viewers: Viewers, parts: ShelfParts) {
    this.#viewers = viewers
    this.#parts = parts
  }

  /** In the order in which they came. */
  get datasets(): readonly Shelved[] {
    return [...this.#byPath.values()]
  }

  /** What is on the shelf keeps its place; what is new comes behind. */
  add(found: readonly FoundDataset[]): void {
    for (const dataset of found) {
      const known = this.#byPath.get(dataset.path)
      this.#byPath.set(dataset.path, { ...(known ?? makeSecrets()), ...dataset })
    }
  }

  isOpen({ viewerId }: Shelved): boolean {
    return this.#viewers.get(viewerId) !== null
  }

  /** The dataset's viewer, its file opened and checked. @throws DataError; the next call tries again */
  async open(dataset: Shelved): Promise<Viewer> {
    const known = this.#opening.get(dataset.path)
    if (known !== undefined) return known
    const opening = this.#open(dataset)
    this.#opening.set(dataset.path, opening)
    try {
      return await opening
    } catch (error) {
      this.#opening.delete(dataset.path)
      throw error
    }
  }

  async #open({ asked, name, viewerId, viewerToken }: Shelved): Promise<Viewer> {
    const { settings, view, hosted: ui } = this.#parts
    const source = await openSource({ kind: 'path', path: asked }, { ...view, name }, noKernel, settings)
    return this.#viewers.open({
      id: viewerId,
      token: viewerToken,
      kernel: NO_KERNEL,
      source: Promise.resolve(source),
      pulse: new KernelPulse(() => undefined),
      state: null,
      savesPictures: false,
      hosted: ui === null ? null : new HostedViewer(ui, { isServed: true }),
    })
  }
}

/** Nobody listens to what pages say but the page itself. */
const NO_KERNEL: KernelLink = { notify: () => Promise.resolve() }

function noKernel(): Promise<never> {
  return Promise.reject(new Error('There is no kernel to read from.'))
}

/** @returns a viewer's name and secret, as a kernel makes them */
export function makeSecrets(): { viewerId: ViewerId; viewerToken: ViewerToken } {
  return {
    viewerId: randomBytes(8).toString('hex') as ViewerId, // 8 bytes are 16 hex characters
    viewerToken: randomBytes(32).toString('hex') as ViewerToken, // 32 bytes are 64
  }
}
