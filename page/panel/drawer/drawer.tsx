import { type Signal, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { groupingsFor } from '../../columns/suggestions.ts'
import type { CloserLook } from '../../state/store.ts'
import { CloseButton } from '../controls/close-button.tsx'
import { Combobox } from '../controls/combobox.tsx'
import { usePage } from '../page-context.ts'
import { CellTable } from './cell-table.tsx'
import { DotPlot } from './dot-plot.tsx'
import type { Grouping } from './grouping.ts'
import { Violins } from './violins.tsx'

const VIEWS = [
  ['violins', 'Violins'],
  ['dots', 'Dot plot'],
  ['table', 'Table'],
] as const

/** A closer look, below the picture: how genes spread over categories, and the selected cells one by one. */
export function Drawer(): VNode | null {
  const { closerLook } = usePage().viewer.store
  const by = useSignal<Grouping | null>(null)
  const { view } = closerLook.value
  const show = (wanted: CloserLook['view']) => () => {
    closerLook.value = { ...closerLook.value, view: wanted }
  }
  if (view === null) return null
  return (
    <section class="drawer" aria-label="A closer look">
      <div class="row">
        {VIEWS.map(([name, text]) => (
          <button key={name} type="button" aria-pressed={view === name} onClick={show(name)}>
            {text}
          </button>
        ))}
        {view === 'table' ? null : <GroupingChoice by={by} />}
        <CloseButton label="Close" onClick={show(null)} />
      </div>
      {/* What scrolls has to be reached by keys; a table scrolls itself. */}
      <div class="chart" tabIndex={view === 'table' ? -1 : 0}>
        {view === 'table' ? <CellTable /> : null}
        {view === 'violins' && by.value !== null ? <Violins by={by.value} /> : null}
        {view === 'dots' && by.value !== null ? <DotPlot by={by.value} /> : null}
      </div>
    </section>
  )
}

/** Which field's categories stand side by side; there may be thousands. */
function GroupingChoice({ by }: { by: Signal<Grouping | null> }): VNode {
  const { viewer } = usePage()
  const { identity, recent, closerLook, renewals, asCategories } = viewer.store
  const typed = useSignal('')
  const box = useRef<HTMLInputElement>(null)
  const numbers = new Set(asCategories.value)
  const keys = (identity.value?.obs ?? []).flatMap(({ key, kind }) =>
    kind === 'categorical' || numbers.has(key) ? [key] : [],
  )
  const offered = new Set(keys)
  const lately = recent.value.flatMap((color) => (color.axis === 'obs' ? [color.key] : []))
  const wanted = [closerLook.value.by, ...lately, ...keys].find((key) => key !== null && offered.has(key))
  useEffect(() => {
    const stop = new AbortController()
    if (wanted === undefined || wanted === null) return
    viewer.column({ axis: 'obs', key: wanted }, stop.signal).then((column) => {
      if (column.kind === 'codes') by.value = { key: wanted, column }
    }, viewer.failed('grouping'))
    return () => stop.abort()
  }, [wanted, renewals.value])
  const query = typed.value.trim()
  return (
    <Combobox
      id="grouping"
      label="By the categories of"
      placeholder="field"
      shown={wanted ?? ''}
      typed={typed}
      suggestions={groupingsFor(keys, query)}
      isComplete
      nothing={`No field of categories matches “${query}”.`}
      inputRef={box}
      onChoose={({ label }) => {
        closerLook.value = { ...closerLook.value, by: label }
      }}
    />
  )
}
