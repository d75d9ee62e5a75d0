import * as v from 'valibot'
import { matrixSchema } from '../../protocol/matrix.ts'
import { colorBySchema, type PageState } from '../../protocol/state.ts'
import { colorLabel } from '../columns/colorable.ts'
import { type Store, setValues, valuesOf } from './store.ts'

/**
 * What this page keeps of its own beside the fields that server and kernel know. Each may be absent or of a newer page:
 * what cannot be read is as if it were not there.
 */
const geneSetSchema = v.object({
  axis: v.literal('set'),
  name: v.string(),
  keys: v.array(v.string()),
  matrix: matrixSchema,
})
const colorableSchema = v.variant('axis', [colorBySchema, geneSetSchema])
const rangeSchema = v.tuple([v.number(), v.number()])

/** Settings that are kept as they are in the store. */
const settings = {
  scales: v.fallback(
    v.record(v.string(), v.object({ scale: v.string(), range: v.nullable(rangeSchema), isLog: v.boolean() })),
    {},
  ),
  /** obs key → category → CSS colour. */
  categoryColors: v.fallback(v.record(v.string(), v.record(v.string(), v.string())), {}),
  asCategories: v.fallback(v.array(v.string()), []),
  chosenMatrix: v.fallback(v.nullable(matrixSchema), null),
  pointSize: v.fallback(v.nullable(v.number()), null),
  opacity: v.fallback(v.nullable(v.number()), null),
  hasLabels: v.fallback(v.boolean(), true),
  background: v.fallback(v.nullable(v.picklist(['light', 'dark'])), null),
  recent: v.fallback(v.array(colorableSchema), []),
  fields: v.fallback(v.nullable(v.array(colorableSchema)), null),
  height: v.fallback(v.nullable(v.number()), null),
  isPanelOpen: v.fallback(v.nullable(v.boolean()), null),
  closerLook: v.fallback(
    v.object({
      view: v.nullable(v.picklist(['violins', 'dots', 'table'])),
      by: v.nullable(v.string()),
      genes: v.array(v.string()),
    }),
    { view: null, by: null, genes: [] },
  ),
}
const SETTINGS = Object.keys(settings) as (keyof typeof settings)[] // of an object that nobody else made
const ownStateSchema = v.object({
  geneSet: v.fallback(v.nullable(geneSetSchema), null),
  ranges: v.fallback(v.array(v.object({ by: colorableSchema, range: rangeSchema })), []),
  ...settings,
})
export type OwnState = Frozen<v.InferOutput<typeof ownStateSchema>>
type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T

export function ownStateOf(saved: PageState | null): OwnState {
  return v.parse(ownStateSchema, saved?.page ?? {})
}

/** Look as the viewer was left. */
export function restoreSettings(store: Store, { geneSet: _, ranges: __, ...settings }: OwnState): void {
  setValues<(typeof SETTINGS)[number]>(store, settings)
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
    ...valuesOf(store, SETTINGS),
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
