import type { History } from '../state/history.ts'
import type { Picture } from '../viewer/picture.ts'
import type { Viewer } from '../viewer/viewer.ts'
import type { ViewerSession } from '../viewer/viewer-session.ts'

/** What every part of the panel works on. */
export type PageContext = {
  viewer: Viewer
  picture: Picture
  /** The canvas that the picture draws on. */
  canvas: HTMLCanvasElement
  history: History
  /** Hears what the user points at, and what the kernel is to do. */
  session: Pick<ViewerSession, 'tellHover' | 'tellClick' | 'giveBack'>
}

let page: PageContext

/** One document is one page, so that its parts need no context to find it. Before the first of them is drawn. */
export function providePage(given: PageContext): void {
  page = given
}

export function usePage(): PageContext {
  return page
}
