import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { History } from '../history.ts'
import type { Picture } from '../picture.ts'
import type { Viewer } from '../viewer.ts'
import type { ViewerSession } from '../viewer-session.ts'

/** What every part of the panel works on. */
export type PageContext = {
  viewer: Viewer
  picture: Picture
  /** The canvas that the picture draws on. */
  canvas: HTMLCanvasElement
  history: History
  /** Hears what the user points at. */
  session: Pick<ViewerSession, 'tellHover' | 'tellClick'>
}

export const PageContextProvider = createContext<PageContext | null>(null)

export function usePage(): PageContext {
  const page = useContext(PageContextProvider)
  if (page === null) throw new Error('A part of the panel stands outside the page.')
  return page
}
