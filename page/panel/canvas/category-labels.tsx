import { useComputed, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { canvasMeasure } from '../../scatter/export/picture-canvas.ts'
import { placeLabels } from '../../scatter/labels.ts'
import { labelsOf } from '../../state/picture-content.ts'
import { usePage } from '../page-context.ts'

/** The names of the categories at their cells. Where two would touch, the one with more cells stays. */
export function Labels(): VNode {
  const { viewer, picture, canvas } = usePage()
  const { store } = viewer
  const resized = useSignal(0)
  useEffect(() => {
    const observer = new ResizeObserver(() => resized.value++)
    observer.observe(canvas) // as long as the page stands
  }, [])
  const labels = useComputed(() => labelsOf(store))
  // Read, so that a moved camera and a resized canvas move the labels.
  void [store.camera.value, resized.value]
  const screen = {
    width: canvas.clientWidth,
    height: canvas.clientHeight,
    project: (at: readonly [number, number, number]) => picture.scatter.projectPoint(at),
  }
  return (
    <svg class="labels" aria-hidden="true">
      {placeLabels(labels.value, screen, canvasMeasure()).map(({ text, x, y }) => (
        <text key={text} x={x} y={y}>
          {text}
        </text>
      ))}
    </svg>
  )
}
