import type { Signal } from '@preact/signals'
import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { CodesColumn } from '../../protocol/column-frame.ts'
import { CellTable } from './cell-table.tsx'
import { Choice, plainOptions } from './choice.tsx'
import { CloseButton } from './close-button.tsx'
import { usePage } from './page-context.ts'
import { Violins } from './violins.tsx'

const VIEWS = ['Violins', 'Table'] as const

/** A closer look, below the picture: how genes spread over categories, and the selected cells one by one. */
export function Drawer({ isOpen }: { isOpen: Signal<boolean> }): VNode | null {
  const view = useSignal<(typeof VIEWS)[number]>('Violins')
  const by = useSignal<{ key: string; column: CodesColumn } | null>(null)
  if (!isOpen.value) return null
  return (
    <section class="drawer" aria-label="A closer look">
      <div class="row">
        <div class="tabs" role="tablist">
          {VIEWS.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={view.value === name}
              onClick={() => (view.value = name)}
            >
              {name}
            </button>
          ))}
        </div>
        {view.value === 'Table' ? null : <GroupingChoice by={by} />}
        <CloseButton label="Close" onClick={() => (isOpen.value = false)} />
      </div>
      <div class="chart">
        {view.value === 'Table' ? <CellTable /> : null}
        {view.value === 'Violins' && by.value !== null ? <Violins by={by.value.column} /> : null}
      </div>
    </section>
  )
}

/** Which field's categories stand side by side. */
function GroupingChoice({ by }: { by: Signal<{ key: string; column: CodesColumn } | null> }): VNode {
  const { viewer } = usePage()
  const { identity, recent } = viewer.store
  const keys = (identity.value?.obs ?? []).flatMap(({ key, kind }) => (kind === 'categorical' ? [key] : []))
  const lately = recent.value.find((color) => color.axis === 'obs' && keys.includes(color.key))
  const wanted = useSignal(lately?.axis === 'obs' ? lately.key : keys[0])
  useEffect(() => {
    const stop = new AbortController()
    const key = wanted.value
    if (key === undefined) return
    viewer.column({ axis: 'obs', key }, stop.signal).then((column) => {
      if (column.kind === 'codes') by.value = { key, column }
    }, viewer.failed('grouping'))
    return () => stop.abort()
  }, [wanted.value])
  return (
    <Choice
      label="By the categories of"
      options={plainOptions(keys)}
      at={keys.indexOf(wanted.value ?? '')}
      onChoose={(key) => (wanted.value = key)}
    />
  )
}
