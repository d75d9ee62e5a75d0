import { useComputed, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Gestures, type Point } from '../../input/gestures.ts'
import { canvasKeys } from '../../input/keyboard.ts'
import { usePage } from '../page-context.ts'
import { Labels } from './category-labels.tsx'
import { Summary } from './picture-summary.tsx'
import { Status } from './status.tsx'
import { Tooltip } from './tooltip.tsx'

type StageProps = { onSearch(): void; onHelp(): void }

/** The canvas with what lies on it: labels, outline, tooltip and the sentences about what is going on. */
export function Stage({ onSearch, onHelp }: StageProps): VNode {
  const { viewer, picture, canvas, session } = usePage()
  const { store } = viewer
  const frame = useRef<HTMLDivElement>(null)
  const outline = useSignal<readonly Point[] | null>(null)
  const hover = useSignal<{ cell: number; at: Point } | null>(null)
  const corners = useComputed(() => outline.value?.join(' ') ?? '')

  useLayoutEffect(() => {
    frame.current?.prepend(canvas)
    const handlers = {
      tool: () => store.tool.value,
      is3d: () => store.embedding.value?.dimensions === 3,
      outline: (points: readonly Point[] | null) => {
        outline.value = points
      },
      selected: viewer.select.bind(viewer),
      clicked: (cell: number | null, how: Parameters<typeof viewer.select>[1], event: PointerEvent) => {
        session.tellClick(cell, event)
        // A plain click looks; only one with a key changes what is selected.
        if (cell !== null && how !== 'replace') viewer.select(Uint32Array.of(cell), how, 'click')
      },
      hovered: (cell: number | null, at: Point) => {
        if (cell !== (hover.value?.cell ?? null)) session.tellHover(cell)
        hover.value = cell === null ? null : { cell, at }
      },
    }
    const gestures = new Gestures(canvas, picture.scatter, handlers)
    const keys = canvasKeys({ viewer, scatter: picture.scatter, gestures, search: onSearch, help: onHelp })
    canvas.addEventListener('keydown', keys)
    // The page's parts are made once, before the first drawing, and stand as long as it does.
  }, [])

  return (
    <div class="stage" ref={frame} data-tool={store.tool.value}>
      <Labels />
      <svg class="outline" aria-hidden="true">
        <polygon points={corners} />
      </svg>
      <Status />
      {hover.value === null ? null : <Tooltip cell={hover.value.cell} at={hover.value.at} />}
      <Summary canvas={canvas} />
    </div>
  )
}
