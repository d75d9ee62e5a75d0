import * as v from 'valibot'
import { colorBySchema, type PageState } from '../protocol/state.ts'
import { colorLabel } from './colorable.ts'
import type { Store } from './store.ts'

/**
 * What this page keeps of its own beside the fields that server and kernel know. Each may be absent or of a newer page:
 * what cannot be read is as if it were not there.
 */
const geneSetSchema = v.object({ axis: v.literal('set'), name: v.string(), keys: v.array(v.string()) })
const colorableSchema = v.variant('axis', [colorBySchema, geneSetSchema])
const rangeSchema = v.tuple([v.number(), v.number()])

const ownStateSchema = v.object({
  geneSet: v.fallback(v.nullable(geneSetSchema), null),
  ranges: v.fallback(v.array(v.object({ by: colorableSchema, range: rangeSchema })), []),
  scales: v.fallback(
    v.record(v.string(), v.object({ scale: v.string(), range: v.nullable(rangeSchema), isLog: v.boolean() })),
    {},
  ),
  /** obs key → category → CSS colour. */
  colors: v.fallback(v.record(v.string(), v.record(v.string(), v.string())), {}),
  pointSize: v.fallback(v.nullable(v.number()), null),
  opacity: v.fallback(v.nullable(v.number()), null),
  hasLabels: v.fallback(v.boolean(), true),
  background: v.fallback(v.nullable(v.picklist(['light', 'dark'])), null),
  recent: v.fallback(v.array(colorableSchema), []),
})
export type OwnState = Frozen<v.InferOutput<typeof ownStateSchema>>
type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T

export function ownStateOf(saved: PageState | null): OwnState {
  return v.parse(ownStateSchema, saved?.page ?? {})
}

/** The name under which a group's cells are kept. */
export const groupSet = (name: string) => `group/${name}`

/** The small state as the server keeps it; what only this page knows is under `page`. */
export function pageState(store: Store): PageState {
  const embedding = store.embedding.value
  const by = store.color.value?.by ?? null
  const filters = store.filters.value
  const hidden = filters.flatMap((filter) =>
    filter.kind === 'categories' ? [[colorLabel(filter.by), [...filter.hidden]] as [string, string[]]] : [],
  )
  const page: OwnState = {
    geneSet: by?.axis === 'set' ? by : null,
    ranges: filters.flatMap((filter) =>
      filter.kind === 'range' ? [{ by: filter.by, range: [filter.low, filter.high] as const }] : [],
    ),
    scales: store.scales.value,
    colors: store.categoryColors.value,
    pointSize: store.pointSize.value,
    opacity: store.opacity.value,
    hasLabels: store.hasLabels.value,
    background: store.background.value,
    recent: store.recent.value,
  }
  return {
    embedding: embedding?.key ?? null,
    ...(embedding === null ? {} : { dimensions: embedding.dimensions }),
    color: by?.axis === 'set' ? null : by,
    camera: store.camera.value,
    hiddenCategories: Object.fromEntries(hidden),
    page,
  }
}
