import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { hiddenNames } from '../coloring-of.ts'
import { medoids } from '../medoids.ts'
import { categoryCounts } from '../scatter/coloring.ts'
import { usePage } from './page-context.ts'

/** More names than that are a carpet; the legend has them all. */
const MAX_LABELS = 60
const MAX_CHARACTERS = 28
/** CSS pixels of a label, near enough to keep labels apart. */
const CHARACTER_PX = 7
const LINE_PX = 16

type Label = { name: string; x: number; y: number }

/** The names of the categories at their cells. Where two would touch, the one with more cells stays. */
export function Labels(): VNode | null {
  const { viewer, picture, canvas } = usePage()
  const { store } = viewer
  const { color, embedding } = store
  const resized = useSignal(0)
  useEffect(() => {
    const observer = new ResizeObserver(() => resized.value++)
    observer.observe(canvas)
    return () => observer.disconnect()
  }, [])
  const column = color.value?.column.kind === 'codes' ? color.value.column : null
  const cells = useMemo(
    () => (column === null || embedding.value === null ? null : medoids(embedding.value, column)),
    [column, embedding.value],
  )
  const byCount = useMemo(() => {
    if (column === null) return []
    const counts = categoryCounts(column.codes, column.categories.length)
    return [...counts.keys()].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0))
  }, [column])
  if (!store.hasLabels.value || color.value === null || column === null || cells === null) return null
  // Read, so that a moved camera and a resized canvas move the labels.
  void [store.camera.value, resized.value]
  const hidden = hiddenNames(store, color.value)
  const labels: Label[] = []
  for (const code of byCount) {
    const name = column.categories[code] ?? ''
    const place = picture.scatter.screenPosition(cells[code] ?? -1)
    if (place === null || hidden.has(name) || labels.length >= MAX_LABELS) continue
    const label = { name: shortened(name), x: place[0], y: place[1] }
    if (labels.every((other) => !touches(label, other))) labels.push(label)
  }
  return (
    <svg class="labels" aria-hidden="true">
      {labels.map(({ name, x, y }) => (
        <text key={name} x={x} y={y}>
          {name}
        </text>
      ))}
    </svg>
  )
}

function touches(a: Label, b: Label): boolean {
  const width = ((a.name.length + b.name.length) / 2) * CHARACTER_PX
  return Math.abs(a.y - b.y) < LINE_PX && Math.abs(a.x - b.x) < width
}

function shortened(name: string): string {
  return name.length > MAX_CHARACTERS ? `${name.slice(0, MAX_CHARACTERS - 1)}…` : name
}
