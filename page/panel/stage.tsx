import { useComputed, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { attachGestures, type Point } from '../gestures.ts'
import { canvasKeys } from '../keyboard.ts'
import { usePage } from './page-context.ts'
import { Status } from './status.tsx'
import { Summary } from './summary.tsx'
import { Tooltip } from './tooltip.tsx'

type StageProps = { onSearch(): void; onHelp(): void }

/** The canvas with what lies on it: lasso, tooltip and the sentences about what is going on. */
export function Stage({ onSearch, onHelp }: StageProps): VNode {
  const { viewer, picture, canvas, session } = usePage()
  const { store } = viewer
  const frame = useRef<HTMLDivElement>(null)
  const lasso = useSignal<readonly Point[] | null>(null)
  const hover = useSignal<{ cell: number; at: Point } | null>(null)
  const outline = useComputed(() => lasso.value?.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ') ?? '')

  useLayoutEffect(() => {
    frame.current?.prepend(canvas)
    const stop = new AbortController()
    const gestures = attachGestures(
      canvas,
      picture.scatter,
      {
        isLassoTool: () => store.tool.value === 'lasso',
        is3d: () => store.embedding.value?.dimensions === 3,
        lasso: (points) => {
          lasso.value = points
        },
        selected: (cells, how) => viewer.select(cells, how, 'lasso'),
        clicked: (cell, event) => session.tellClick(cell, event),
        hovered: (cell, at) => {
          if (cell !== hover.value?.cell) session.tellHover(cell)
          hover.value = cell === null ? null : { cell, at }
        },
      },
      stop.signal,
    )
    const keys = canvasKeys({ viewer, scatter: picture.scatter, gestures, search: onSearch, help: onHelp })
    canvas.addEventListener('keydown', keys, { signal: stop.signal })
    return () => stop.abort()
    // The page's parts are made once, before the first drawing.
  }, [])

  return (
    <div class="stage" ref={frame} data-tool={store.tool.value}>
      <svg class="lasso" aria-hidden="true">
        <polygon points={outline} />
      </svg>
      {hover.value === null ? null : <Tooltip cell={hover.value.cell} at={hover.value.at} />}
      <Status />
      <Summary canvas={canvas} />
    </div>
  )
}
