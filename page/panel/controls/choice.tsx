import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'

type ChoiceProps<Value> = {
  label: string
  options: readonly { value: Value; text: string }[]
  /** Index of the option that holds now; below 0 none does, and one has to be chosen. */
  at: number
  /** What it returns is waited for: until then the list shows what was chosen, and then what holds. */
  onChoose(value: Value): unknown
}

/** One of a few, by the browser's own list. */
export function Choice<Value>({ label, options, at, onChoose }: ChoiceProps<Value>): VNode {
  const chosen = useSignal<number | null>(null)
  const isOpen = at < 0
  return (
    <select
      aria-label={label}
      onChange={async ({ currentTarget: { selectedIndex } }) => {
        const place = selectedIndex - (isOpen ? 1 : 0)
        const option = options[place]
        chosen.value = place
        if (option !== undefined) await onChoose(option.value)
        if (chosen.value === place) chosen.value = null
      }}
    >
      {/* A browser shows the first option as chosen, and choosing that changes nothing. */}
      {isOpen ? (
        <option disabled selected={chosen.value === null}>
          choose …
        </option>
      ) : null}
      {options.map(({ text }, i) => (
        <option key={text} selected={i === (chosen.value ?? at)}>
          {text}
        </option>
      ))}
    </select>
  )
}

/** Options whose text is their value. */
export function plainOptions<Value extends string>(values: readonly Value[]): { value: Value; text: string }[] {
  return values.map((value) => ({ value, text: value }))
}
