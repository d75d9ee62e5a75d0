import { type Signal, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { CodesColumn } from '../../protocol/column-frame.ts'
import type { CloserLook } from '../store.ts'
import { CellTable } from './cell-table.tsx'
import { Choice, plainOptions } from './choice.tsx'
import { CloseButton } from './close-button.tsx'
import { DotPlot } from './dot-plot.tsx'
import { usePage } from './page-context.ts'
import { Violins } from './violins.tsx'

const VIEWS = [
  ['violins', 'Violins'],
  ['dots', 'Dot plot'],
  ['table', 'Table'],
] as const

/** The categories that stand side by side. */
export type Grouping = { key: string; column: CodesColumn }

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

/** Which field's categories stand side by side. */
function GroupingChoice({ by }: { by: Signal<Grouping | null> }): VNode {
  const { viewer } = usePage()
  const { identity, recent, closerLook } = viewer.store
  const keys = (identity.value?.obs ?? []).flatMap(({ key, kind }) => (kind === 'categorical' ? [key] : []))
  const lately = recent.value.flatMap((color) => (color.axis === 'obs' ? [color.key] : []))
  const wanted = [closerLook.value.by, ...lately, ...keys].find((key) => key !== null && keys.includes(key))
  useEffect(() => {
    const stop = new AbortController()
    if (wanted === undefined || wanted === null) return
    viewer.column({ axis: 'obs', key: wanted }, stop.signal).then((column) => {
      if (column.kind === 'codes') by.value = { key: wanted, column }
    }, viewer.failed('grouping'))
    return () => stop.abort()
  }, [wanted])
  return (
    <Choice
      label="By the categories of"
      options={plainOptions(keys)}
      at={keys.indexOf(wanted ?? '')}
      onChoose={(key) => (closerLook.value = { ...closerLook.value, by: key })}
    />
  )
}
