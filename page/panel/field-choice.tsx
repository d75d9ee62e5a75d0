import type { VNode } from 'preact'
import { type Colorable, colorLabel, isSameColor } from '../colorable.ts'
import { usePage } from './page-context.ts'

/** What pointer and table say of a cell: fields, and the genes that coloured lately. */
export function FieldChoice(): VNode {
  const { identity, fields, recent } = usePage().viewer.store
  const chosen = fields.value ?? recent.value
  const offered: Colorable[] = (identity.value?.obs ?? []).flatMap(({ key, kind }) =>
    kind === 'categorical' || kind === 'continuous' ? [{ axis: 'obs', key }] : [],
  )
  for (const by of [...chosen, ...recent.value]) if (!offered.some((other) => isSameColor(other, by))) offered.push(by)
  return (
    <details>
      <summary class="heading">On hover and in the table</summary>
      <div class="fields">
        {offered.map((by) => {
          const others = chosen.filter((other) => !isSameColor(other, by))
          const isChosen = others.length < chosen.length
          return (
            <label class="check" key={colorLabel(by)}>
              <input
                type="checkbox"
                checked={isChosen}
                onChange={() => (fields.value = isChosen ? others : [...chosen, by])}
              />
              {colorLabel(by)}
            </label>
          )
        })}
      </div>
    </details>
  )
}
