import type { CellsHead, EncodedCells } from '../../protocol/cells.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { MAX_STATE_BYTES, type PageState } from '../../protocol/state.ts'
import { LIMITS } from '../process/limits.ts'

/** The last state of a viewer's pages: what a new page, a reload or a second tab starts from. */
export class ViewerState {
  #page: PageState | null
  readonly #cellSets = new Map<string, EncodedCells>()
  #cellSetBytes = 0

  constructor(page: PageState | null) {
    this.#page = page
  }

  get page(): PageState | null {
    return this.#page
  }

  /** Nobody has used the viewer yet. */
  get isEmpty(): boolean {
    return this.#page === null && this.#cellSets.size === 0
  }

  get cellSets(): ReadonlyMap<string, EncodedCells> {
    return this.#cellSets
  }

  /** @throws ProtocolError `too_large` */
  setPage(page: PageState): void {
    const bytes = Buffer.byteLength(JSON.stringify(page))
    if (bytes > MAX_STATE_BYTES) {
      throw new ProtocolError('too_large', `The page's state is ${bytes} bytes; at most ${MAX_STATE_BYTES} are kept.`)
    }
    this.#page = page
  }

  /**
   * Keep a set of cells, checked already; an empty one removes the name.
   * @param body copied where it is a part of something larger
   * @throws ProtocolError `too_large` past the number or the bytes of sets kept
   */
  setCells(name: string, head: CellsHead, body: Uint8Array): void {
    const before = this.#cellSets.get(name)
    const others = this.#cellSetBytes - (before?.body.byteLength ?? 0)
    if (head.count === 0) {
      this.#cellSets.delete(name)
      this.#cellSetBytes = others
      return
    }
    const isNewPastLimit = before === undefined && this.#cellSets.size >= LIMITS.cellSetsPerViewer
    if (isNewPastLimit || others + body.byteLength > LIMITS.cellSetBytesPerViewer) {
      throw new ProtocolError('too_large', 'Too many groups of cells are kept for this viewer. Remove one first.')
    }
    const isOwn = body.byteLength === body.buffer.byteLength
    this.#cellSets.set(name, { head, body: isOwn ? body : body.slice() })
    this.#cellSetBytes = others + body.byteLength
  }
}
